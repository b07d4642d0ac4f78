import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.augmentations import Augmentation
from trainables.classification.batches import Batches, LabelledImages
from trainables.images import Normalisation

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
