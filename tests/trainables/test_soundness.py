import json
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.data.soundness import check_data
from trainables.data.store import write_images
from trainables.errors import TrainableError


def write(directory: Path, *, classes: int = 2, sizes: tuple[int, ...] = (4, 2, 2, 2), **changes: Any) -> Path:
    """A small lawful data set, but for the changes: `labels`, `lineage` or `cell` of the split of that number."""
    for place, (split, size) in enumerate(zip(("train", "validation", "test", "holdout"), sizes, strict=True)):
        given = changes.get("of", {}) if changes.get("split") == split else {}
        labels = torch.tensor(given.get("labels", [number % classes for number in range(size)]), dtype=torch.int64)
        lineage = given.get("lineage", [f"{place}/{number}" for number in range(size)])
        columns = {"cell": given.get("cell", [f"{split}/{number // 2}" for number in range(size)])}
        images = torch.zeros(size, 3, 4, 4, dtype=torch.uint8)
        write_images(directory / f"{split}.arrow", images, labels, lineage, **columns)
    facts = {"classes": [str(number) for number in range(classes)], "lineage_columns": changes.get("columns", ["cell"])}
    (directory / "data.json").write_text(json.dumps(facts))
    return directory


def test_a_lawful_set_is_counted(tmp_path: Path) -> None:
    assert check_data(write(tmp_path)) == {"train": 4, "validation": 2, "test": 2, "holdout": 2}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": 1}, "1 class"),
        ({"sizes": (4, 2, 2, 0)}, "split holdout has no image .*train 4"),
        ({"split": "train", "of": {"labels": [0, 0, 0, 0]}}, r"1 of 2 classes have no training image: '1'"),
        ({"split": "test", "of": {"labels": [0, 2]}}, "test: a label is none of the 2 classes"),
        ({"split": "test", "of": {"lineage": ["0/1", "here"]}}, "share 1 values of lineage, as '0/1'"),
        ({"split": "holdout", "of": {"cell": ["validation/0", "x"]}}, "share 1 values of cell"),
        ({"columns": ["photograph"]}, "lineage column 'photograph'"),
    ],
)
def test_what_would_spoil_a_study_is_said_with_counts(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(TrainableError, match=words) as caught:
        check_data(write(tmp_path, **changes))
    assert caught.value.code == "DATA_INVALID"


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "validation.arrow").unlink()
    with pytest.raises(TrainableError, match="validation has no image"):
        check_data(tmp_path)
