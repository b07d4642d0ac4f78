"""A data set with masks is refused for what would train on nothing, score nothing, or score what it trained on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.data import embedded_scenes
from trainables.data.masked_images import IGNORED, write_masked
from trainables.errors import TrainableError
from trainables.segmentation.soundness import check_masked

SPLITS = ("train", "validation", "test")


def written(
    folder: Path, classes: Sequence[str] = ("background", "a", "b"), **changes: tuple[torch.Tensor, dict[str, Any]]
) -> Path:
    """Three lawful splits of two images each, with the given masks and columns in place of some."""
    facts = {"classes": list(classes), "lineage_columns": ["digits"]}
    folder.mkdir(exist_ok=True)
    (folder / "data.json").write_text(json.dumps(facts))
    for split in SPLITS:
        masks, columns = changes.get(split, (lawful(), {}))
        named: dict[str, Any] = {
            "lineage": [f"{split} {row}" for row in range(len(masks))],
            "digits": [[f"digit:{split}", f"digit:{split} {row}"] for row in range(len(masks))],
        } | columns
        images = torch.zeros(len(masks), 3, 4, 4, dtype=torch.uint8)
        write_masked(folder / f"{split}.arrow", images, masks, named.pop("lineage"), **named)
    return folder


def lawful() -> torch.Tensor:
    masks = torch.zeros(2, 4, 4, dtype=torch.uint8)
    masks[0, 0], masks[1, 1], masks[1, 2] = 1, 2, IGNORED
    return masks


def complained(folder: Path, *told: str) -> None:
    with pytest.raises(TrainableError) as caught:
        check_masked(folder)
    assert caught.value.code == "DATA_INVALID"
    for part in told:
        assert part in str(caught.value)


def test_lawful_data_are_counted(tmp_path: Path) -> None:
    assert check_masked(written(tmp_path)) == {"train": 2, "validation": 2, "test": 2}


@pytest.mark.slow
def test_embedded_scenes_are_lawful(tmp_path: Path) -> None:
    embedded_scenes.build(tmp_path)
    assert check_masked(tmp_path) == embedded_scenes.COUNTS


def test_values_that_are_no_class_are_named(tmp_path: Path) -> None:
    masks = lawful()
    masks[0, 3, 3], masks[0, 3, 2] = 3, 254
    complained(written(tmp_path, test=(masks, {})), "test: masks have 3, 254", "3 classes", "255")


def test_a_class_that_is_nowhere_in_training_is_named(tmp_path: Path) -> None:
    masks = lawful()
    masks[masks == 2] = 0
    complained(written(tmp_path, train=(masks, {})), "1 of 3 classes", "'b'")
    assert check_masked(written(tmp_path / "other", validation=(masks, {})))


def test_what_scores_nothing_is_refused(tmp_path: Path) -> None:
    complained(written(tmp_path, validation=(torch.full((2, 4, 4), IGNORED, dtype=torch.uint8), {})), "every pixel")
    complained(written(tmp_path, validation=(lawful()[:0], {})), "validation has no image")
    (tmp_path / "validation.arrow").unlink()
    complained(tmp_path, "validation has no image (test 2, train 2)")
    complained(written(tmp_path, classes=["only"]), "1 classes: only")


def test_a_source_in_two_splits_is_named_wherever_it_stands_in_a_list(tmp_path: Path) -> None:
    twice: dict[str, Any] = {"digits": [["digit:9"], ["digit:8", "digit:train 1"]]}
    complained(written(tmp_path, test=(lawful(), twice)), "test and train share 1 values of digits", "digit:train 1")
    complained(written(tmp_path, test=(lawful(), {"lineage": ["x", "train 0"]})), "share 1 values of lineage")
