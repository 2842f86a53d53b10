"""A list of cases as a CSV file: one row each, columns by name, every fault with its line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pixvox_registry.decoded import some
from pixvox_registry.errors import NoData, UserError, suggestion


@dataclass(frozen=True)
class CaseList:
    """Rows of a file below its header, with the line on which each ends.

    Args:
        file: the list; files that it names lie relative to its folder.
    """

    file: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]

    @classmethod
    def read(cls, file: Path) -> CaseList:
        """
        Raises:
            NoData: the list is not there.
            UserError: it cannot be read, has no row, or a row has other fields than the header.
        """
        if not file.is_file():
            raise NoData(f"csv wants a list of cases; {file} is no file. Check the path.")
        rows, lines = [], []
        try:
            with file.open(newline="", encoding="utf-8-sig") as stream:
                reader = csv.DictReader(stream, restkey="", restval=None, strict=True)
                columns = tuple(reader.fieldnames or ())
                for row in reader:
                    rows.append(row)
                    lines.append(reader.line_num)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{file} is no CSV list that can be read: {error}.") from None
        if len(set(columns)) < len(columns):
            raise UserError(f"The header of {file} names a column twice: {', '.join(columns)}.")
        for line, row in zip(lines, rows, strict=True):
            if "" in row or None in row.values():
                raise UserError(
                    f"Line {line} of {file} has other fields than its header, which has "
                    f"{len(columns)}: {', '.join(columns)}."
                )
        if not rows:
            raise UserError(f"{file} lists no case: it needs a header and a row for each.")
        return cls(file, columns, tuple(rows), tuple(lines))

    @cached_property
    def root(self) -> Path:
        """Its folder."""
        return self.file.parent

    def has(self, column: str, *, usual: str) -> bool:
        """Is a column there that may be left out? One called otherwise than usual may not."""
        if column != usual:
            self.column(column)
        return column in self.columns

    def column(self, name: str) -> tuple[str, ...]:
        """What each row says, none of it empty.

        Raises:
            UserError: there is no such column, or a row leaves it empty.
        """
        if name not in self.columns:
            raise UserError(
                f"{self.file} has no column {name!r}.{suggestion(name, self.columns)} It has: "
                f"{', '.join(self.columns)}."
            )
        said = tuple(row[name].strip() for row in self.rows)
        if "" in said:
            raise self.fault(said.index(""), f"leaves {name!r} empty")
        return said

    def files(self, name: str) -> tuple[str, ...]:
        """A column of paths, every one of which is there.

        Raises:
            UserError: as :meth:`column`, or a file is missing or listed twice.
        """
        said, seen = self.column(name), dict[str, int]()
        for at, path in enumerate(said):
            if not (self.root / path).exists():
                raise self.fault(at, f"names {path!r} as {name}, which is not there")
            if (first := seen.setdefault(path, at)) != at:
                raise self.fault(at, f"names {path!r} again, after line {self.lines[first]}")
        return said

    def numbers(self, name: str, *, highest: int | None = None) -> tuple[int, ...]:
        """A column of whole numbers from 0 on.

        Raises:
            UserError: as :meth:`column`, or a row holds no such number.
        """
        numbers = []
        for at, word in enumerate(self.column(name)):
            number = int(word) if word.isascii() and word.isdigit() else -1
            if number < 0 or (highest is not None and number > highest):
                upto = "on" if highest is None else f"to {highest}"
                raise self.fault(at, f"has {word!r} as {name}; a whole number from 0 {upto} is due")
            numbers.append(number)
        return tuple(numbers)

    def classes(self, name: str, known: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The class of each row, and the names of all.

        Whole numbers are classes as they are. Words stand for their place in ``known``, or, where
        it is empty, among all words sorted.

        Raises:
            UserError: as :meth:`numbers`, or a word that is not known.
        """
        said = self.column(name)
        if all(word.isascii() and word.isdigit() for word in said):
            numbers = self.numbers(name, highest=len(known) - 1 if known else None)
            return numbers, tuple(known) or tuple(map(str, range(max(numbers) + 1)))
        names = tuple(known) or tuple(sorted(set(said)))
        for at, word in enumerate(said):
            if word not in names:
                raise self.fault(at, f"has the class {word!r}; known are {some(names)}")
        return tuple(names.index(word) for word in said), names

    def fault(self, at: int, what: str) -> UserError:
        """An error that names the line of a row."""
        return UserError(f"Line {self.lines[at]} of {self.file} {what}.")
