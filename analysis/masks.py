"""Reads images with their masks, and what trials say of them, from what `robustune evaluate` left."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.evaluated import SEGMENTATION_EXAMPLES_FILE, Damaged, evaluated_as
from analysis.knobs import NotDrawable
from analysis.segmentation_evaluated import asked_for, scores_by_trial, telling
from analysis.voc_palette import VOID, Mask, Pixels
from analysis.wording import visible
from search_spaces.study import Study

IMAGES: Final = 4
"""Shown where no number is asked for."""
_WHOLE: Final = ("trial", "row", "height", "width")
_BYTES: Final = {"image": 3, "truth": 1, "prediction": 1, "noisy": 1}
"""Bytes of each pixel."""
_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.int64(), nullable=False) for name in _WHOLE),
        *(pa.field(name, pa.binary(), nullable=False) for name in _BYTES),
        *(pa.field(name, pa.float64()) for name in ("miou", "noisy_miou")),
    ]
)


@dataclass(frozen=True)
class Said:
    """What a trial says of one image, without noise and under it, and the mean IoU of each; None of no class."""

    prediction: Mask
    noisy: Mask
    miou: float | None
    noisy_miou: float | None


@dataclass(frozen=True)
class Masked:
    """One image of the test split with its true mask, and what each trial says of it, in the trials' order."""

    row: int
    image: Pixels
    truth: Mask
    said: tuple[Said, ...]

    @property
    def masks(self) -> tuple[Mask, ...]:
        """The truth, then each trial's prediction and its prediction under noise."""
        return (self.truth, *(mask for one in self.said for mask in (one.prediction, one.noisy)))


@dataclass(frozen=True)
class Sheet:
    """Images and what some trials say of them.

    Attributes:
        trials: their numbers.
        images: in the order of the file.
        classes: names of all classes, none of which can steer a terminal.
    """

    trials: tuple[int, ...]
    images: tuple[Masked, ...]
    classes: tuple[str, ...]

    @property
    def occurring(self) -> tuple[int, ...]:
        """Classes that some mask has, in order, with VOID last."""
        return tuple(sorted(self.pixels))

    @property
    def pixels(self) -> Counter[int]:
        """Pixels of each class over all masks."""
        found: Counter[int] = Counter()
        for one in self.images:
            for mask in one.masks:
                found += pixels_of(mask)
        return found

    def name(self, number: int) -> str:
        """Returns what a class is called."""
        return "void" if number == VOID else self.classes[number]

    def shares(self, mask: Mask) -> tuple[tuple[str, float], ...]:
        """Returns the classes of a mask by name, each with its share of the pixels, the greatest first."""
        return tuple((self.name(number), count / mask.size) for number, count in pixels_of(mask).most_common())


def pixels_of(mask: Mask) -> Counter[int]:
    """Returns how many pixels each class of a mask has."""
    numbers, counts = np.unique(mask, return_counts=True)
    return Counter(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))


def read_masks(folder: Path, study: Study, trials: Sequence[int] = (), images: int = IMAGES) -> Sheet | None:
    """Returns what the trials say of the first images of which each says something; None where nothing was evaluated.

    Args:
        folder: of the study.
        study: whose evaluation it must be.
        trials: numbers; none means those that `analysis.segmentation_evaluated.telling` chooses.
        images: how many at most.

    Raises:
        NotDrawable: a trial was not evaluated, or the trials have no image in common.
        Damaged: the file is not what an evaluation writes.
        OSError: a file cannot be read.
    """
    table = evaluated_as(folder, SEGMENTATION_EXAMPLES_FILE, study, _SCHEMA)
    if table is None:
        return None
    path = Path(folder) / SEGMENTATION_EXAMPLES_FILE
    there = table["trial"].to_pylist()
    chosen = asked_for(trials, there, study) or telling(there, scores_by_trial(folder, study))
    rows = _rows(table, chosen, study, images)
    cells = _cells(table, chosen, rows, path)
    classes = _classes(table, path)
    return Sheet(
        chosen, tuple(_masked(row, [cells[t, row] for t in chosen], len(classes), path) for row in rows), classes
    )


def _rows(table: pa.Table, trials: Sequence[int], study: Study, most: int) -> list[int]:
    """The first rows of the split that all trials were shown, in the order of the first one."""
    by_trial = [table.filter(pc.equal(table["trial"], trial))["row"].to_pylist() for trial in trials]
    shared = set(by_trial[0]).intersection(*by_trial[1:])
    if not shared:
        told = f"trials {', '.join(map(str, trials))} were evaluated with no image in common"
        raise NotDrawable(study, f"{told}; let `robustune evaluate` take them together, or draw them one by one")
    return [row for row in dict.fromkeys(by_trial[0]) if row in shared][:most]


def _cells(table: pa.Table, trials: Sequence[int], rows: Sequence[int], path: Path) -> dict[tuple[int, int], Any]:
    wanted = pc.and_(pc.is_in(table["trial"], pa.array(trials)), pc.is_in(table["row"], pa.array(rows)))
    found: dict[tuple[int, int], Any] = {}
    for cell in table.filter(wanted).to_pylist():
        if (cell["trial"], cell["row"]) in found:
            raise Damaged(path, f"has row {cell['row']} of trial {cell['trial']} twice")
        found[cell["trial"], cell["row"]] = cell
    return found


def _classes(table: pa.Table, path: Path) -> tuple[str, ...]:
    try:
        names = json.loads((table.schema.metadata or {}).get(b"classes", b"null"))
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Damaged(path, "does not list the names of its classes")
    return tuple(visible(name) for name in names)


def _masked(row: int, cells: Sequence[dict[str, Any]], classes: int, path: Path) -> Masked:
    for cell in cells:
        _check(cell, cells[0], classes, path)
    shape = (cells[0]["height"], cells[0]["width"])
    said = tuple(
        Said(
            _mask(cell["prediction"], shape),
            _mask(cell["noisy"], shape),
            _score(cell["miou"]),
            _score(cell["noisy_miou"]),
        )
        for cell in cells
    )
    image = np.frombuffer(cells[0]["image"], np.uint8).reshape(*shape, 3)
    return Masked(row, image, _mask(cells[0]["truth"], shape), said)


def _check(cell: dict[str, Any], first: dict[str, Any], classes: int, path: Path) -> None:
    """Raises `Damaged` where a cell is no image with its masks, or another one than the first trial's."""
    where = f"row {cell['row']} of trial {cell['trial']}"
    if min(cell["height"], cell["width"]) < 1:
        raise Damaged(path, f"has an image of {cell['height']} x {cell['width']} pixels in {where}")
    for name, depth in _BYTES.items():
        needed = cell["height"] * cell["width"] * depth
        if len(cell[name]) != needed:
            raise Damaged(path, f"has {len(cell[name])} bytes of {name} in {where}, where its size takes {needed}")
    for name in ("truth", "prediction", "noisy"):
        values = np.frombuffer(cell[name], np.uint8)
        if wrong := values[(values >= classes) & (values != VOID)].tolist():
            raise Damaged(path, f"has class {wrong[0]} in {name} of {where}, and names {classes} classes")
    if any(cell[name] != first[name] for name in ("height", "width", "image", "truth")):
        raise Damaged(path, f"has another image in {where} than for trial {first['trial']}")


def _mask(values: bytes, shape: tuple[int, int]) -> Mask:
    found: Mask = np.frombuffer(values, np.uint8).reshape(shape)
    return found


def _score(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
