"""Images and masks move together: as torch's own resizing and slicing would, one image at a time."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from trainables.data.masked_images import IGNORED
from trainables.segmentation.transforms import Moves, moved


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(count: int = 6, height: int = 24, width: int = 20) -> tuple[Tensor, Tensor]:
    images = torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator(count))
    masks = torch.randint(0, 9, (count, height, width), dtype=torch.uint8, generator=generator(count + 1))
    return images, masks


def slow(image: Tensor, mask: Tensor, moves: Moves, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """One image resized by torch, then cut or padded by slices, then mirrored."""
    low, high = moves.scale
    factor = float(low + (high - low) * numbers[0])
    sides = [max(1, round(side * factor)) for side in mask.shape]
    big = interpolate(image[None].float(), sides, mode="bilinear", align_corners=False)[0].round()
    labels = interpolate(mask[None, None].float(), sides, mode="nearest-exact")[0, 0]
    wanted = [moves.crop or side for side in mask.shape]
    pixels, classes = torch.zeros(3, *wanted), torch.full(wanted, float(IGNORED))
    inner, outer = [], []
    for side, cut, share in zip(sides, wanted, numbers[1:3].tolist(), strict=True):
        first = int((abs(side - cut) + 1) * share)
        length = min(side, cut)
        inner.append(slice(first, first + length) if side >= cut else slice(0, length))
        outer.append(slice(0, length) if side >= cut else slice(first, first + length))
    pixels[:, *outer] = big[:, *inner]
    classes[*outer] = labels[*inner]
    if float(numbers[3]) < moves.flip_probability:
        pixels, classes = pixels.flip(-1), classes.flip(-1)
    return pixels.to(torch.uint8), classes.to(torch.uint8)


@pytest.mark.parametrize(
    "moves",
    [
        Moves(scale=(0.5, 2.0), crop=16, flip_probability=0.5),
        Moves(scale=(0.4, 0.9), crop=30),
        Moves(scale=(0.5, 2.0)),
        Moves(crop=12),
        Moves(crop=40, flip_probability=0.5),
        Moves(flip_probability=1.0),
        Moves(scale=(0.01, 0.02), crop=4),
    ],
)
def test_a_batch_moves_as_its_images_one_by_one(moves: Moves) -> None:
    images, masks = drawn()
    got, labels = moved(images, masks, moves, generator(3))
    numbers = torch.rand(4, len(masks), dtype=torch.float64, generator=generator(3))
    assert got.dtype == labels.dtype == torch.uint8
    for row in range(len(masks)):
        pixels, classes = slow(images[row], masks[row], moves, numbers[:, row])
        assert torch.equal(labels[row], classes)
        assert (got[row].int() - pixels.int()).abs().max() <= 1  # a half may be rounded either way


def test_images_and_masks_stay_on_each_other() -> None:
    # Stripes 8 pixels wide whose grey value is their class: wherever the image is flat, the mask says the same.
    masks = (torch.arange(64) // 8).expand(5, 64, 64).to(torch.uint8)
    images = (masks * 20 + 20)[:, None].expand(5, 3, 64, 64)
    got, labels = moved(images, masks, Moves((0.5, 2.0), 48, 0.5), generator(1))
    inside = labels != IGNORED
    assert (got[:, 0][~inside] == 0).all()
    flat = inside & (got[:, 0] % 20 == 0)
    assert flat.float().mean() > 0.5
    assert torch.equal(got[:, 0][flat] // 20 - 1, labels[flat])


def test_where_nothing_is_asked_for_nothing_is_copied() -> None:
    images, masks = drawn(3, 16, 16)
    for moves in (Moves(), Moves(crop=16)):
        got, labels = moved(images, masks, moves, generator())
        assert got is images
        assert labels is masks


def test_one_seed_moves_alike_and_every_knob_leaves_the_draws_of_the_others() -> None:
    images, masks = drawn()
    moves = Moves((0.5, 2.0), 16, 0.5)
    first, second = moved(images, masks, moves, generator(5)), moved(images, masks, moves, generator(5))
    assert all(map(torch.equal, first, second))
    after = []
    for each in (Moves(), moves, Moves(crop=8), Moves(flip_probability=0.5)):
        numbers = generator(5)
        moved(images, masks, each, numbers)
        after.append(torch.rand(3, generator=numbers).tolist())
    assert after == [after[0]] * 4


def test_places_scales_and_mirrors_are_uniform() -> None:
    count = 4000
    masks = torch.arange(8, dtype=torch.uint8).expand(count, 8, 8)
    images = masks[:, None].expand(count, 3, 8, 8)
    _, labels = moved(images, masks, Moves(crop=6, flip_probability=0.25), generator(2))
    mirrored = labels[:, 0, 0] > labels[:, 0, 5]
    assert float(mirrored.float().mean()) == pytest.approx(0.25, abs=0.025)
    first = torch.minimum(labels[:, 0, 0], labels[:, 0, 5])
    assert torch.bincount(first.int(), minlength=3).tolist() == pytest.approx([count / 3] * 3, rel=0.1)
    _, labels = moved(images, masks, Moves(scale=(0.5, 1.0)), generator(2))
    seen = (labels[:, :, :] != IGNORED).flatten(1).sum(1).double().sqrt()
    assert float(seen.mean()) == pytest.approx(6, abs=0.1)  # of sides 4 to 8


def test_arguments_stay_as_they_were() -> None:
    images, masks = drawn()
    before = images.clone(), masks.clone()
    moved(images, masks, Moves((0.5, 2.0), 16, 0.5), generator())
    assert torch.equal(images, before[0])
    assert torch.equal(masks, before[1])
