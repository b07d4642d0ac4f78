"""Laws of images with masks as Arrow: both lie in the mapped file, and what does not fit is refused."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.images import write_images
from trainables.data.masked_images import IGNORED, main_classes, read_masked, write_masked
from trainables.errors import TrainableError


def made(count: int, height: int = 5, width: int = 7) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)
    masks = torch.randint(0, 256, (count, height, width), dtype=torch.uint8, generator=generator)
    return images, masks, [f"cell:{row}" for row in range(count)]


@settings(deadline=None)  # files are written, on a disk that may be busy
@given(count=st.integers(0, 20), height=st.integers(1, 9), width=st.integers(1, 9))
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, count: int, height: int, width: int
) -> None:
    path = tmp_path_factory.mktemp("set") / "a.arrow"
    images, masks, lineage = made(count, height, width)
    digits = [[f"digit:{row}", "digit:0"] for row in range(count)]
    write_masked(path, images, masks, lineage, digits=digits)
    found = read_masked(path)
    assert torch.equal(found.images, images)
    assert torch.equal(found.masks, masks)
    assert found.masks.dtype == torch.uint8
    assert (len(found), list(found.lineage), found.columns["digits"].to_pylist()) == (count, lineage, digits)
    assert torch.equal(found.labels, main_classes(masks))
    assert list(found.columns) == ["digits"]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the mapping is looked up in Linux's /proc")
def test_masks_lie_in_the_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    write_masked(path, *made(500))
    masks = read_masked(path).masks
    lines = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(path))]
    spans = [[int(each, 16) for each in line.split()[0].split("-")] for line in lines]
    assert any(first <= masks.data_ptr() and masks.data_ptr() + masks.numel() <= last for first, last in spans)


def test_the_main_class_has_the_most_pixels_but_for_background_and_what_is_ignored() -> None:
    masks = torch.tensor(
        [[[0, 0, 0, 7]], [[IGNORED, IGNORED, 3, 3]], [[0, 0, 0, 0]], [[IGNORED] * 4]], dtype=torch.uint8
    )
    assert main_classes(masks).tolist() == [7, 3, 0, 0]
    assert main_classes(torch.tensor([[[0, 9, 9, 4, 4, 4]]], dtype=torch.uint8)).tolist() == [4]


@pytest.mark.parametrize(
    "masks",
    [torch.zeros(3, 5, 7), torch.zeros(2, 5, 7, dtype=torch.uint8), torch.zeros(3, 7, 5, dtype=torch.uint8)],
)
def test_masks_of_another_shape_or_type_are_not_written(tmp_path: Path, masks: torch.Tensor) -> None:
    images, _, lineage = made(3)
    with pytest.raises(ValueError, match="want masks"):
        write_masked(tmp_path / "a.arrow", images, masks, lineage)
    assert not list(tmp_path.iterdir())


def test_a_file_without_lawful_masks_is_corrupt(tmp_path: Path) -> None:
    images, masks, lineage = made(3)
    labels = torch.zeros(3, dtype=torch.int64)
    write_images(tmp_path / "none.arrow", images, labels, lineage)
    write_images(tmp_path / "numbers.arrow", images, labels, lineage, mask=[1, 2, 3])
    write_images(tmp_path / "other.arrow", images, labels, lineage, mask=masks[:, 1:].contiguous())
    for path in tmp_path.iterdir():
        with pytest.raises(TrainableError, match="masks") as caught:
            read_masked(path)
        assert caught.value.code == "CACHE_CORRUPT"
