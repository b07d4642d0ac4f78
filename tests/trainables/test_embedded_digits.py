"""Laws of `embedded-digits`: the same bytes everywhere, nothing shared between splits, every digit readable."""

import hashlib
import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from trainables.data import embedded_digits, registry
from trainables.data.embedded_digits import (
    CELL_SIDE,
    CONTRAST,
    NEAR_TWIN,
    PARTS,
    PRETEXT,
    PRETEXT_CELLS_PER_PHOTOGRAPH,
    PRETEXT_DIGITS_PER_CLASS,
    SIDE,
    SPLITS,
    STROKE_SIDES,
    load_photographs,
    scanned_digits,
    split_cells,
    split_digits,
    stroke,
)
from trainables.data.embedded_pretext import views
from trainables.data.store import read_images
from trainables.errors import TrainableError

LUMINANCE = np.array([0.299, 0.587, 0.114])
# SHA-256 of images, labels, then lineage and patches. The photographs are decoded by Pillow's own JPEG library.
PUBLISHED = {
    "train": "09fee1137dde11a01eef71cebf223a6555f6cb8f6b2efa68e229c865c670bb21",
    "validation": "fbf8dd3cb7da7b8118226ef9d5acd0bba7bc1ad104d9fcc53e79966cfd0470a4",
    "test": "5c9be309eea36aaa057c9f598664add1008d43308d8c35b60c33b2608ce3626f",
    "holdout": "fd9de08c50d65f652206c2f0256a0bf622bd9a7702b773480a362cadcf45cb32",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded-digits")
    registry.build("embedded-digits", folder)
    return folder


@pytest.fixture(scope="module")
def sets(folder):
    return {split: read_images(folder / f"{split}.arrow") for split in SPLITS}


def corners(places) -> list[tuple[str, int, int]]:
    named = [name.rpartition(":") for name in places.to_pylist()]
    return [(name, *map(int, place.split(","))) for name, _, place in named]


def painted(found) -> np.ndarray:
    """Mask (photograph, row, column) of the pixels that a split's patches show."""
    photographs = [photograph.name for photograph in load_photographs()]
    seen = np.zeros((2, 427, 640), bool)
    for name, top, left in corners(found.columns["patch"]):
        seen[photographs.index(name), top : top + SIDE, left : left + SIDE] = True
    return seen


def test_the_bytes_are_the_published_ones(sets):
    for split, found in sets.items():
        text = json.dumps([found.lineage, found.columns["patch"].to_pylist()])
        whole = hashlib.sha256(found.images.numpy().tobytes())
        whole.update(found.labels.numpy().astype("<i8").tobytes())
        whole.update(text.encode())
        assert whole.hexdigest() == PUBLISHED[split], split


def test_two_builds_write_the_same_files(folder, tmp_path):
    registry.build("embedded-digits", tmp_path)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(f"{split}.arrow" for split in SPLITS), "data.json"]
    )


def test_shapes_and_classes(sets):
    for split, found in sets.items():
        assert found.images.shape == (len(found), 3, SIDE, SIDE)
        assert found.images.dtype == torch.uint8
        counts = torch.bincount(found.labels, minlength=10)
        assert counts.min() >= 0.9 * counts.max(), split
    assert [len(found) for found in sets.values()] == [2094, 400, 400, 400]


def test_every_digit_stands_in_one_part_under_its_own_label(sets):
    scans, labels = scanned_digits()
    digits = {split: {int(name.removeprefix("digit:")) for name in found.lineage} for split, found in sets.items()}
    digits[PRETEXT] = set(split_digits(scans, labels)[PRETEXT])
    for left, right in itertools.combinations(PARTS, 2):
        assert not digits[left] & digits[right]
    assert set.union(*digits.values()) == set(range(len(labels)))
    for found in sets.values():
        assert [labels[int(name.removeprefix("digit:"))] for name in found.lineage] == found.labels.tolist()


def test_no_digit_has_a_near_twin_in_another_part():
    scans, labels = scanned_digits()
    home = np.empty(len(scans), int)
    for place, digits in enumerate(split_digits(scans, labels).values()):
        home[list(digits)] = place
    apart = home[:, None] != home[None]
    flat = scans.reshape(-1, 64)
    distances = np.stack([((flat - scan) ** 2).sum(1) for scan in flat])
    assert distances[apart].min() > NEAR_TWIN
    assert (distances <= NEAR_TWIN).sum() > len(scans)  # there are such twins, so the law says something


def test_no_pixel_of_a_photograph_is_seen_by_two_splits(sets):
    seen = {split: painted(found) for split, found in sets.items()}
    for left, right in itertools.combinations(SPLITS, 2):
        assert not (seen[left] & seen[right]).any(), (left, right)


def test_the_cell_of_a_patch_holds_it_whole_and_is_lineage_that_no_two_parts_share(folder, sets):
    assert json.loads((folder / "data.json").read_text())["lineage_columns"] == ["cell"]
    cells = {split: set(found.columns["cell"].to_pylist()) for split, found in sets.items()}
    for found in sets.values():
        for patch, cell in zip(corners(found.columns["patch"]), corners(found.columns["cell"]), strict=True):
            assert patch[0] == cell[0]
            assert all(0 <= inner - outer <= CELL_SIDE - SIDE for inner, outer in zip(patch[1:], cell[1:], strict=True))
    aside = {f"{cell.photograph.name}:{cell.top},{cell.left}" for cell in split_cells(load_photographs())[PRETEXT]}
    assert len(aside) == 2 * PRETEXT_CELLS_PER_PHOTOGRAPH
    for left, right in itertools.combinations([*cells.values(), aside], 2):
        assert not left & right


def test_pretext_views_are_composites_of_what_was_set_aside(sets):
    made = views(6)
    assert made.shape == (10 * PRETEXT_DIGITS_PER_CLASS, 6, 3, SIDE, SIDE)
    assert made.dtype == torch.uint8
    flat = made.flatten(0, 1).flatten(1)
    assert len(torch.unique(flat, dim=0)) == len(flat)
    scans, labels = scanned_digits()
    digit, cells = split_digits(scans, labels)[PRETEXT][3], split_cells(load_photographs())[PRETEXT]
    again = [composite.pixels for composite in embedded_digits.composites(digit, scans[digit], cells, 6)]
    assert np.array_equal(made[3].permute(0, 2, 3, 1).numpy(), np.stack(again))


def test_no_image_stands_in_two_places(sets):
    every = torch.cat([found.images for found in sets.values()]).flatten(1)
    assert len(torch.unique(every, dim=0)) == len(every)


def test_every_stroke_differs_in_luminance_from_what_it_covers(sets):
    scans, _ = scanned_digits()
    pixels = {photograph.name: photograph.pixels for photograph in load_photographs()}
    found = sets["validation"]
    for image, name, (photograph, top, left) in zip(
        found.images, found.lineage, corners(found.columns["patch"]), strict=True
    ):
        patch = embedded_digits.softened(pixels[photograph][top : top + SIDE, left : left + SIDE])
        change = ((image.permute(1, 2, 0).numpy() - patch) @ LUMINANCE).sum()
        # image - patch = opacity * (colour - patch): summed, it is the stroke's area times its contrast.
        areas = [stroke(scans[int(name.removeprefix("digit:"))], side).sum() / 255 for side in STROKE_SIDES]
        rounding = 0.5 * SIDE**2 / min(areas)
        assert CONTRAST[0] * min(areas) / max(areas) - rounding <= abs(change) / max(areas)
        assert abs(change) / max(areas) <= CONTRAST[1] + rounding


@pytest.mark.parametrize("side", STROKE_SIDES)
def test_a_stroke_keeps_flat_scans_flat_and_turns_with_the_scan(side):
    scan = scanned_digits()[0][7]
    assert (stroke(np.full((8, 8), 16), side) == 255).all()
    assert (stroke(np.zeros((8, 8), int), side) == 0).all()
    assert np.array_equal(stroke(scan.T, side), stroke(scan, side).T)


def test_a_stroke_follows_bilinear_interpolation():
    scan = scanned_digits()[0][3]
    slow = torch.nn.functional.interpolate(torch.from_numpy(scan)[None, None].double(), size=(28, 28), mode="bilinear")
    assert np.abs(stroke(scan, 28) - slow[0, 0].numpy() * 255 / 16).max() <= 2


def test_data_json_describes_the_training_images(folder, sets):
    described = json.loads((folder / "data.json").read_text())
    pixels = sets["train"].images.double() / 255
    assert described["classes"] == list("0123456789")
    assert described["image_shape"] == [3, SIDE, SIDE]
    assert described["flips_keep_labels"] is False
    assert {name: described[name] for name in registry.facts("embedded-digits")} == registry.facts("embedded-digits")
    assert described["mean"] == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-6)
    assert described["std"] == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-6)


def test_names_are_known_without_torch():
    text = "import sys; from trainables.data.registry import data_sets; print(*data_sets(), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["embedded-digits", "False"]


def test_an_unknown_name_is_told_the_known_ones(tmp_path):
    with pytest.raises(TrainableError, match="embedded-digits") as caught:
        registry.build("embeded-digits", tmp_path)
    assert caught.value.code == "DATA_UNKNOWN"
