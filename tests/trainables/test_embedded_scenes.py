"""Laws of `embedded-scenes`: the same bytes everywhere, nothing shared between splits, masks exact to the pixel."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.data import embedded_scenes
from trainables.data.embedded_digits import (
    CELL_SIDE,
    PRETEXT,
    SPLITS,
    load_photographs,
    scanned_digits,
    split_cells,
    split_digits,
)
from trainables.data.embedded_scenes import CLASSES, COUNTS, HALF, MOST_DIGITS, SIDE, cover, enlarged, scene
from trainables.data.masked_images import MaskedSet, read_masked

# SHA-256 of images, then masks, then lineage, digits and patches. The photographs are decoded by Pillow's JPEG library.
PUBLISHED: Mapping[str, str] = {
    "train": "54fc9ea51b7a2602019bc921c6c745a0c5556f7c57768c627a4bc828044ca65f",
    "validation": "14b6025a4999b2b5cca4c53969c25627a8f9cbfb283159b285f903817832dc10",
    "test": "9b30ebf62952386bb9c28b4b9f028864e05736f956585f025a4060ef597ae38f",
    "holdout": "b34308d3a68b8e3538e98924ccd9ede1ad3ca331ffa17fc4dcccd2521bcaba92",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedded-scenes")
    embedded_scenes.build(folder)
    return folder


@pytest.fixture(scope="module")
def sets(folder: Path) -> dict[str, MaskedSet]:
    return {split: read_masked(folder / f"{split}.arrow") for split in SPLITS}


def digits_of(found: MaskedSet) -> list[list[int]]:
    return [[int(name.removeprefix("digit:")) for name in each] for each in found.columns["digits"].to_pylist()]


def test_the_bytes_are_the_published_ones(sets: dict[str, MaskedSet]) -> None:
    for split, found in sets.items():
        whole = hashlib.sha256(found.images.numpy().tobytes() + found.masks.numpy().tobytes())
        told = [found.lineage, found.columns["digits"].to_pylist(), found.columns["patch"].to_pylist()]
        whole.update(json.dumps(told).encode())
        assert whole.hexdigest() == PUBLISHED[split], split


def test_shapes_classes_and_counts(folder: Path, sets: dict[str, MaskedSet]) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(f"{each}.arrow" for each in SPLITS), "data.json"]
    )
    for split, found in sets.items():
        assert found.images.shape == (COUNTS[split], 3, SIDE, SIDE)
        assert found.masks.shape == (COUNTS[split], SIDE, SIDE)
        assert found.images.dtype == found.masks.dtype == torch.uint8
        pixels = torch.bincount(found.masks.flatten(), minlength=256)
        assert pixels[len(CLASSES) :].sum() == 0
        assert 0.8 < pixels[0] / pixels.sum() < 0.95
        assert pixels[1 : len(CLASSES)].max() < 2 * pixels[1 : len(CLASSES)].min(), split


def test_every_scene_is_a_function_of_split_and_number(sets: dict[str, MaskedSet]) -> None:
    scans, labels = scanned_digits()
    digits, cells = split_digits(scans, labels)["test"], split_cells(load_photographs())["test"]
    again = scene("test", 17, scans, labels, digits, cells)
    found = sets["test"]
    assert np.array_equal(again.pixels.transpose(2, 0, 1), found.images[17].numpy())
    assert np.array_equal(again.mask, found.masks[17].numpy())
    assert (again.cell, again.patch) == (found.lineage[17], found.columns["patch"][17].as_py())


def test_a_mask_shows_the_last_digit_that_covers_half_of_a_pixel() -> None:
    scans, labels = scanned_digits()
    digits, cells = split_digits(scans, labels)["validation"], split_cells(load_photographs())["validation"]
    overlapping = 0
    for number in range(30):
        made = scene("validation", number, scans, labels, digits, cells)
        shapes = [cover(scans[place.digit], place) >= HALF for place in made.places]
        # The slow twin asks each pixel on its own, from the topmost digit down.
        slow = np.zeros((SIDE, SIDE), int)
        seen = [0] * len(shapes)
        for pixel in itertools.product(range(SIDE), repeat=2):
            top = next((order for order in reversed(range(len(shapes))) if shapes[order][pixel]), None)
            if top is not None:
                slow[pixel] = labels[made.places[top].digit] + 1
                seen[top] += 1
        assert np.array_equal(slow, made.mask)
        areas = [int(shape.sum()) for shape in shapes]
        assert all(4 * left >= 3 * area > 0 for left, area in zip(seen, areas, strict=True))
        overlapping += seen != areas
    assert overlapping > 3  # some digits do lie over others, so the law says something


def test_pixels_that_no_digit_touches_show_the_photograph() -> None:
    scans, labels = scanned_digits()
    digits, cells = split_digits(scans, labels)["train"], split_cells(load_photographs())["train"]
    made = scene("train", 5, scans, labels, digits, cells)
    name, _, place = made.patch.rpartition(":")
    top, left, side, turn = map(int, place.split(","))
    photograph = next(each for each in load_photographs() if each.name == name)
    square = torch.from_numpy(photograph.pixels[top : top + side, left : left + side]).double().permute(2, 0, 1)
    slow = torch.nn.functional.interpolate(square[None], size=(SIDE, SIDE), mode="bilinear")[0].permute(1, 2, 0).numpy()
    slow = np.rot90(slow.transpose(1, 0, 2) if turn >= 4 else slow, turn % 4)
    slow = slow.mean((0, 1)) + (slow - slow.mean((0, 1))) * 0.75
    bare = sum(cover(scans[each.digit], each) for each in made.places) == np.zeros((SIDE, SIDE))
    assert bare.mean() > 0.3
    assert np.abs(made.pixels[bare] - slow[bare]).max() <= 3


@pytest.mark.parametrize("side", embedded_scenes.PATCH_SIDES)
def test_enlarging_follows_bilinear_interpolation(side: int) -> None:
    square = np.random.default_rng(side).integers(0, 256, (side, side, 3))
    slow = torch.nn.functional.interpolate(
        torch.from_numpy(square).double().permute(2, 0, 1)[None], size=(SIDE, SIDE), mode="bilinear"
    )
    assert np.abs(enlarged(square, SIDE) - slow[0].permute(1, 2, 0).numpy()).max() <= 2.6
    assert (enlarged(np.full((side, side, 3), 255), SIDE) == 255).all()


def test_no_digit_stands_in_two_splits_nor_in_the_pretext(folder: Path, sets: dict[str, MaskedSet]) -> None:
    assert json.loads((folder / "data.json").read_text())["lineage_columns"] == ["digits"]
    scans, labels = scanned_digits()
    own = split_digits(scans, labels)
    used = {split: set(itertools.chain.from_iterable(digits_of(found))) for split, found in sets.items()}
    for left, right in itertools.combinations([*used.values(), set(own[PRETEXT])], 2):
        assert not left & right
    for split, found in sets.items():
        assert used[split] <= set(own[split])
        for digits, mask in zip(digits_of(found), found.masks, strict=True):
            assert 1 <= len(digits) <= MOST_DIGITS
            assert set(mask.unique().tolist()) == {0, *(int(labels[digit]) + 1 for digit in digits)}


def test_no_cell_stands_in_two_splits_and_holds_its_patches_whole(sets: dict[str, MaskedSet]) -> None:
    aside = {f"{cell.photograph.name}:{cell.top},{cell.left}" for cell in split_cells(load_photographs())[PRETEXT]}
    for left, right in itertools.combinations([*(set(found.lineage) for found in sets.values()), aside], 2):
        assert not left & right
    for found in sets.values():
        for cell, patch in zip(found.lineage, found.columns["patch"].to_pylist(), strict=True):
            (name, _, outer), (photograph, _, inner) = cell.rpartition(":"), patch.rpartition(":")
            top, left, side, _ = map(int, inner.split(","))
            row, column = map(int, outer.split(","))
            assert name == photograph
            assert row <= top <= top + side <= row + CELL_SIDE
            assert column <= left <= left + side <= column + CELL_SIDE


def test_no_image_stands_in_two_places(sets: dict[str, MaskedSet]) -> None:
    every = torch.cat([found.images for found in sets.values()]).flatten(1)
    assert len(torch.unique(every, dim=0)) == len(every)


def test_data_json_describes_the_training_images(folder: Path, sets: dict[str, MaskedSet]) -> None:
    described = json.loads((folder / "data.json").read_text())
    pixels = sets["train"].images.double() / 255
    assert described["classes"] == list(CLASSES)
    assert described["image_shape"] == [3, SIDE, SIDE]
    assert described["flips_keep_labels"] is False
    assert described["mean"] == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-6)
    assert described["std"] == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-6)
