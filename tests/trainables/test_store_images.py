"""Laws of images as Arrow: what was written is what torch sees, in the mapped file itself."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.data.store import read_images, write_images


def made(count: int, height: int = 8, width: int = 6) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)
    labels = torch.randint(-(2**62), 2**62, (count,), generator=generator)
    return images, labels, [f"digit:{row}" for row in range(count)]


def mapped_regions(path: Path) -> list[tuple[int, int]]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    spans = [line.split()[0].split("-") for line in lines if line.endswith(str(path))]
    return [(int(first, 16), int(last, 16)) for first, last in spans]


@given(count=st.integers(0, 20), height=st.integers(1, 9), width=st.integers(1, 9))
def test_what_was_written_is_read(tmp_path_factory, count, height, width):
    path = tmp_path_factory.mktemp("set") / "a.arrow"
    images, labels, lineage = made(count, height, width)
    shares = torch.linspace(0, 1, count)
    write_images(path, images, labels, lineage, patch=[name.upper() for name in lineage], share=shares)
    found = read_images(path)
    assert found.images.shape == images.shape
    assert torch.equal(found.images, images)
    assert torch.equal(found.labels, labels)
    assert (len(found), list(found.lineage)) == (count, lineage)
    assert found.columns["patch"].to_pylist() == [name.upper() for name in lineage]
    assert found.columns["share"].to_pylist() == shares.tolist()


def test_equal_arguments_give_equal_bytes_however_they_lie_in_memory(tmp_path):
    images, labels, lineage = made(30)
    write_images(tmp_path / "a.arrow", images, labels, lineage)
    write_images(tmp_path / "b.arrow", images.to(memory_format=torch.channels_last), labels, tuple(lineage))
    assert (tmp_path / "a.arrow").read_bytes() == (tmp_path / "b.arrow").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the mapping is looked up in Linux's /proc")
def test_tensors_lie_in_the_mapped_file_and_outlive_the_set(tmp_path):
    path = tmp_path / "a.arrow"
    images, labels, lineage = made(500)
    write_images(path, images, labels, lineage)
    found = read_images(path)
    ours = found.images, found.labels
    for tensor in ours:
        last = tensor.data_ptr() + tensor.numel() * tensor.element_size()
        assert any(first <= tensor.data_ptr() and last <= end for first, end in mapped_regions(path))
    del found
    path.unlink()  # a discarded set stays whole for whoever has it mapped
    assert torch.equal(ours[0], images)
    assert torch.equal(ours[1], labels)


def test_a_gather_fills_a_buffer_and_leaves_the_file_alone(tmp_path):
    path = tmp_path / "a.arrow"
    images, labels, lineage = made(50)
    write_images(path, images, labels, lineage)
    before = path.read_bytes()
    rows = torch.tensor([3, 3, 49, 0])
    buffer = torch.empty(4, *images.shape[1:], dtype=torch.uint8)
    torch.index_select(read_images(path).images, 0, rows, out=buffer)
    buffer += 1
    assert torch.equal(buffer, images[rows] + 1)
    assert path.read_bytes() == before


@pytest.mark.filterwarnings("error")
def test_reading_warns_of_nothing(tmp_path):
    write_images(tmp_path / "a.arrow", *made(3))
    read_images(tmp_path / "a.arrow")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"images": torch.zeros(4, 3, 8, 8)}, "uint8"),
        ({"images": torch.zeros(4, 8, 8, dtype=torch.uint8)}, "N, C, H, W"),
        ({"labels": torch.zeros(4)}, "int64"),
        ({"labels": torch.arange(3)}, "3 labels"),
        ({"lineage": ["a"]}, "1 lineage"),
        ({"patch": ["a", "b"]}, "2 patch"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(tmp_path, change, told):
    images, labels, lineage = made(4)
    arguments = {"images": images, "labels": labels, "lineage": lineage} | change
    with pytest.raises(ValueError, match=told):
        write_images(tmp_path / "a.arrow", **arguments)
    assert not (tmp_path / "a.arrow").exists()
