"""Reads examples of a set, and computes the pictures that show them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.wording import shown, visible, written

Pixels = NDArray[np.uint8]
GREY: Final = 128
_TENSORS: Final = ("clean", "perturbed", "frames", "style")
_STEPS: Final = ("frames", "frame_steps", "steps")
_COLUMNS: Final = (
    "clean",
    "perturbed",
    "label_name",
    "target_name",
    "predicted_name",
    "fooled",
    "l2",
    "linf",
)


class ExamplesError(Exception):
    """The file of examples is not there (`missing`), is damaged, or cannot be shown; the message says which."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(visible(message))
        self.missing = missing


@dataclass(frozen=True)
class Example:
    """One perturbed image beside its source; all pictures are (H, W, 3).

    Attributes:
        clean: the source.
        perturbation: what was added, GREY where nothing was, multiplied by `factor`.
        perturbed: the image as it stands in the set.
        factor: makes the largest change of any frame just reach black or white.
        frames: what had been added after each of `steps`, which are all different, multiplied alike.
        verdict: from which class to which, as in "7 → 1".
        facts: how long it took and how far it went.
    """

    clean: Pixels
    perturbation: Pixels
    perturbed: Pixels
    factor: float
    frames: tuple[Pixels, ...]
    steps: tuple[int, ...]
    verdict: str
    facts: str

    @property
    def pictures(self) -> tuple[tuple[Pixels, str], ...]:
        """What stands side by side, each with its name."""
        added = (self.perturbation, f"perturbation ×{written(self.factor)}")
        return (self.clean, "clean"), added, (self.perturbed, "perturbed")


@dataclass(frozen=True)
class StylisedExample:
    """One stylised image beside its source; all pictures are (H, W, 3).

    Attributes:
        clean: the source.
        style: the part of a style that it takes on.
        stylised: the image as it stands in the set.
        verdict: its class, and what the baseline takes the stylised image for.
        facts: how far it went.
    """

    clean: Pixels
    style: Pixels
    stylised: Pixels
    verdict: str
    facts: str

    @property
    def pictures(self) -> tuple[tuple[Pixels, str], ...]:
        """What stands side by side, each with its name."""
        return (self.clean, "clean"), (self.style, "style"), (self.stylised, "stylised")


@dataclass(frozen=True)
class Examples:
    """Examples of one set, with steps or stylised, and a line that says which set it is."""

    title: str
    examples: tuple[Example | StylisedExample, ...]


def read(file: Path) -> Examples:
    """Returns the examples of an `examples.arrow`.

    Raises:
        ExamplesError: not there, damaged, without a column that is needed, or of images with neither 1 nor 3 channels.
    """
    table = _table(file)
    between = ("style",) if "style" in table.column_names else _STEPS
    needed = (*_COLUMNS, *between)
    missing = [name for name in needed if name not in table.column_names]
    if missing or not table.num_rows:
        raise ExamplesError(f"{file}: holds no examples: {'no ' + ', '.join(missing) if missing else 'no rows'}")
    tensors = [_tensor(file, table, name) for name in ("clean", "perturbed", between[0])]
    channels = tensors[0].shape[1]
    if channels not in (1, 3):
        raise ExamplesError(f"{file}: images of {channels} channels cannot be shown; they need 1 or 3")
    plain = table.select([name for name in needed if name not in _TENSORS]).to_pylist()
    rows = list(zip(*tensors, plain, strict=True))
    said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    if between is _STEPS:
        return Examples(_title(said), tuple(_example(*row) for row in rows))
    return Examples(_stylised_title(said), tuple(_stylised_example(*row) for row in rows))


def about_grey(difference: NDArray[np.int16], factor: float) -> Pixels:
    """Returns a difference of images in grey levels as a picture: GREY where it is 0, cut off at black and white."""
    picture: Pixels = np.clip(np.rint(GREY + difference * factor), 0, 255).astype(np.uint8)
    return picture


def largest_factor(differences: NDArray[np.int16]) -> float:
    """Returns the factor under which no difference is cut off and one reaches black or white; 1 where all are 0.

    It is rounded down, to a whole number from 2 on and to hundredths below, so that it can be read.
    """
    largest = int(np.abs(differences.astype(np.int32)).max(initial=0))
    factor = (255 - GREY) / largest if largest else 1.0
    return math.floor(factor) if factor >= 2 else math.floor(100 * factor) / 100


def _example(clean: Pixels, perturbed: Pixels, frames: Pixels, row: dict[str, Any]) -> Example:
    added = perturbed.astype(np.int16) - clean
    grown = frames.astype(np.int16) - clean
    factor = largest_factor(np.concatenate([grown, added[None]]))
    by_step = dict(zip(row["frame_steps"], grown, strict=True))  # a short attack has fewer steps than frames
    return Example(
        clean=_upright(clean),
        perturbation=_upright(about_grey(added, factor)),
        perturbed=_upright(perturbed),
        factor=factor,
        frames=tuple(_upright(about_grey(one, factor)) for one in by_step.values()),
        steps=tuple(by_step),
        verdict=_verdict(row),
        facts=f"{row['steps']} step{'' if row['steps'] == 1 else 's'}, {_distances(row)}",
    )


def _stylised_example(clean: Pixels, stylised: Pixels, style: Pixels, row: dict[str, Any]) -> StylisedExample:
    source, taken = (visible(str(row[f"{name}_name"])) for name in ("label", "predicted"))
    verdict = source if taken == source else f"{source}; the baseline takes the stylised image for {taken}"
    return StylisedExample(_upright(clean), _upright(style), _upright(stylised), verdict, _distances(row))


def _distances(row: dict[str, Any]) -> str:
    return f"L2 {shown(row['l2'])}, L∞ {shown(row['linf'])}"


def _verdict(row: dict[str, Any]) -> str:
    source, taken, aimed = (visible(str(row[f"{name}_name"])) for name in ("label", "predicted", "target"))
    became = source if taken == source else f"{source} → {taken}"
    return became if row["fooled"] else f"not fooled: {became}, aimed at {aimed}"


def _upright(image: Pixels) -> Pixels:
    """(C, H, W) as (H, W, 3)."""
    picture: Pixels = np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0))
    return picture


def _title(said: dict[str, str]) -> str:
    named = f"Set {said.get('set', '?')}, attack {said.get('attack', '?')}, made for the baseline"
    return f"{named} from {said['split']} images" if "split" in said else named


def _stylised_title(said: dict[str, str]) -> str:
    origin = f"{said['split']} images" if "split" in said else "images"
    return f"Set {said.get('set', '?')}: {origin}, each in a style drawn for it"


def _table(file: Path) -> pa.Table:
    if not file.is_file():
        raise ExamplesError(f"{file}: there is no such file; `robustune sets show STUDY` makes it", missing=True)
    try:
        with pa.OSFile(str(file)) as source:  # not mapped: a forged offset in a mapping ends the process
            table = pa.ipc.open_file(source).read_all()
        table.validate(full=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError) as error:
        raise ExamplesError(f"{file}: not a whole Arrow file ({error}); remove it, and it is built anew") from error
    return table


def _tensor(file: Path, table: pa.Table, name: str) -> Pixels:
    column = table[name].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    if not isinstance(column.type, pa.FixedShapeTensorType) or column.type.value_type != pa.uint8():
        raise ExamplesError(f"{file}: column {name} holds no images but {column.type}")
    found: Pixels = column.to_numpy_ndarray()
    return found
