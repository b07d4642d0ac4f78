import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.classification.training_images import build_training_images, training_rows
from trainables.data.store import Store, write_images
from trainables.errors import TrainableError
from trainables.preparation import Inputs

COUNT, CLASSES, TWINS = 240, 6, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 images of six classes, three of every source."""
    directory = tmp_path_factory.mktemp("data")
    sources = torch.arange(COUNT) // TWINS
    images = torch.zeros(COUNT, 3, 4, 4, dtype=torch.uint8)
    write_images(directory / "train.arrow", images, sources % CLASSES, [f"source {number}" for number in sources])
    (directory / "data.json").write_text(json.dumps({"classes": list("abcdef")}))
    return directory


@settings(max_examples=30, deadline=None)
@given(fewer=st.integers(CLASSES, COUNT), more=st.integers(CLASSES, COUNT))
def test_a_subset_is_balanced_nested_and_of_whole_sources(folder: Path, fewer: int, more: int) -> None:
    small, large = (training_rows(folder, count) for count in sorted((fewer, more)))
    assert set(small.tolist()) <= set(large.tolist())
    for rows, count in ((small, min(fewer, more)), (large, max(fewer, more))):
        assert len(rows) == count
        assert torch.equal(rows, rows.unique())
        sources = rows // TWINS
        classes = (sources % CLASSES).bincount(minlength=CLASSES)
        assert int(classes.max() - classes.min()) <= TWINS
        assert int((sources.bincount() % TWINS > 0).sum()) <= 1  # the last source may be cut


def test_zero_takes_all(folder: Path) -> None:
    assert torch.equal(training_rows(folder, 0), torch.arange(COUNT))
    assert torch.equal(training_rows(folder, COUNT), torch.arange(COUNT))


@pytest.mark.parametrize("count", [COUNT + 1, CLASSES - 1])
def test_a_number_that_cannot_be_had_is_said_with_both_numbers(folder: Path, count: int) -> None:
    with pytest.raises(TrainableError, match=f"training_images: {count} of {COUNT}") as caught:
        training_rows(folder, count)
    assert caught.value.code == "OPTION_INVALID"


def test_the_step_counts_what_is_used(store: Store, data: str, tmp_path: Path) -> None:
    counted = build_training_images({"training_images": 40}, Inputs(store, {"data": data}), tmp_path)
    assert counted == {"images": 40, "of": 96, "fewest_of_a_class": 4, "most_of_a_class": 4}
