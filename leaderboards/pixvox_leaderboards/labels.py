"""Label fractions as boards read them: the protocol, and the share of the labels it may use."""

from __future__ import annotations

import re

ALL = 100.0
FEW_LABELS = 20  # what many who outline volumes have; from half to twice as many answer for it


def share_of(protocol: str) -> tuple[str, float]:
    """The protocol's own name, and the percentage of train whose labels it learnt from.

    Whatever is spelt otherwise is a protocol of its own, of all labels.

    >>> share_of("linear_probe@10%"), share_of("finetune"), share_of("mine@home")
    (('linear_probe', 10.0), ('finetune', 100.0), ('mine@home', 100.0))
    """
    spelt = re.fullmatch(r"(.+)@(\d+(?:\.\d+)?)%", protocol)
    if spelt is None or not 0 < float(spelt[2]) < ALL:
        return protocol, ALL
    return spelt[1], float(spelt[2])


def is_few(count: int | None) -> bool:
    """Does it answer for about 20 labels?

    >>> [is_few(count) for count in (None, 9, 10, 40, 41)]
    [False, False, True, True, False]
    """
    return count is not None and FEW_LABELS / 2 <= count <= FEW_LABELS * 2


def few_text(percent: float | None = None, count: int | None = None) -> str:
    """What many ask for, and what answers.

    >>> few_text(), few_text(10.0, 13)
    ('about 20', 'about 20 (10 %, 13 cases)')
    """
    about = f"about {FEW_LABELS}"
    return about if percent is None else f"{about} ({labels_text(percent, None)}, {count} cases)"


def labels_text(percent: float, count: int | None) -> str:
    """How many labels, as far as it is known.

    >>> labels_text(10.0, 18), labels_text(100.0, None)
    ('10 % (18)', 'all')
    """
    words = "all" if percent == ALL else f"{percent:g} %"
    return words if count is None else f"{words} ({count:,})"
