"""Adding images with masks: one digest for the same pairs, padding that counts for nothing, and clear refusals."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import library as libraries
from trainables.data.ingestion.adding_masked import kept_origins
from trainables.data.ingestion.division import KEPT, SPLITS
from trainables.data.ingestion.found import ALL, TRAIN, VAL
from trainables.data.ingestion.writing import Masks, write_rows
from trainables.data.masked_images import IGNORED, MaskedSet, main_classes, read_masked, write_masked
from trainables.data.registry import data_sets, located, masked_sets, not_data, not_masked
from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.preparation import data_step, run_step
from trainables.segmentation.soundness import check_masked

Files = dict[str, bytes]
SIZES = ((16, 12), (12, 16), (14, 14), (9, 8))
VOC, SBD = "VOCdevkit/VOC2012", "benchmark_RELEASE/dataset"
TRAINED, MORE, HELD = 6, 4, 8


def pair(making: Any, number: int) -> tuple[Any, Any]:
    """An image of one of the sizes and its mask: classes of VOC, and a void row."""
    width, height = SIZES[number % len(SIZES)]
    mask = np.random.default_rng(number).integers(0, 21, (height, width)).astype(np.uint8)
    mask[0] = IGNORED
    return making.picture(number, 16)[:height, :width], mask


def voc(making: Any) -> Files:
    """VOC 2012 as published, with the masks and the list of SBD's images."""
    files: Files = {}
    names = [f"2007_{number:06d}" for number in range(TRAINED + MORE + HELD)]
    for number, name in enumerate(names):
        pixels, mask = pair(making, number)
        files[f"{VOC}/JPEGImages/{name}.jpg"] = making.encoded(pixels)
        files[f"{VOC}/SegmentationClassAug/{name}.png"] = making.encoded(mask, "PNG")
        if number not in range(TRAINED, TRAINED + MORE):
            files[f"{VOC}/SegmentationClass/{name}.png"] = making.palette(mask)
    lists = {"train": names[:TRAINED], "val": names[-HELD:], "trainaug": names[:-HELD]}
    return files | {
        f"{VOC}/ImageSets/Segmentation/{name}.txt": "\n".join(named).encode() for name, named in lists.items()
    }


def boundaries(making: Any) -> Files:
    """SBD as published."""
    files: Files = {}
    names = [f"2008_{number:06d}" for number in range(TRAINED + HELD)]
    for number, name in enumerate(names):
        pixels, mask = pair(making, number)
        files |= {f"{SBD}/img/{name}.jpg": making.encoded(pixels), f"{SBD}/cls/{name}.mat": making.matlab(mask % 21)}
    return files | {
        f"{SBD}/train.txt": "\n".join(names[:TRAINED]).encode(),
        f"{SBD}/val.txt": "\n".join(names[TRAINED:]).encode(),
    }


def pairs(making: Any, count: int = 20, values: Sequence[int] = (0, 1, 2), start: int = 0) -> Files:
    """Images beside masks of those values, each value in every mask."""
    files = {}
    for number in range(start, start + count):
        pixels, _ = pair(making, number)
        mask = np.resize(np.array(values, np.uint8), pixels.shape[:2])
        files |= {f"images/{number}.png": making.encoded(pixels, "PNG"), f"masks/{number}.png": making.palette(mask)}
    return files


LAYOUTS: dict[str, tuple[Callable[[Any], Files], list[int]]] = {
    "voc2012": (voc, [TRAINED, 4, 2, 2]),
    "voc2012-aug": (voc, [TRAINED + MORE, 4, 2, 2]),
    "sbd": (boundaries, [TRAINED, 4, 2, 2]),
    "image-masks": (pairs, [14, 2, 2, 2]),
}


def splits(path: Path) -> dict[str, MaskedSet]:
    """The four splits of an entry that keeps to the laws of data with masks."""
    check_masked(path)
    return {split: read_masked(path / f"{split}.arrow") for split in SPLITS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_divided_by_its_official_splits(making: Any, adding: Any, tmp_path: Path, layout: str) -> None:
    make, counts = LAYOUTS[layout]
    files = make(making)
    added = adding(layout, making.written(tmp_path / "x", files))
    assert making.counts(added) == counts
    assert [len(split) for split in splits(added.path).values()] == counts
    packed = adding(layout, making.packed(tmp_path / "y.tar.gz", files), name="packed", workers=1)
    assert packed.record.digest == added.record.digest
    assert added.facts == json.loads((added.path / "data.json").read_text())


def test_what_is_stored_are_the_pixels_and_classes_at_the_upper_left(making: Any, adding: Any, tmp_path: Path) -> None:
    files = voc(making)
    added = adding("voc2012-aug", making.written(tmp_path / "x", files))
    assert added.facts["image_shape"] == [3, 16, 16]
    stored = {}
    for each in splits(added.path).values():
        assert torch.equal(each.labels, main_classes(each.masks))
        assert list(each.lineage) == sorted(each.lineage)
        for image, mask in zip(each.images.numpy(), each.masks.numpy(), strict=True):
            stored[image.tobytes()] = mask
    shown = 0
    for number in range(TRAINED + MORE + HELD):
        pixels = making.rgb(files[f"{VOC}/JPEGImages/2007_{number:06d}.jpg"])
        height, width, _ = pixels.shape
        whole = np.zeros((3, 16, 16), np.uint8)
        whole[:, :height, :width] = pixels.transpose(2, 0, 1)
        mask = stored[whole.tobytes()].copy()
        assert np.array_equal(mask[:height, :width], pair(making, number)[1])
        mask[:height, :width] = IGNORED
        assert (mask == IGNORED).all()
        shown += height * width
    assert added.facts["padded"] == pytest.approx(1 - shown / (len(stored) * 16 * 16), abs=1e-6)


def test_facts_are_those_of_training_pixels_that_are_not_padded(making: Any, adding: Any, tmp_path: Path) -> None:
    files = voc(making)
    facts = adding("voc2012", making.written(tmp_path / "x", files)).facts
    images = [making.rgb(files[f"{VOC}/JPEGImages/2007_{number:06d}.jpg"]) for number in range(TRAINED)]
    values = np.concatenate([image.reshape(-1, 3) for image in images]) / 255
    assert facts["mean"] == pytest.approx(values.mean(0).tolist(), abs=1e-6)
    assert facts["std"] == pytest.approx(values.std(0).tolist(), abs=1e-6)
    masks = np.concatenate([pair(making, number)[1].ravel() for number in range(TRAINED)])
    assert facts["class_pixels"]["train"] == np.bincount(masks, minlength=256)[:21].tolist()
    assert facts["flips_keep_labels"] is True
    assert facts["unused"] == {"images without a listed mask": MORE}


@pytest.mark.parametrize(("size", "shape"), [(8, [3, 8, 8]), (14, [3, 14, 14]), (99, [3, 16, 16])])
def test_size_is_that_of_the_longer_side_at_most(
    making: Any, adding: Any, tmp_path: Path, size: int, shape: list[int]
) -> None:
    added = adding("voc2012", making.written(tmp_path / "x", voc(making)), size=size)
    assert added.facts["image_shape"] == shape
    for each in splits(added.path).values():
        padded = each.images.sum(1) == 0
        assert (each.masks[padded] == IGNORED).all()


def test_images_of_one_size_are_not_padded(making: Any, adding: Any, tmp_path: Path) -> None:
    files = {
        f"{folder}/{number}.png": content
        for number in range(10)
        for folder, content in (
            ("images", making.encoded(making.picture(number)[:8], "PNG")),
            ("masks", making.palette(np.random.default_rng(number).integers(0, 2, (8, 16)).astype(np.uint8))),
        )
    }
    path = making.written(tmp_path / "x", files)
    for size, shape in ((None, [3, 8, 16]), (4, [3, 2, 4])):
        added = adding("image-masks", path, name=f"of{size}", size=size)
        assert added.facts["image_shape"] == shape
        assert added.facts["padded"] == 0


@pytest.mark.parametrize("rows", [[0], [2, 1, 0], [5, 5], list(range(40))])
@pytest.mark.parametrize("planes", [True, False])
def test_rows_are_written_as_write_masked_writes_them(tmp_path: Path, rows: list[int], planes: bool) -> None:
    both = np.random.default_rng(0).integers(0, 9, (40, 4, 5, 3), np.uint8)
    pixels, masks = (both[:, :3], both[:, 3]) if planes else (both[:, :3].copy(), both[:, 3].copy())
    numbers = np.arange(256, dtype=np.uint8)[::-1]
    wanted = torch.from_numpy(numbers[masks[rows]])
    labels, lineage = main_classes(wanted), [f"é{row}" for row in rows]
    told: list[int] = []
    arguments: Any = (pixels, rows, labels.tolist(), lineage, told.append, Masks(masks, numbers))
    write_rows(tmp_path / "one", *arguments, row=rows)
    write_masked(tmp_path / "two", torch.from_numpy(pixels[rows]), wanted, lineage, row=rows)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert sum(told) == len(rows)


# Division


def test_a_training_image_that_equals_a_held_out_one_does_not_train_whatever_its_mask(
    making: Any, adding: Any, tmp_path: Path
) -> None:
    files = voc(making)
    held = files[f"{VOC}/JPEGImages/2007_{TRAINED + MORE:06d}.jpg"]
    width, height = SIZES[(TRAINED + MORE) % len(SIZES)]
    files[f"{VOC}/JPEGImages/twin.jpg"] = held
    files[f"{VOC}/SegmentationClassAug/twin.png"] = making.palette(np.full((height, width), 3, np.uint8))
    files[f"{VOC}/ImageSets/Segmentation/trainaug.txt"] += b"\ntwin"
    added = adding("voc2012-aug", making.written(tmp_path / "x", files))
    assert added.facts["twins_left_out"] == 1
    assert making.counts(added) == LAYOUTS["voc2012-aug"][1]


def test_neither_names_nor_their_order_change_the_digest(making: Any, adding: Any, tmp_path: Path) -> None:
    files = pairs(making)
    files["images/twin.png"] = files["images/0.png"]
    files["masks/twin.png"] = making.palette(np.full(making.rgb(files["masks/0.png"]).shape[:2], 1, np.uint8))
    renamed = {
        f"{folder}/{stem[::-1]}x.png": content
        for name, content in files.items()
        for folder, stem in [name.removesuffix(".png").split("/")]
    }
    renamed["images/00.png"], renamed["masks/00.png"] = renamed.pop("images/niwtx.png"), renamed.pop("masks/niwtx.png")
    one, other = (
        adding("image-masks", making.written(tmp_path / name, each), name=name)
        for name, each in (("one", files), ("other", renamed))
    )
    assert one.record.digest == other.record.digest
    assert (one.path / "train.arrow").read_bytes() == (other.path / "train.arrow").read_bytes()


def test_a_class_of_one_image_trains(making: Any, adding: Any, tmp_path: Path) -> None:
    for rare in range(4):
        files = pairs(making)
        shape = making.rgb(files[f"masks/{rare}.png"]).shape[:2]
        files[f"masks/{rare}.png"] = making.palette(np.resize(np.array([0, 1, 2, 7], np.uint8), shape))
        added = adding("image-masks", making.written(tmp_path / str(rare), files), name=f"rare{rare}")
        assert added.facts["classes"] == ["0", "1", "2", "7"]
        assert added.facts["class_pixels"]["train"][3] > 0
        assert sum(added.facts["class_pixels"][split][3] for split in SPLITS[1:]) == 0


def test_kept_are_as_few_as_show_every_class_of_what_trains() -> None:
    generator = np.random.default_rng(0)
    for _ in range(30):
        count, classes = generator.integers(2, 20, 2)
        pixels = generator.integers(0, 4, (count, classes)) // 3
        lineage = [bytes([value]) for value in generator.integers(0, 9, count)]
        origins = generator.choice([TRAIN, ALL, VAL], count).tolist()
        got = kept_origins(lineage, origins, pixels)
        kept = [row for row in range(count) if got[row] == KEPT]
        held_out = {lineage[row] for row in range(count) if origins[row] == VAL}
        trained = [row for row in range(count) if lineage[row] not in held_out]
        assert [each for each in got if each != KEPT] == [
            origin for origin, each in zip(origins, got, strict=True) if each != KEPT
        ]
        assert set(kept) <= set(trained)
        assert np.array_equal(pixels[kept].any(0), pixels[trained].any(0))
        assert len({lineage[row] for row in kept}) <= pixels[trained].any(0).sum()


# Classes


def test_without_names_every_value_is_a_class(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", pairs(making, values=(3, 90, IGNORED, 200)))
    added = adding("image-masks", path)
    assert added.facts["classes"] == ["3", "90", "200"]
    assert added.facts["values"] == [3, 90, 200]
    for each in splits(added.path).values():
        assert set(each.masks.unique().tolist()) == {0, 1, 2, IGNORED}


def test_masks_of_one_class_and_void_are_refused_with_what_would_do(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", pairs(making, values=(0, IGNORED)))
    making.complained(adding, "image-masks", path, "the value 0 alone besides 255", "write 1")


def test_a_named_class_that_no_mask_shows_is_refused(making: Any, adding: Any, tmp_path: Path) -> None:
    files = pairs(making) | {"classes.txt": b"sky\nroad\ncar\nmoon\n"}
    making.complained(adding, "image-masks", making.written(tmp_path / "x", files), "1 of 4 classes", "moon")


# Refusals


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (np.full((12, 16), 21, np.uint8), "has the value 21; classes are 0 to 20, and 255 is void"),
        (np.zeros((16, 12), np.uint8), "has 12x16 pixels, the image 16x12"),
        (np.full((12, 16), IGNORED, np.uint8), "is 255, void, everywhere"),
        (np.zeros((12, 16, 3), np.uint8), "has colours (mode RGB)"),
        (np.full((12, 16), 3000, np.uint16), "has the value 3000"),
        (None, "2007_000000.png"),
    ],
)
def test_a_mask_that_does_not_fit_is_named_or_left_out(
    making: Any, adding: Any, library: Path, tmp_path: Path, mask: Any, told: str
) -> None:
    files = voc(making)
    name = f"{VOC}/SegmentationClass/2007_000000.png"
    files[name] = files[name][:50] if mask is None else making.encoded(mask, "PNG")
    path = making.written(tmp_path / "x", files)
    wanted = ("1 of 14 images cannot be read", "2007_000000.jpg (the mask", name, told, "--skip-unreadable")
    making.complained(adding, "voc2012", path, *wanted, code="IMAGES_UNREADABLE")
    assert name in (library / "mine.unreadable.txt").read_text()
    added = adding("voc2012", path, skip_unreadable=True)
    assert making.counts(added)[0] == TRAINED - 1
    assert name in str(added.facts["unreadable"])


def test_sixteen_bits_of_lawful_values_are_read(making: Any, adding: Any, tmp_path: Path) -> None:
    files = voc(making)
    path = making.written(tmp_path / "x", files)
    name = path / VOC / "SegmentationClass" / "2007_000000.png"
    before = adding("voc2012", path)
    name.write_bytes(making.encoded(pair(making, 0)[1].astype(np.uint16), "PNG"))
    assert adding("voc2012", path, name="deep").record.digest == before.record.digest


def test_a_mask_without_anything_left_at_its_size_is_named(making: Any, adding: Any, tmp_path: Path) -> None:
    files = pairs(making)
    speck = np.full((12, 16), IGNORED, np.uint8)
    speck[1, 1] = 1
    files["masks/0.png"] = making.palette(speck)
    path = making.written(tmp_path / "x", files)
    told = ("masks/0.png", "nothing but void left at --size 3")
    making.complained(adding, "image-masks", path, *told, code="IMAGES_UNREADABLE", size=3)


def test_a_pair_that_is_not_whole_is_named(making: Any, adding: Any, tmp_path: Path) -> None:
    files = pairs(making)
    del files["masks/3.png"]
    making.complained(adding, "image-masks", making.written(tmp_path / "x", files), "images/3.png", "stand alone")


def test_an_empty_split_is_refused_with_the_counts(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", pairs(making, count=2))
    making.complained(adding, "image-masks", path, "a split would be empty (train 1, validation 1, test 0, holdout 0)")


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"classes": ("car",)}, "--classes"),
        ({"corruptions": ("snow",)}, "--corruptions"),
        ({"size": 5000}, "size 5000"),
        ({"shares": {"test": 0.9}}, "shares of all images"),
    ],
)
def test_choices_that_masks_cannot_heed_are_refused(
    making: Any, adding: Any, tmp_path: Path, choices: dict[str, Any], told: str
) -> None:
    path = making.written(tmp_path / "x", pairs(making))
    making.complained(adding, "image-masks", path, told, code="OPTION_INVALID", **choices)


# The library


@pytest.fixture
def own(library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(libraries.VARIABLE, str(library))
    return library


def test_each_trainer_is_offered_its_own_sets(making: Any, adding: Any, own: Path, tmp_path: Path) -> None:
    adding("image-masks", making.written(tmp_path / "x", pairs(making)), name="scenes")
    adding("image-folder", making.written(tmp_path / "y", making.class_files({"cat": 8, "dog": 8})), name="pets")
    (own / "torn.json").write_text("{")
    assert "scenes" in masked_sets()
    assert "scenes" not in data_sets()
    assert "trainer = 'segmentation' takes it" in not_data()["scenes"]
    assert "trainer = 'classification' takes it" in not_masked()["pets"]
    assert not_masked()["torn"].startswith("damaged: ")
    assert located("scenes") == (libraries.read(own, "scenes").digest, own)
    libraries.remove(own, "scenes")
    assert "scenes" not in masked_sets()


def test_a_study_takes_it_over_by_the_laws_of_masks(making: Any, adding: Any, own: Path, tmp_path: Path) -> None:
    added = adding("image-masks", making.written(tmp_path / "x", pairs(making)), name="scenes")
    digest, summary = run_step(data_step("scenes"), str(tmp_path / "store"), {}, threads=1)
    assert {split: summary[split] for split in SPLITS} == added.facts["counts"]
    taken = Store(str(tmp_path / "store")).open(digest).path
    assert (taken / "train.arrow").read_bytes() == (added.path / "train.arrow").read_bytes()

    def wholly_void(directory: Path) -> None:
        (directory / "data.json").write_text(json.dumps({"kind": libraries.MASKED, "classes": ["a", "b"]}))
        for split in SPLITS:
            images, masks = torch.zeros(1, 3, 4, 4).byte(), torch.full((1, 4, 4), IGNORED, dtype=torch.uint8)
            write_masked(directory / f"{split}.arrow", images, masks, [split])

    forged = "0" * 64
    libraries.store(own).publish(forged, wholly_void, {})
    libraries.write(own, libraries.Record("void", "void", forged, libraries.MASKED))
    with pytest.raises(TrainableError, match="every pixel of its masks is 255") as caught:
        run_step(data_step("void"), str(tmp_path / "store"), {}, threads=1)
    assert caught.value.code == "DATA_INVALID"
