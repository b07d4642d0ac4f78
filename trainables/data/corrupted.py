"""Corrupted test sets of the library: planning with them, and how their classes fit a data set. Torch-free."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trainables.data import library, registry
from trainables.errors import TrainableError

if TYPE_CHECKING:
    from trainables.preparation import Inputs, Step

KIND: Final = "corrupted-data"
"""Name and kind of the step that takes a corrupted test set over from the library."""
OPTION: Final = "corruption_test_data"
"""The option that names one."""

_SHOWN: Final = 5


@dataclass(frozen=True)
class CorruptedFacts:
    """What a corrupted test set holds.

    Attributes:
        format: of `robustune data add`.
        constants: what the constants of its corruptions are called, as in the option `corruption_constants`.
        corruptions: in the order of `trainables.corruption_overlaps.GROUPS`.
        severities: every corruption has all of them.
        classes: names; a label of the set counts into them.
        class_ids: what the layout calls each class, such as its WordNet id.
        image_shape: (C, H, W).
        counts: source images of each class.
        images: source images; every cell (corruption, severity) shows the same.
    """

    format: str
    constants: str
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    classes: tuple[str, ...]
    class_ids: tuple[str, ...]
    image_shape: tuple[int, int, int]
    counts: tuple[int, ...]
    images: int


@dataclass(frozen=True)
class Fit:
    """How the classes of a corrupted test set stand to those of a data set.

    Attributes:
        labels: for each class of the corrupted set its index in the data set; -1 where the data set lacks it.
        left_out: images of each cell whose class the data set lacks.
    """

    labels: tuple[int, ...]
    left_out: int


def corrupted_step(name: str) -> Step:
    """The step that takes a corrupted test set over from this machine's library; its address is that of its content.

    Raises:
        TrainableError: DATA_UNKNOWN: there is none of that name; DATA_INVALID: it is an ordinary data set;
            DATA_CORRUPT: the library's record is damaged.
    """
    from trainables.preparation import Step

    digest, place = _located(name)
    arguments = {"digest": digest, "version": library.VERSION}
    return Step(KIND, KIND, arguments, here=True, places={"library": str(place)})


def corrupted_facts(name: str) -> CorruptedFacts:
    """What a corrupted test set of the library holds; no image is read.

    Raises:
        TrainableError: as `corrupted_step`.
    """
    digest, place = _located(name)
    return _read(library.facts(place, digest), f"{place}: {name!r}")


def facts_in(folder: Path) -> CorruptedFacts:
    """What the result of the step holds.

    Raises:
        TrainableError: DATA_CORRUPT.
    """
    return _read(json.loads((folder / "data.json").read_text()), str(folder))


def check_fits(name: str, data: str) -> Fit:
    """`fit`, of a corrupted test set and a data set by their names, before anything is built.

    Raises:
        TrainableError: as `corrupted_step`; as `trainables.data.registry.facts`; DATA_INVALID as `fit`.
    """
    try:
        return fit(corrupted_facts(name), registry.facts(data))
    except TrainableError as error:
        if error.code != "DATA_INVALID" or error.message.startswith(OPTION):
            raise
        raise TrainableError(error.code, f"{OPTION} {name!r} with data {data!r}: {error}") from error


def fit(corrupted: CorruptedFacts, data: Mapping[str, Any]) -> Fit:
    """Finds the classes of a corrupted test set among those of a data set, by id where both tell them, else by name.

    Args:
        corrupted: of the corrupted set.
        data: the data set's `data.json`.

    Raises:
        TrainableError: DATA_INVALID: the corrupted set lacks classes of the data set, or its images have another size.
    """
    places = _places(data["classes"], data.get("class_ids", ()))
    pairs = zip(corrupted.class_ids, corrupted.classes, strict=True)
    # Two classes of ImageNet are called crane: where both sides tell ids, names count for nothing.
    by_name = {} if data.get("class_ids") else places
    labels = tuple(places.get(each, by_name.get(name, -1)) for each, name in pairs)
    absent = [name for label, name in enumerate(data["classes"]) if label not in labels]
    if absent:
        raise TrainableError(
            "DATA_INVALID",
            f"the corrupted test set lacks {len(absent)} of {len(data['classes'])} classes: {_some(absent)}; it has "
            f"{_some(corrupted.classes)}; add one with these classes, or with a words.txt that tells their names",
        )
    shape, wanted = corrupted.image_shape, tuple(data["image_shape"])
    if shape != wanted:
        would_do = f"; add it again with --size {wanted[1]}" if wanted[1] == wanted[2] else ""
        raise TrainableError(
            "DATA_INVALID",
            f"corrupted test images of {shape[2]}x{shape[1]}, the data's have {wanted[2]}x{wanted[1]}{would_do}",
        )
    return Fit(labels, sum(count for count, label in zip(corrupted.counts, labels, strict=True) if label < 0))


def build_corrupted_data(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Takes a corrupted test set over from this machine's library, and says what it holds.

    Raises:
        TrainableError: DATA_CORRUPT, CACHE_CORRUPT.
    """
    from trainables.data.corrupted_images import check_cells

    library.take_over(Path(inputs.places["library"]), arguments["digest"], directory)
    facts = facts_in(directory)
    check_cells(directory, facts)
    return asdict(facts)


def _located(name: str) -> tuple[str, Path]:
    """Digest of a corrupted test set, and the library's folder."""
    place = library.folder()
    if name in library.names(place):
        record = library.read(place, name)
        if record.kind == library.CORRUPTED:
            return record.digest, place
    if name in {**registry.data_sets(), **registry.masked_sets()}:
        raise TrainableError(
            "DATA_INVALID",
            f"{OPTION}: {name!r} is a data set of clean images; name a corrupted test set, as `robustune data add "
            f"imagenet-c PATH` adds it ({_there()})",
        )
    close = difflib.get_close_matches(name[:80], registry.corrupted_sets(), 1)
    meant = (
        f"did you mean {close[0]!r}?" if close else f"add one with `robustune data add imagenet-c PATH` ({_there()})"
    )
    raise TrainableError("DATA_UNKNOWN", f"{OPTION}: there is no corrupted test set {name[:80]!r}; {meant}")


def _there() -> str:
    names = sorted(registry.corrupted_sets())
    return f"there is {_some(names)}" if names else "there is none yet"


def _read(plain: Mapping[str, Any], where: str) -> CorruptedFacts:
    try:
        fields: dict[str, Any] = {name: _frozen(plain[name]) for name in _FIELDS}
    except (KeyError, TypeError) as error:
        raise TrainableError(
            "DATA_CORRUPT", f"{where}: no corrupted test set ({error}); add it again with `robustune data add`"
        ) from error
    return CorruptedFacts(**fields)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_FIELDS: Final = tuple(CorruptedFacts.__dataclass_fields__)


def _places(classes: Sequence[str], ids: Sequence[str]) -> dict[str, int]:
    """Where each class of a data set stands, by name and by id; an id counts more than a name that equals it."""
    return {
        **{name: label for label, name in enumerate(classes)},
        **{each: label for label, each in enumerate(ids)},
    }


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
