"""The data library: sets of a user's own, kept on this machine under their names. Torch-free but for building."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trainables.data.local import LocalRoot
from trainables.data.manifest import is_digest
from trainables.errors import TrainableError

if TYPE_CHECKING:
    from trainables.preparation import Inputs

VARIABLE: Final = "ROBUSTUNE_DATA"
"""Environment variable that names the library's folder."""
DATA: Final = "data"
"""The kind of a set with the four splits of clean images."""
CORRUPTED: Final = "corrupted"
"""The kind of a corrupted test set."""
MASKED: Final = "masked"
"""The kind of a set with the four splits of clean images that have a class for every pixel."""
KINDS: Final = (DATA, CORRUPTED, MASKED)
ONLY_TESTS: Final = (
    "it holds corrupted test images, which nothing trains on; train on other data, and name this one in [options]: "
    'corruption_test_data = "{name}"'
)
"""What is said where a corrupted test set is named as data."""
DAMAGED: Final = "damaged: "
"""How the description of a damaged set begins."""
VERSION: Final = 1
"""Part of the address of a set that a study took over; raise it whenever `build_library_data` gives other files."""
_NAME: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST_RECORD: Final = 1 << 16


@dataclass(frozen=True)
class Record:
    """What `NAME.json` holds.

    Attributes:
        name: of the data set.
        description: what it is, in one line.
        digest: of its entry in the library's store.
        kind: of `KINDS`.
    """

    name: str
    description: str
    digest: str
    kind: str = DATA


def folder() -> Path:
    """Where the library lies: the folder that `ROBUSTUNE_DATA` names, or `~/.local/share/robustune/data`."""
    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else Path.home() / ".local" / "share" / "robustune" / "data"


def store(library: Path) -> LocalRoot:
    """The library's own store; its entries hold `data.json` and the four splits, or a file for each corruption."""
    return LocalRoot(library / "store")


def checked_name(name: str) -> str:
    """The name itself, where it is one that a file, a study and a command line can hold.

    Raises:
        TrainableError: OPTION_INVALID.
    """
    if not _NAME.fullmatch(name):
        shown = name if len(name) <= 80 else f"{name[:80]}... ({len(name)} characters)"
        raise TrainableError(
            "OPTION_INVALID",
            f"name {shown!r}: a data set's name has 1 to 64 letters, digits, dots, dashes and underscores and begins "
            "with a letter or a digit; give another with --name",
        )
    return name


def names(library: Path) -> list[str]:
    """Every name in the library, sorted, damaged records included; none where it cannot be read."""
    with suppress(OSError):
        return sorted(path.stem for path in library.glob("*.json") if _NAME.fullmatch(path.stem))
    return []


def descriptions(library: Path, kind: str = DATA) -> dict[str, str]:
    """What each set of a kind is, in one line, by name; of a damaged one, which counts as data, what is wrong."""
    found = {}
    for name in names(library):
        try:
            record = read(library, name)
        except TrainableError as error:
            record = Record(name, f"{DAMAGED}{error}", "")
        if record.kind == kind:
            found[name] = record.description
    return found


def read(library: Path, name: str) -> Record:
    """The record of a data set.

    Raises:
        TrainableError: DATA_UNKNOWN: there is none of that name; DATA_CORRUPT: it is not what was written.
    """
    path = library / f"{checked_name(name)}.json"
    try:
        with path.open("rb") as stream:
            plain = json.loads(stream.read(_LARGEST_RECORD))
        found = Record(**plain)
        sound = is_digest(found.digest) and isinstance(found.description, str) and found.kind in KINDS
        if found.name != name or not sound:
            raise ValueError("its fields are not those of a data set")
    except FileNotFoundError as error:
        raise TrainableError("DATA_UNKNOWN", f"{library}: no data set {name!r} was added there") from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise TrainableError(
            "DATA_CORRUPT",
            f"{path}: no record of a data set ({' '.join(str(error).split())[:100]}); take it away with "
            f"`robustune data remove {name}`, and add the data set again",
        ) from error
    return found


def facts(library: Path, digest: str) -> dict[str, Any]:
    """What `data.json` of an entry says; its images are not looked at.

    Raises:
        TrainableError: DATA_CORRUPT.
    """
    path = store(library).root / digest / "data.json"
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError("it is no table")
    except (OSError, ValueError, RecursionError) as error:
        raise TrainableError(
            "DATA_CORRUPT",
            f"{path}: cannot be read ({' '.join(str(error).split())[:100]}); add the data set again with "
            "`robustune data add`",
        ) from error
    return found


def write(library: Path, record: Record) -> bool:
    """Writes a record whole or not at all, and says whether it did: never over another of that name.

    Raises:
        OSError: the disk refuses.
    """
    with tempfile.NamedTemporaryFile("w", dir=library, prefix=".record-") as aside:
        json.dump(asdict(record), aside)
        aside.flush()
        os.fsync(aside.fileno())
        try:
            (library / f"{record.name}.json").hardlink_to(aside.name)
        except FileExistsError:
            return False
    return True


def remove(library: Path, name: str) -> None:
    """Takes a data set out of the library; studies that took it over keep it.

    Raises:
        TrainableError: DATA_UNKNOWN, or CACHE_UNWRITABLE.
    """
    if name not in names(library):
        raise TrainableError("DATA_UNKNOWN", f"{library}: no data set {name!r} was added there")
    digest = None
    with suppress(TrainableError):  # a damaged record is taken away all the same
        digest = read(library, name).digest
    try:
        (library / f"{name}.json").unlink(missing_ok=True)
    except OSError as error:
        raise TrainableError("CACHE_UNWRITABLE", f"{library}: {error.strerror}; make it writable") from error
    if digest is not None and digest not in _digests(library):
        store(library).discard(digest)


def build_library_data(arguments: Mapping[str, Any], inputs: "Inputs", directory: Path) -> dict[str, Any]:
    """Takes a data set over from this machine's library, by links where both lie on one disk, and counts its images."""
    from trainables.data.soundness import check_data
    from trainables.segmentation.soundness import check_masked

    place = Path(inputs.places["library"])
    take_over(place, arguments["digest"], directory)
    masked = facts(place, arguments["digest"]).get("kind") == MASKED
    return dict((check_masked if masked else check_data)(directory))


def take_over(library: Path, digest: str, directory: Path) -> None:
    """Puts every file of an entry of the library into an empty folder, by links where both lie on one disk.

    Raises:
        TrainableError: DATA_CORRUPT: it is gone, or not what was added.
    """
    try:
        entry = store(library).open(digest)
    except TrainableError as error:
        raise TrainableError(
            "DATA_CORRUPT", f"{error.message.partition(';')[0]}; add the data set again with `robustune data add`"
        ) from error
    for name in entry.manifest["files"]:
        try:
            (directory / name).hardlink_to(entry.path / name)
        except OSError:  # another disk, or another's file
            shutil.copyfile(entry.path / name, directory / name)


def _digests(library: Path) -> set[str]:
    found = set()
    for name in names(library):
        with suppress(TrainableError):
            found.add(read(library, name).digest)
    return found
