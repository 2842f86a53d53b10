"""Label fractions as boards read them: the protocol, and the share of the labels it may use."""

from __future__ import annotations

import re

ALL = 100.0


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


def labels_text(percent: float, count: int | None) -> str:
    """How many labels, as far as it is known.

    >>> labels_text(10.0, 18), labels_text(100.0, None)
    ('10 % (18)', 'all')
    """
    words = "all" if percent == ALL else f"{percent:g} %"
    return words if count is None else f"{words} ({count:,})"
