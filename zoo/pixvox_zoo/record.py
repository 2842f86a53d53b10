"""What pip noted of the files that it installed, held against them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from importlib.metadata import Distribution, FileHash, distributions
from pathlib import Path

from pixvox_registry.artifacts import digest
from pixvox_registry.errors import UserError
from pixvox_registry.places import WEIGHTS

ALGORITHMS = ("sha256", "sha384", "sha512")  # that a RECORD may use


def check_record(file: Path) -> None:
    """Refuse a file of installed weights that is not as it came; of other files pip knows nothing.

    Raises:
        UserError: the RECORD of the distribution has another digest, or cannot be read.
    """
    folder = file.parent.resolve()
    for brought in distributions(path=[str(folder.parent)]):
        if not brought.entry_points.select(group=WEIGHTS):
            continue
        noted = noted_of(brought, (folder.name, file.name))
        if noted is not None and not _agrees(noted, file):
            raise UserError(
                f"{file} is not as {brought.name} {brought.version} brought it: the RECORD of pip "
                f"has another {noted.mode}. Install it again: pip install --force-reinstall "
                f"{brought.name}=={brought.version}"
            )


def noted_of(brought: Distribution, parts: tuple[str, ...]) -> FileHash | None:
    """The digest that the RECORD of a distribution has of a file, if any."""
    try:
        files = brought.files or []
    except ValueError as error:
        raise UserError(
            f"The RECORD of {brought.name} {brought.version} cannot be read: {error}. Install it "
            "again."
        ) from None
    return next((noted.hash for noted in files if noted.parts == parts), None)


def _agrees(noted: FileHash, file: Path) -> bool:
    if noted.mode not in ALGORITHMS:
        return False
    own = bytes.fromhex(digest(file, noted.mode))
    return urlsafe_b64encode(own).rstrip(b"=").decode() == noted.value
