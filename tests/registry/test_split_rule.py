"""Splits by rule: names alone decide, whatever the order and the machine."""

from __future__ import annotations

from hashlib import sha256

import pytest

from pixvox_registry.split_rule import SHARES, by_rule


@pytest.mark.parametrize("count", [4, 20, 32, 41, 131, 285])
def test_shares_are_kept_and_every_name_has_one_place(count: int) -> None:
    names = [f"case_{i:03d}" for i in range(count)]
    splits = by_rule(names, rule="toy")
    assert sorted(name for split in splits.values() for name in split) == names
    for split, share in SHARES.items():
        assert abs(len(splits[split]) - share * count) <= 1
    assert by_rule(names[::-1] * 2, rule="toy") == splits
    assert by_rule(names, rule="other") != splits


def test_it_is_the_rule_that_the_page_tells() -> None:
    names = [f"p{i}" for i in range(40)]
    order = sorted(names, key=lambda name: sha256(f"toy/{name}".encode()).hexdigest())
    splits = by_rule(names, {"train": 0.8, "val": 0.2}, rule="toy")
    assert splits == {"train": sorted(order[:32]), "val": sorted(order[32:])}


def test_the_list_of_the_spleen_never_changes() -> None:
    """A changed rule is another split, and old results would seem to be of this one."""
    splits = by_rule([f"spleen_{i}" for i in range(1, 42)], rule="Task09_Spleen")
    assert [len(names) for names in splits.values()] == [25, 6, 10]
    assert splits["val"] == [f"spleen_{i}" for i in (24, 29, 34, 35, 36, 4)]
