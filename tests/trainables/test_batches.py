import dataclasses
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.augmentations import Augmentation, crop_flip
from trainables.classification.batches import Batches, LabelledImages
from trainables.images import Normalisation
from trainables.perturbations.augmix.draws import AugMixOptions
from trainables.perturbations.augmix.mixing import augmix
from trainables.seeds import generator

RAW = Normalisation((0.0,) * 3, (1 / 255,) * 3)  # inputs are the pixel values


def numbered(first: int, count: int) -> LabelledImages:
    """Images whose pixels and labels are their number."""
    numbers = torch.arange(first, first + count)
    return LabelledImages(numbers.to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8).contiguous(), numbers)


def batches(
    share: float = 0.0, size: int = 8, pool: tuple[LabelledImages, ...] = (), clean: int = 50, steps: int = 0
) -> Batches:
    return Batches(numbered(0, clean), torch.arange(clean), pool, share, size, steps, Augmentation(), RAW)


def shown(batches: Batches, seed: int = 0, epoch: int = 0) -> list[torch.Tensor]:
    found = []
    for inputs, labels in batches.epoch(seed, epoch):
        assert torch.equal(inputs[:, 0, 0, 0].round().long(), labels)
        found.append(labels.clone())
    return found


@settings(max_examples=40, deadline=None)
@given(
    share=st.floats(0, 1),
    size=st.integers(2, 60),
    first=st.integers(1, 30),
    second=st.integers(1, 30),
    steps=st.integers(0, 20),
)
def test_every_mixture_has_its_share_and_every_image_its_label(
    share: float, size: int, first: int, second: int, steps: int
) -> None:
    mixed = batches(share, size, (numbered(100, first), numbered(150, second)), steps=steps)
    held = min(size, 50)
    perturbed = 0
    for epoch in range(3):
        made = shown(mixed, epoch=epoch)
        assert len(made) == mixed.steps == (steps or max(1, 50 // size))
        assert all(len(labels) == held for labels in made)
        for number, labels in enumerate(made, 1 + epoch * mixed.steps):
            perturbed += int((labels >= 100).sum())
            assert perturbed <= share * held * number + 1e-6
            assert perturbed >= share * held * number - 1 - 1e-6
        clean = torch.cat(made)
        clean = clean[clean < 100]
        assert steps or len(clean.unique()) == len(clean)


@pytest.mark.parametrize(("size", "share"), [(4, 0.1), (4, 0.5), (10, 0.3), (2, 0.9)])
def test_small_batches_keep_to_a_share_that_is_no_whole_number_of_images(size: int, share: float) -> None:
    labels = torch.cat(shown(batches(share, size, (numbered(100, 9),), steps=100)))
    assert int((labels >= 100).sum()) == round(share * size * 100)


def test_a_share_of_one_trains_on_perturbed_images_alone() -> None:
    made = shown(batches(1, 8, (numbered(100, 3), numbered(150, 4))))
    assert len(made) == 6
    assert torch.cat(made).min() >= 100


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("steps", [1, 3, 17])
def test_with_steps_per_epoch_no_image_comes_twice_before_all_have_come(share: float, steps: int) -> None:
    mixed = batches(share, 8, (numbered(100, 3), numbered(150, 4)), steps=steps)
    counts = torch.zeros(154, dtype=torch.int64)
    for labels in (labels for epoch in range(20) for labels in shown(mixed, epoch=epoch)):
        counts += torch.bincount(labels, minlength=154)
        for kind in (counts[:50], torch.cat([counts[100:103], counts[150:]])):
            assert int(kind.max() - kind.min()) <= 1


def test_reshuffled_passes_come_in_other_orders() -> None:
    passes = torch.cat(shown(batches(0, 10, steps=10))).view(2, 50)
    assert torch.equal(passes[0].sort().values, passes[1].sort().values)
    assert not torch.equal(passes[0], passes[1])


def test_one_pass_is_the_same_whether_or_not_it_is_counted_in_steps() -> None:
    one, counted = shown(batches(size=10), epoch=3), shown(batches(size=10, steps=5), epoch=3)
    assert all(torch.equal(left, right) for left, right in zip(one, counted, strict=True))


def test_what_fills_no_batch_is_left_out_of_one_epoch_and_not_of_all() -> None:
    epochs = [torch.cat(shown(batches(size=4, clean=7), epoch=epoch)) for epoch in range(20)]
    assert {len(labels) for labels in epochs} == {4}
    assert len(torch.cat(epochs).unique()) == 7


def test_only_the_rows_asked_for_train() -> None:
    some = Batches(numbered(0, 50), torch.tensor([3, 7, 31, 40, 41]), (), 0.0, 4, 10, Augmentation(), RAW)
    assert set(torch.cat(shown(some)).tolist()) == {3, 7, 31, 40, 41}


def test_an_epoch_is_a_function_of_seed_and_number() -> None:
    mixed = batches(0.4, 8, (numbered(100, 9),), steps=5)
    first, again = shown(mixed, epoch=2), shown(mixed, epoch=2)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    for other in (shown(mixed, epoch=1), shown(mixed, seed=1, epoch=2)):
        assert not all(torch.equal(one, two) for one, two in itertools.zip_longest(first, other))


def test_without_a_pool_the_share_says_nothing() -> None:
    assert all(torch.equal(one, two) for one, two in zip(shown(batches(0.7)), shown(batches(0.0)), strict=True))


def photographs(augmentation: Augmentation, size: int = 8) -> Batches:
    """Nine noisy images and as many perturbed ones, augmented."""
    noise = torch.rand(18, 3, 12, 12, generator=generator("photographs"))
    images = noise.mul(255).to(torch.uint8)
    clean, pool = LabelledImages(images[:9], torch.arange(9)), LabelledImages(images[9:], torch.arange(9, 18))
    return Batches(clean, torch.arange(9), (pool,), 0.5, size, 2, augmentation, RAW)


MOVED = Augmentation(crop_flip=True, flip_probability=0.5)
MIXED = dataclasses.replace(MOVED, augmix=AugMixOptions())


def made(augmentation: Augmentation, size: int = 8) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Pixels and labels of every step of the epoch."""
    steps = photographs(augmentation, size).epoch(seed=5, epoch=2)
    return [(inputs.round().to(torch.uint8), labels) for inputs, labels in steps]


def test_crop_flip_draws_from_seed_and_epoch_alone_as_ever() -> None:
    moves = generator(5, "augmentation", 2)
    for (plain, _), (moved, _) in zip(made(Augmentation()), made(MOVED), strict=True):
        assert torch.equal(crop_flip(plain, moves, 0.5), moved)


@pytest.mark.parametrize("consistent", [False, True])
def test_augmix_takes_every_image_as_crop_flip_leaves_it(consistent: bool) -> None:
    mixtures = generator(5, "augmix", 2)
    both = zip(made(MOVED), made(dataclasses.replace(MIXED, consistent=consistent)), strict=True)
    for (moved, labels), (mixed, same) in both:
        assert torch.equal(labels, same)
        views = augmix(moved, AugMixOptions(), mixtures, views=2 if consistent else 1)
        assert torch.equal(mixed, torch.cat([moved, *views] if consistent else list(views)))


def test_views_are_inputs_in_the_layout_of_the_others() -> None:
    (inputs, labels), *_ = photographs(dataclasses.replace(MIXED, consistent=True)).epoch(0, 0)
    assert inputs.shape == (3 * len(labels), 3, 12, 12)
    assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_without_augmix_there_is_one_view_whatever_is_asked() -> None:
    assert dataclasses.replace(MOVED, consistent=True).views == 1


def test_a_set_smaller_than_a_batch_is_one_batch_of_all_its_views() -> None:
    for inputs, labels in made(dataclasses.replace(MIXED, consistent=True), size=64):
        assert (len(inputs), len(labels)) == (27, 9)
