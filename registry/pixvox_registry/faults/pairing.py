"""Images and label maps by folder and by name, where no list says which belong together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import Any

from pixvox_registry.faults.finding import Finding, error
from pixvox_registry.faults.layout import Case, split_of, stem_of

LABEL_FOLDER = re.compile(
    r"^(label|mask|seg|segmentation|annotation|gt|groundtruth)s?(?=$|[tv_-])", re.I
)
IMAGE_FOLDER = re.compile(r"^(image|img|scan|volume)s?(?=$|[tv_-])", re.I)
LABEL_NAME = re.compile(
    r"[_-](seg|segmentation|mask|label|gt|manual|\d(st|nd|rd|th)HO)s?\d*$", re.I
)
LONE_LABEL = re.compile(r"^(seg|segmentation|mask|label|gt)s?$", re.I)

Key = tuple[str, str]  # folder and name

MISSING = error(
    "missing-partner",
    "an image without its label map, a label map or a row of labels.csv without its image",
    "Fetch what is missing, or remove the one that is left.",
)
REPEATED = error(
    "duplicate-id",
    "two files, or two entries of a list, bear the name of one case",
    "Rename or remove one of them.",
)


def paired(paths: Sequence[str]) -> tuple[list[Case], list[Finding]]:
    """Cases of images with the label maps that are theirs.

    A label map lies in a folder labels*, masks*, ... beside images*, under the name of its image;
    or beside its image, under its name and ``_seg``, ``_mask``, ...; or is ``mask`` or ``seg``
    alone in the folder of a case. Images whose names go on behind that of a label map, as those of
    channels and modalities do, are one case.
    """
    labels = [file for file in paths if is_label(file)]
    images = [file for file in paths if not is_label(file)]
    if not images:  # a folder of label maps alone is looked at as images are
        images, labels = labels, []
    grouped: dict[Key, list[str]] = defaultdict(list)
    for file in images:
        grouped[_folder(file), stem_of(file)].append(file)
    maps: dict[Key, list[str]] = {key: [] for key in grouped}
    findings = _repeated([*images, *labels])
    for label in labels:
        partners = _partners(label, maps)
        if not partners:
            findings.append(MISSING.at(label, f"no image is called {_base(stem_of(label))!r}"))
        for key in partners:
            maps[key].append(label)
    labelled = {folder for (folder, _), theirs in maps.items() if theirs}
    together: dict[Any, list[Key]] = defaultdict(list)  # channels and modalities share a label map
    for key in sorted(grouped):
        together[tuple(maps[key]) or key].append(key)
        if key[0] in labelled and not maps[key]:
            said = "it has no label map, while others beside it do"
            findings.append(MISSING.at(grouped[key], said))
    cases = []
    for keys in together.values():
        files = [file for key in keys for file in grouped[key]]
        theirs = maps[keys[0]]
        name = keys[0][1] if len(keys) == 1 else _base(stem_of(theirs[0]))
        cases.append(
            Case(name=name, images=tuple(files), labels=tuple(theirs), split=split_of(files[0]))
        )
    return cases, findings


def is_label(file: str) -> bool:
    """Does its folder or its name say that it is a label map?"""
    parts = PurePosixPath(file).parts[:-1]
    named = any(LABEL_FOLDER.match(part) for part in parts)
    stem = stem_of(file)
    return named or bool(LABEL_NAME.search(stem) or LONE_LABEL.match(stem))


def _partners(label: str, keys: Collection[Key]) -> list[Key]:
    """The cases that a label map belongs to; several where modalities share one."""
    stem = stem_of(label)
    folder = _folder(label)
    for beside in (folder, str(PurePosixPath(folder.replace("*", ".", 1)))):
        for name in (stem, _base(stem)):
            if (beside, name) in keys:
                return [(beside, name)]
        shared = f"{_base(stem)}_"
        lone = LONE_LABEL.match(stem)
        if found := [
            key for key in keys if key[0] == beside and (lone or key[1].startswith(shared))
        ]:
            return found
    return []


def _folder(file: str) -> str:
    """The folder, with what says images or labels in it replaced by a star."""
    parts = PurePosixPath(file).parts[:-1]
    starred = [LABEL_FOLDER.sub("*", IMAGE_FOLDER.sub("*", part)) for part in parts]
    return str(PurePosixPath(*starred))


def _base(stem: str) -> str:
    return LABEL_NAME.sub("", stem)


def _repeated(files: Sequence[str]) -> list[Finding]:
    """Files of one folder that differ in their suffix alone."""
    named: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        named[str(PurePosixPath(file).parent), stem_of(file)].append(file)
    return [
        REPEATED.at(group, f"{len(group)} files are called {stem!r}")
        for (_, stem), group in sorted(named.items())
        if len(group) > 1
    ]
