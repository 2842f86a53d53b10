"""What a user did wrong, said in one paragraph: what was wanted, what came, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

RESUME_ME = 75  # exit code EX_TEMPFAIL: what schedulers take for "try again"


class UserError(Exception):
    """Wrong input. The command line prints it without a traceback and exits with 2."""


class NoData(UserError):
    """The data of a source is not at hand: its folder or file does not exist here."""


class UnknownName(UserError, LookupError):
    """A name that nothing bears."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a leading blank, or nothing.

    >>> suggestion("sim_clr", ["byol", "simclr"])
    " Did you mean 'simclr'?"
    """
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The apology for a name that does not exist, with all names that do."""
    known = sorted(known)
    there = ", ".join(known) or "none"
    return UnknownName(
        f"No {kind} is called {name!r}.{suggestion(name, known)} There are: {there}."
    )
