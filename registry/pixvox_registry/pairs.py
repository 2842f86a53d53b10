"""Pairs: which NIfTI files of a folder are the channels and the mask of one case."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pixvox_registry.decoded import files_below, some
from pixvox_registry.errors import UserError
from pixvox_registry.volume import SUFFIXES
from pixvox_registry.volumes import Member

SUFFIX = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)


def members_of(
    root: Path, *, images: str, masks: str, channels: Sequence[str], mask_suffix: str
) -> tuple[Member, ...]:
    """Cases of a folder, sorted by their first file.

    With ``channels=["_image"]`` and ``mask_suffix="_label"`` the file ``x/a_image.nii.gz`` has the
    mask ``x/a_label.nii.gz``, and the case is called ``x/a``. Where files are called as their
    folder, or have no further name, the case is called as the folder: ``HGG/p1/p1_t1.nii.gz``
    belongs to ``HGG/p1``. Without any of the settings each file is a case, called as it is.

    Args:
        images, masks: sub-folders; empty for the folder itself.
        channels: what the names of a case's files end in, before their suffix.
        mask_suffix: what the name of its mask ends in.

    Raises:
        UserError: no image, two of one name, or one without its mask or another channel.
    """
    there = files_below(root, SUFFIXES)
    place = {SUFFIX.sub("", file): file for file in there}
    paired = bool(masks or mask_suffix)
    plain = not (images or paired or any(channels))
    before, drawn = (f"{folder}/" if folder else "" for folder in (images, masks))
    members: list[Member] = []
    lost: list[str] = []
    for file in there:
        name = SUFFIX.sub("", file)
        is_mask = paired and name.startswith(drawn) and name.endswith(mask_suffix)
        of_masks = is_mask and (drawn != before or bool(mask_suffix))
        if of_masks or not (name.startswith(before) and name.endswith(channels[0])):
            continue
        base = name.removeprefix(before).removesuffix(channels[0])
        further = [f"{before}{base}{channel}" for channel in channels[1:]]
        mask = f"{drawn}{base}{mask_suffix}"
        lost += [name for name in (*further, *[mask] * paired) if name not in place]
        members.append(
            Member(
                id=file if plain else _called(base) or name,
                images=(file, *(place.get(name, "") for name in further)),
                mask=place.get(mask) if paired else None,
            )
        )
    if lost or not members:
        what = f"lacks {some(lost)}" if lost else f"holds no image that ends in {channels[0]!r}"
        raise UserError(
            f"{root} {what} (.nii or .nii.gz). The channels of a case are called as the case, with "
            f"one of {list(channels)} after its name; its mask, with {mask_suffix!r}."
        )
    return _unique(members)


def patients_of(pattern: str | None, ids: Sequence[str]) -> tuple[str, ...] | None:
    """What the group of a regular expression finds in each id; None without one.

    Raises:
        UserError: it has no group, or finds nothing in an id.
    """
    if pattern is None:
        return None
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"patient={pattern!r} is no regular expression: {error}.") from None
    if not expression.groups:
        raise UserError(f"patient={pattern!r} needs a group, (...), that holds the patient.")
    found = [expression.search(case) for case in ids]
    if None in found:
        name = ids[found.index(None)]
        raise UserError(f"patient={pattern!r} finds no patient in the name {name!r}.")
    return tuple(match[1] for match in found if match)


def label_map(said: str | Mapping[int, int] | None) -> dict[int, int] | None:
    """``{as stored: as wanted}``, which a source line spells ``205=1,420=2``.

    >>> label_map("205=1,420=2;421=2")
    {205: 1, 420: 2, 421: 2}

    Raises:
        UserError: it is written otherwise, or wants a label that is not from 0 to 255.
    """
    if said is None:
        return None
    try:
        pairs = (
            said.items()
            if isinstance(said, Mapping)
            else [piece.split("=") for piece in re.split("[,;]", str(said))]
        )
        mapped = {int(stored): int(wanted) for stored, wanted in pairs}
    except ValueError:
        mapped = {}
    if not mapped or not all(0 <= label <= 255 for label in mapped.values()):
        raise UserError(
            f"labels= maps labels as they are stored to those wanted, from 0 to 255, for example "
            f"205=1,420=2; {said!r} came."
        )
    return mapped


def spelt_map(said: str | Mapping[int, int] | None) -> str | None:
    """
    >>> spelt_map({205: 1, 420: 2})
    '205=1,420=2'
    """
    if not isinstance(said, Mapping):
        return said
    return ",".join(f"{stored}={wanted}" for stored, wanted in said.items())


def _called(base: str) -> str:
    """
    >>> _called("HGG/p1/p1"), _called("p1/"), _called("x/a")
    ('HGG/p1', 'p1', 'x/a')
    """
    folder, _, name = base.rpartition("/")
    return folder if name in ("", folder.rpartition("/")[2]) else base


def _unique(members: Sequence[Member]) -> tuple[Member, ...]:
    seen: dict[str, Member] = {}
    for member in members:
        other = seen.setdefault(member.id, member)
        if other is not member:
            raise UserError(
                f"{other.images[0]} and {member.images[0]} both belong to a case {member.id!r}. "
                "Remove one, or read their folders one by one."
            )
    return tuple(members)
