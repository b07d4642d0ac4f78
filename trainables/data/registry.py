"""Data sets by name. Importing this imports no torch; a set's own module is imported when it is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from trainables.data import library
from trainables.errors import TrainableError

CODE_VERSION: Final = 2
"""Part of every data set's address: raise it whenever a builder's output changes."""


@dataclass(frozen=True)
class _Place:
    description: str
    builder: str
    """As `module:function`."""
    facts: Mapping[str, Any]
    """What its `data.json` says of classes and shape, so that planning need not build it."""


_PLACES: Final[Mapping[str, _Place]] = {
    "embedded-digits": _Place(
        "scikit-learn's handwritten digits in colour on patches of its two photographs, 3x32x32, 10 classes",
        "trainables.data.embedded_digits:build",
        {"classes": list("0123456789"), "image_shape": [3, 32, 32]},
    ),
}


def data_sets() -> Mapping[str, str]:
    """What each data set is, in one line, by name: those of the library, then the built-in ones."""
    return {**library.descriptions(library.folder()), **{name: place.description for name, place in _PLACES.items()}}


def corrupted_sets() -> Mapping[str, str]:
    """What each corrupted test set of the library is, in one line, by name; none of them can be a study's data."""
    return library.descriptions(library.folder(), library.CORRUPTED)


def not_data() -> Mapping[str, str]:
    """Why a study cannot name what the library holds besides data sets, by name."""
    return {name: library.ONLY_TESTS.format(name=name) for name in corrupted_sets()}


def facts(name: str) -> Mapping[str, Any]:
    """Classes, shape and more of a data set, as its `data.json` says it; nothing is built, and no image is read.

    Raises:
        TrainableError: as `located`; DATA_CORRUPT where the library's file cannot be read.
    """
    if is_built_in(name):
        return _PLACES[name].facts
    digest, folder = located(name)
    return library.facts(folder, digest)


def is_built_in(name: str) -> bool:
    """Whether a data set of that name comes with the package."""
    return name in _PLACES


def located(name: str) -> tuple[str, Path]:
    """Digest of a data set of the library, and the library's folder.

    Raises:
        TrainableError: DATA_UNKNOWN, DATA_CORRUPT; DATA_INVALID for a corrupted test set.
    """
    if name not in library.names(library.folder()):
        raise _unknown(name)
    record = library.read(library.folder(), name)
    if record.kind == library.CORRUPTED:
        raise TrainableError("DATA_INVALID", f"data {name!r}: {library.ONLY_TESTS.format(name=name)}")
    return record.digest, library.folder()


def build(name: str, directory: Path) -> None:
    """Makes a built-in data set in an empty folder: `train`, `validation`, `test`, `holdout` (`.arrow`), `data.json`.

    `data.json` holds classes, mean and std of the training pixels per channel in [0, 1], image_shape (C, H, W), and
    flips_keep_labels: whether a mirrored image still shows its class.

    Raises:
        TrainableError: DATA_UNKNOWN.
    """
    if name not in _PLACES:
        raise _unknown(name)
    module, _, function = _PLACES[name].builder.partition(":")
    builder: Callable[[Path], None] = getattr(import_module(module), function)
    builder(directory)


def _unknown(name: str) -> TrainableError:
    return TrainableError("DATA_UNKNOWN", f"there is no data set {name!r}; there is {', '.join(sorted(data_sets()))}")
