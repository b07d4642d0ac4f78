"""Segmentation data in their official layouts, from folders and archives; what does not fit is counted and named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.data.ingestion.archives import opened
from trainables.data.ingestion.segmentation_found import VOC_CLASSES, MaskedFound
from trainables.data.ingestion.segmentation_pairs import image_masks
from trainables.data.ingestion.segmentation_sbd import sbd
from trainables.data.ingestion.segmentation_voc import voc2012, voc2012_aug
from trainables.data.ingestion.trees import Tree, Unreadable
from trainables.errors import TrainableError

Files = dict[str, bytes]
Reader = Callable[[Tree], MaskedFound]
SIZES = {"2007_000032": (16, 12), "2007_000039": (10, 14), "2007_000033": (12, 12), "2007_000042": (9, 8)}
MORE = {"2008_000008": (11, 7), "2008_000015": (8, 8)}
TOP = "VOCdevkit/VOC2012"


def mask(name: str, width: int, height: int) -> Any:
    """Some classes of VOC with a void border, of its own for every image."""
    values = np.random.default_rng(sum(name.encode())).integers(0, 21, (height, width)).astype(np.uint8)
    values[0] = 255
    return values


def photograph(making: Any, name: str, width: int, height: int) -> bytes:
    content: bytes = making.encoded(making.picture(sum(name.encode()), 16)[:height, :width])
    return content


@pytest.fixture(scope="module")
def voc(making: Any) -> Files:
    """VOC 2012 with two images to train, two to validate, and two that SBD's masks add."""
    sizes = SIZES | MORE
    files = {f"{TOP}/JPEGImages/{name}.jpg": photograph(making, name, *size) for name, size in sizes.items()}
    files |= {f"{TOP}/SegmentationClass/{name}.png": making.palette(mask(name, *size)) for name, size in SIZES.items()}
    files |= {f"{TOP}/SegmentationClassAug/{n}.png": making.encoded(mask(n, *s) % 255, "PNG") for n, s in sizes.items()}
    files |= {f"{TOP}/Annotations/{name}.xml": b"<annotation/>" for name in sizes}
    lists = f"{TOP}/ImageSets/Segmentation"
    files[f"{lists}/train.txt"] = b"2007_000032\n2007_000039\n"
    files[f"{lists}/val.txt"] = b"2007_000033\n2007_000042\n"
    files[f"{lists}/trainaug.txt"] = b"2007_000032\n2007_000039\n2008_000008\n2008_000015\n"
    files[f"{TOP}/ImageSets/Main/train.txt"] = b"2007_000032\n"
    return files


@pytest.fixture(scope="module")
def boundaries(making: Any) -> Files:
    top = "benchmark_RELEASE"
    files = {f"{top}/dataset/img/{name}.jpg": photograph(making, name, *size) for name, size in SIZES.items()}
    files |= {f"{top}/dataset/cls/{name}.mat": making.matlab(mask(name, *size) % 21) for name, size in SIZES.items()}
    files |= {f"{top}/dataset/inst/{name}.mat": b"x" for name in SIZES}
    files[f"{top}/dataset/train.txt"] = b"2007_000032\n2007_000039\n2007_000042\n"
    files[f"{top}/dataset/val.txt"] = b"2007_000033\n"
    files[f"{top}/benchmark_code_RELEASE/a.m"] = b"x"
    return files


@contextmanager
def found(reader: Reader, making: Any, files: Files, folder: Path, name: str = "x") -> Iterator[MaskedFound]:
    path = (making.packed if "." in name else making.written)(folder / name, files)
    with opened(path, folder) as tree:
        yield reader(tree)


def refused(reader: Reader, making: Any, files: Files, folder: Path, *told: str) -> None:
    with pytest.raises(TrainableError) as caught, found(reader, making, files, folder):
        pass
    assert caught.value.code == "DATA_INVALID"
    for part in told:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["folder", "x.zip", "x.tar"])
def test_voc_is_read_as_published(making: Any, voc: Files, tmp_path: Path, name: str) -> None:
    with found(voc2012, making, voc, tmp_path, name) as got:
        assert got.classes == VOC_CLASSES
        assert len(VOC_CLASSES) == 21
        names = [Path(each).stem for each in got.names]
        assert names == ["2007_000032", "2007_000039", "2007_000033", "2007_000042"]
        assert list(got.origins) == ["train", "train", "val", "val"]
        assert got.unused == (("images without a listed mask", 2),)
        for number, each in enumerate(names):
            pixels, values = got.read(number)
            assert np.array_equal(values, mask(each, *SIZES[each]))
            assert np.array_equal(pixels, making.rgb(voc[f"{TOP}/JPEGImages/{each}.jpg"]))


def test_trainaug_trains_with_the_further_masks_and_validates_with_the_official_ones(
    making: Any, voc: Files, tmp_path: Path
) -> None:
    with found(voc2012_aug, making, voc, tmp_path) as official:
        assert [Path(each).stem for each in official.names[:4]] == [
            "2007_000032",
            "2007_000039",
            "2008_000008",
            "2008_000015",
        ]
        assert all("SegmentationClassAug" in name for name in official.masks[:4])
        assert all("SegmentationClassAug" not in name for name in official.masks[4:])
        assert np.array_equal(official.read(2)[1], mask("2008_000008", 11, 7) % 255)
    paths = b"/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png\nJPEGImages/2008_000015.jpg x\n"
    with found(voc2012_aug, making, voc | {f"{TOP}/ImageSets/Segmentation/trainaug.txt": paths}, tmp_path, "z") as got:
        assert [Path(each).stem for each in got.names[:2]] == ["2007_000032", "2008_000015"]
    unlisted = {name: content for name, content in voc.items() if "trainaug" not in name}
    with found(voc2012_aug, making, unlisted, tmp_path, "y") as again:
        assert sorted(again.names) == sorted(official.names)
        assert list(again.origins) == list(official.origins)


def test_a_list_or_a_file_that_does_not_fit_voc_is_named(making: Any, voc: Files, tmp_path: Path) -> None:
    lists = f"{TOP}/ImageSets/Segmentation"

    def changed(place: str, **files: bytes | None) -> Files:
        kept = {name: content for name, content in voc.items() if Path(name).name not in files}
        return kept | {f"{lists}/{name}": content for name, content in files.items() if content is not None}

    cases: list[tuple[dict[str, bytes | None], tuple[str, ...]]] = [
        ({"train.txt": b"2007_000032\n2007_999999\n"}, ("2 of 8", "2007_999999.jpg", "2007_999999.png")),
        ({"train.txt": b"2007_000032\n2007_000033\n"}, ("1 images are listed to train and to validate",)),
        ({"val.txt": b"../../evil\n"}, ("1 lines are no names", "../../evil")),
        ({"val.txt": b"2007_000033\n2007_000033\n"}, ("stand there twice", "2007_000033")),
        ({"val.txt": b"\n"}, ("names no image",)),
        ({"val.txt": None}, ("val.txt",)),
        ({"2007_000033.png": None}, ("1 of 8", "SegmentationClass/2007_000033.png")),
    ]
    for number, (files, told) in enumerate(cases):
        refused(voc2012, making, changed(lists, **files), tmp_path / str(number), *told)
    refused(voc2012, making, {"a/b.txt": b"x"}, tmp_path / "other", "JPEGImages", "as published")


def test_masks_that_do_not_fit_are_unreadable_by_name(making: Any, voc: Files, tmp_path: Path) -> None:
    name = f"{TOP}/SegmentationClass/2007_000032.png"
    wrong = mask("2007_000032", 16, 12)
    wrong[3, 3] = 21
    cases = {
        "value 21": making.palette(wrong),
        "12x16": making.palette(wrong.T),
        "colours": making.encoded(making.picture(1), "PNG"),
    }
    for number, (told, content) in enumerate(cases.items()):
        with found(voc2012, making, {**voc, name: content}, tmp_path, str(number)) as got:
            with pytest.raises(Unreadable, match=told):
                got.read(0)
            got.read(1)
    with (
        found(voc2012, making, {**voc, name: voc[name][:60]}, tmp_path, "cut") as got,
        pytest.raises(Unreadable, match="2007_000032"),
    ):
        got.read(0)


@pytest.mark.parametrize("name", ["folder", "x.tar.gz"])
def test_sbd_is_read_as_published(making: Any, boundaries: Files, tmp_path: Path, name: str) -> None:
    with found(sbd, making, boundaries, tmp_path, name) as got:
        assert got.classes == VOC_CLASSES
        assert list(got.origins) == ["train", "train", "train", "val"]
        for number, each in enumerate(Path(image).stem for image in got.names):
            pixels, values = got.read(number)
            assert np.array_equal(values, mask(each, *SIZES[each]) % 21)
            assert pixels.shape[:2] == values.shape


def test_a_damaged_mask_of_sbd_is_unreadable_by_name(making: Any, boundaries: Files, tmp_path: Path) -> None:
    name = "benchmark_RELEASE/dataset/cls/2007_000032.mat"
    with (
        found(sbd, making, {**boundaries, name: boundaries[name][:200]}, tmp_path) as got,
        pytest.raises(Unreadable, match=r"2007_000032\.mat is a damaged"),
    ):
        got.read(0)
    without = {each: content for each, content in boundaries.items() if each != name}
    refused(sbd, making, without, tmp_path / "y", "1 of 8", "2007_000032.mat")


def pairs(making: Any, names: list[str], place: str = "") -> Files:
    files = {f"{place}images/{name}.jpg": photograph(making, name, 9, 6) for name in names}
    return files | {f"{place}masks/{name}.png": making.palette(mask(name, 9, 6) % 3) for name in names}


def test_images_and_masks_are_paired_by_name(making: Any, tmp_path: Path) -> None:
    files = pairs(making, ["a", "b", "c.1"]) | {"classes.txt": b"sky\nroad\ncar\n", "images/notes.txt": b"x"}
    with found(image_masks, making, files, tmp_path, "x.zip") as got:
        assert got.classes == ("sky", "road", "car")
        assert [Path(each).stem for each in got.masks] == [Path(each).stem for each in got.names] == ["a", "b", "c.1"]
        assert set(got.origins) == {"all"}
        assert got.unused == (("files that are no images", 1),)
        assert np.array_equal(got.read(2)[1], mask("c.1", 9, 6) % 3)
    del files["classes.txt"]
    with found(image_masks, making, files, tmp_path, "y") as got:
        assert got.classes == ()
        got.read(0)


def test_official_splits_may_stand_above_the_pairs(making: Any, tmp_path: Path) -> None:
    files = pairs(making, ["a", "b"], "top/train/") | pairs(making, ["c"], "top/val/")
    with found(image_masks, making, files, tmp_path) as got:
        assert sorted(got.origins) == ["train", "train", "val"]


def test_pairs_that_do_not_fit_are_counted(making: Any, tmp_path: Path) -> None:
    files = pairs(making, ["a", "b", "c"])
    alone = {name: content for name, content in files.items() if name not in ("images/a.jpg", "masks/b.png")}
    refused(image_masks, making, alone, tmp_path / "1", "2 of 2 images and 2 masks", "images/b.jpg", "masks/a.png")
    twice = files | {"images/a.png": files["masks/a.png"]}
    refused(image_masks, making, twice, tmp_path / "2", "suffix alone", "a.jpg", "a.png")
    refused(image_masks, making, {"pictures/a.jpg": b"x"}, tmp_path / "3", "images", "masks")
    refused(image_masks, making, pairs(making, ["a"], "train/"), tmp_path / "4", "'train' and one of")
    refused(image_masks, making, files | {"classes.txt": b"sky\nsky\n"}, tmp_path / "5", "classes.txt", "sky")
    refused(image_masks, making, files | {"classes.txt": b"sky\n"}, tmp_path / "6", "1 names", "2 to 255")


def test_a_link_in_an_archive_is_refused(making: Any, voc: Files, tmp_path: Path) -> None:
    import tarfile

    path = making.packed(tmp_path / "x.tar", voc)
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo(f"{TOP}/JPEGImages/evil.jpg")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(TrainableError, match=r"evil\.jpg") as caught, opened(path, tmp_path) as tree:
        voc2012(tree)
    assert caught.value.code == "ARCHIVE_UNSAFE"
