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
_NO_MASKS: Final = "it has no masks; trainer = 'classification' takes it"


@dataclass(frozen=True)
class _Place:
    description: str
    builder: str
    """As `module:function`."""
    facts: Mapping[str, Any]
    """What its `data.json` says of classes and shape, so that planning need not build it."""
    masked: bool = False
    """Whether every pixel has a class."""


_PLACES: Final[Mapping[str, _Place]] = {
    "embedded-digits": _Place(
        "scikit-learn's handwritten digits in colour on patches of its two photographs, 3x32x32, 10 classes",
        "trainables.data.embedded_digits:build",
        {"classes": list("0123456789"), "image_shape": [3, 32, 32]},
    ),
    "embedded-scenes": _Place(
        "one to four of those digits on patches of the two photographs, 3x64x64, with exact masks of 11 classes",
        "trainables.data.embedded_scenes:build",
        {"classes": ["background", *"0123456789"], "image_shape": [3, 64, 64]},
        masked=True,
    ),
}


def data_sets() -> Mapping[str, str]:
    """What each data set of images with classes is, in one line, by name: the library's, then the built-in ones."""
    built_in = {name: place.description for name, place in _PLACES.items() if not place.masked}
    return {**library.descriptions(library.folder()), **built_in}


def masked_sets() -> Mapping[str, str]:
    """What each data set is whose pixels have classes, in one line, by name: the library's, then the built-in ones."""
    built_in = {name: place.description for name, place in _PLACES.items() if place.masked}
    return {**library.descriptions(library.folder(), library.MASKED), **built_in}


def corrupted_sets() -> Mapping[str, str]:
    """What each corrupted test set of the library is, in one line, by name; none of them can be a study's data."""
    return library.descriptions(library.folder(), library.CORRUPTED)


def not_data() -> Mapping[str, str]:
    """Why a study of classification cannot name what there is besides its data sets, by name."""
    masked = dict.fromkeys(
        masked_sets(), "its pixels have classes, its images have none; trainer = 'segmentation' takes it"
    )
    return {**masked, **_only_tests()}


def not_masked() -> Mapping[str, str]:
    """Why a study of segmentation cannot name what there is besides sets with masks, by name."""
    told = {
        # Nobody knows whether a damaged one has masks.
        name: description if description.startswith(library.DAMAGED) else _NO_MASKS
        for name, description in data_sets().items()
    }
    return {**told, **_only_tests()}


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


def _only_tests() -> dict[str, str]:
    return {name: library.ONLY_TESTS.format(name=name) for name in corrupted_sets()}


def _unknown(name: str) -> TrainableError:
    there = ", ".join(sorted({**data_sets(), **masked_sets()}))
    return TrainableError("DATA_UNKNOWN", f"there is no data set {name!r}; there is {there}")
