"""What an evaluation of segmentation leaves, of made-up images."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import records
from search_spaces.domains import Choice
from search_spaces.study import Objective, Study

DIGITS = ("background", *(f"digit {number}" for number in range(10)))


def masked_image(draw: np.random.Generator, height: int, width: int, classes: int) -> dict[str, Any]:
    """An image of its classes' grey, blocks of classes with a void corner, and worse and worse guesses of them."""
    cells = draw.integers(0, classes, (-(-height // 16), -(-width // 16)))
    truth = cells.repeat(16, 0).repeat(16, 1)[:height, :width].astype(np.uint8)
    truth[-2:, -2:] = 255
    guesses = []
    for share in (0.1, 0.4):
        wrong = draw.random(truth.shape) < share
        guesses.append(np.where(wrong | (truth == 255), draw.integers(0, classes, truth.shape), truth).astype(np.uint8))
    image = np.stack([(truth * (255 // classes)).astype(np.uint8)] * 3, 2) ^ draw.integers(
        0, 8, (height, width, 3)
    ).astype(np.uint8)
    named = zip(("image", "truth", "prediction", "noisy"), (image, truth, *guesses), strict=True)
    return {"height": height, "width": width, **{name: values.tobytes() for name, values in named}}


def write_masks(
    folder: Path,
    study: Study,
    trials: Sequence[int],
    size: tuple[int, int] = (64, 64),
    classes: Sequence[str] = DIGITS,
    images: int = 8,
    change: Callable[[dict[str, Any]], None] = lambda row: None,
) -> Path:
    """Writes the examples that an evaluation of segmentation leaves; returns their path.

    Args:
        folder: of the study.
        study: whose it is.
        trials: that were evaluated, on the same images.
        size: height and width of each image.
        classes: their names.
        images: how many there are of each trial, rows 3, 6, 9 and so on of the split.
        change: what is different in a row.
    """
    rows = []
    for trial in trials:
        for place in range(images):
            row = masked_image(np.random.default_rng(place), *size, len(classes))
            row |= {"trial": trial, "row": 3 * (place + 1), "miou": 0.9 - 0.1 * trial, "noisy_miou": 0.3 + 0.1 * trial}
            change(row)
            rows.append(row)
    told = {"study": study.digest, "classes": json.dumps(list(classes))}
    path = folder / "segmentation-examples.parquet"
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(told), path)
    return path


def write_class_iou(
    folder: Path, study: Study, trials: Sequence[int], classes: Sequence[str] = DIGITS, absent: Sequence[int] = ()
) -> Path:
    """Writes the IoU of each class that an evaluation of segmentation leaves; returns its path.

    Args:
        folder: of the study.
        study: whose it is.
        trials: that were evaluated.
        classes: their names.
        absent: classes without any pixel.
    """
    rows = [
        {
            "trial": trial,
            "class": number,
            "name": name,
            "split": split,
            "noisy": noisy,
            "iou": None if number in absent else class_score(trial, number, split, noisy),
        }
        for trial in trials
        for split in ("original", "test", "hold_out")
        for number, name in enumerate(classes)
        for noisy in (False, True)
    ]
    path = folder / "class-iou.parquet"
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata({"study": study.digest}), path)
    return path


def class_score(trial: int, number: int, split: str, noisy: bool) -> float:
    """An IoU that differs in whatever it is of."""
    return round((0.95 - 0.03 * (number % 12) - 0.01 * trial - len(split) / 500) * (0.6 if noisy else 1.0), 6)


def write_segmentation(folder: Path, study: Study, trials: Sequence[Mapping[str, Any]], **told: Any) -> None:
    """Writes what an evaluation of segmentation leaves, for rows of trials; `told` is what `write_masks` takes."""
    numbers = [row["number"] for row in trials]
    write_masks(folder, study, numbers, **told)
    write_class_iou(folder, study, numbers, told.get("classes", DIGITS))
    lines = [
        {
            "number": row["number"],
            **{name: value for name, value in row.items() if name.startswith(("options.", "metrics."))},
            **{f"miou.{split}": 0.9 - 0.1 * row["number"] for split in ("original", "test", "hold_out")},
            **{f"noisy_miou.{split}": 0.3 + 0.1 * row["number"] for split in ("original", "test", "hold_out")},
            **{f"noisy_miou_deviation.{split}": 0.02 for split in ("original", "test", "hold_out")},
            **{f"pixel_accuracy.{split}": 0.9 for split in ("original", "test", "hold_out")},
            **{f"images.{split}": 100 for split in ("original", "test", "hold_out")},
        }
        for row in trials
    ]
    pq.write_table(
        pa.Table.from_pylist(lines).replace_schema_metadata({"study": study.digest}), folder / "evaluation.parquet"
    )


@pytest.fixture(scope="session")
def masks() -> Callable[..., Path]:
    """Writes examples of segmentation into a study's folder: `masks(folder, study, [0, 2])`."""
    return write_masks


@pytest.fixture(scope="session")
def class_iou() -> Callable[..., Path]:
    """Writes the IoU of each class into a study's folder: `class_iou(folder, study, [0, 2])`."""
    return write_class_iou


@pytest.fixture(scope="session")
def class_scores() -> Callable[..., float]:
    """The IoU that is written: `class_scores(trial, number, split, noisy)`."""
    return class_score


@pytest.fixture(scope="session")
def segmentation() -> Callable[..., None]:
    """Writes what an evaluation of segmentation leaves: `segmentation(folder, study, rows of trials)`."""
    return write_segmentation


@pytest.fixture(scope="session")
def study(grid_of: Callable[..., Study]) -> Study:
    """A study of three segmentation trials."""
    objectives = (Objective("miou", "max", 0.0), Objective("noisy_miou", "max", 0.0))
    space = {"batch_size": Choice((8, 16, 32))}
    return grid_of(space, trials=3, name="noisy", trainer="segmentation", objectives=objectives, measure=())


@pytest.fixture
def folder(grid: Callable[..., Path], study: Study) -> Path:
    """Its folder, evaluated."""
    made = grid(study, lambda config, *_: config["batch_size"] / 64)
    write_segmentation(made, study, records.trials(made).to_pylist())
    return made
