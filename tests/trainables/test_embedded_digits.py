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
    CONTRAST,
    NEAR_TWIN,
    SIDE,
    SPLITS,
    STROKE_SIDES,
    load_photographs,
    scanned_digits,
    stroke,
)
from trainables.data.store import read_images
from trainables.errors import TrainableError

LUMINANCE = np.array([0.299, 0.587, 0.114])
# SHA-256 of images, labels, then lineage and patches. The photographs are decoded by Pillow's own JPEG library.
PUBLISHED = {
    "train": "affd5b683667702d60b047f56240ba129876a15a08ccf7c003b86b58973e0b3e",
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


def corners(patches) -> list[tuple[str, int, int]]:
    places = [name.rpartition(":") for name in patches.to_pylist()]
    return [(name, *map(int, place.split(","))) for name, _, place in places]


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
    assert [len(found) for found in sets.values()] == [2394, 400, 400, 400]


def test_every_digit_stands_in_one_split_under_its_own_label(sets):
    _, labels = scanned_digits()
    digits = {split: {int(name.removeprefix("digit:")) for name in found.lineage} for split, found in sets.items()}
    for left, right in itertools.combinations(SPLITS, 2):
        assert not digits[left] & digits[right]
    assert set.union(*digits.values()) == set(range(len(labels)))
    for found in sets.values():
        assert [labels[int(name.removeprefix("digit:"))] for name in found.lineage] == found.labels.tolist()


def test_no_digit_has_a_near_twin_in_another_split(sets):
    scans = scanned_digits()[0].reshape(-1, 64)
    home = np.empty(len(scans), int)
    for place, found in enumerate(sets.values()):
        home[[int(name.removeprefix("digit:")) for name in found.lineage]] = place
    apart = home[:, None] != home[None]
    distances = np.stack([((scans - scan) ** 2).sum(1) for scan in scans])
    assert distances[apart].min() > NEAR_TWIN
    assert (distances <= NEAR_TWIN).sum() > len(scans)  # there are such twins, so the law says something


def test_no_pixel_of_a_photograph_is_seen_by_two_splits(sets):
    seen = {split: painted(found) for split, found in sets.items()}
    for left, right in itertools.combinations(SPLITS, 2):
        assert not (seen[left] & seen[right]).any(), (left, right)


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
