import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.augmentations import crop_flip


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 5, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), generator=generator(9)).to(torch.uint8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from([0.0, 0.5, 1.0]))
def test_every_image_is_a_shift_of_itself_or_of_its_mirror(seed: int, flip_probability: float) -> None:
    clean = images()
    moved = crop_flip(clean, generator(seed), flip_probability)
    for before, after in zip(clean, moved, strict=True):
        candidates = (
            [before]
            if flip_probability == 0
            else [before.flip(2)]
            if flip_probability == 1
            else [before, before.flip(2)]
        )
        assert any(is_shift(candidate, after) for candidate in candidates)


def is_shift(before: torch.Tensor, after: torch.Tensor) -> bool:
    padded = torch.nn.functional.pad(before.float(), (2, 2, 2, 2), mode="replicate").to(torch.uint8)
    return any(
        torch.equal(padded[:, row : row + 16, column : column + 16], after) for row in range(5) for column in range(5)
    )


def test_images_stay_untouched_and_equal_seeds_give_equal_images() -> None:
    clean = images()
    kept = clean.clone()
    assert torch.equal(crop_flip(clean, generator(1), 0.5), crop_flip(clean, generator(1), 0.5))
    assert torch.equal(clean, kept)
    assert crop_flip(clean, generator(1), 0.5).is_contiguous(memory_format=torch.channels_last)


def test_half_of_the_images_are_mirrored() -> None:
    ramp = torch.arange(16, dtype=torch.uint8).repeat(4000, 1, 16, 1)
    mirrored = crop_flip(ramp, generator(2), 0.5)[:, 0, 0, 0] > 8
    assert abs(int(mirrored.sum()) - 2000) < 5 * 1000**0.5
