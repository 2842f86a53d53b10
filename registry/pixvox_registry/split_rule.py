"""Splits that follow from names alone, for data sets that bring none and whose list is not at hand.

Whoever has the same cases has the same splits, on any machine and in any order of the files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

SHARES: Mapping[str, float] = {"train": 0.60, "val": 0.15, "test": 0.25}


def by_rule(
    names: Collection[str], shares: Mapping[str, float] = SHARES, *, rule: str
) -> dict[str, list[str]]:
    """``{split: names, sorted}``: in the order of ``sha256("rule/name")``, the first share first.

    Args:
        names: of cases, or of patients where they are known; one that comes twice counts once.
        shares: of every split; they sum to 1.
        rule: what else the digest covers, so that two data sets draw apart.

    >>> by_rule(["a", "b", "c", "d"], {"train": 0.5, "test": 0.5}, rule="toy")
    {'train': ['a', 'd'], 'test': ['b', 'c']}
    """
    drawn = sorted(set(names), key=lambda name: sha256(f"{rule}/{name}".encode()).digest())
    splits, start, share = {}, 0, 0.0
    for split, part in shares.items():
        share += part
        end = round(share * len(drawn))
        splits[split] = sorted(drawn[start:end])
        start = end
    return splits
