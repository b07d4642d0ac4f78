import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.classification.batches import Batches, LabelledImages
from trainables.images import Normalisation

RAW = Normalisation((0.0,) * 3, (1 / 255,) * 3)  # inputs are the pixel values


def numbered(first: int, count: int) -> LabelledImages:
    """Images whose pixels and labels are their number."""
    numbers = torch.arange(first, first + count)
    return LabelledImages(numbers.to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8).contiguous(), numbers)


def batches(share: float = 0.0, size: int = 8, pool: tuple[LabelledImages, ...] = (), clean: int = 50) -> Batches:
    return Batches(numbered(0, clean), pool, share, size, False, 0.0, RAW)


def shown(batches: Batches, seed: int = 0, epoch: int = 0) -> list[torch.Tensor]:
    found = []
    for inputs, labels in batches.epoch(seed, epoch):
        assert torch.equal(inputs[:, 0, 0, 0].round().long(), labels)
        found.append(labels.clone())
    return found


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0, 1), size=st.integers(2, 60), first=st.integers(1, 30), second=st.integers(1, 30))
def test_every_batch_has_its_share_and_every_image_its_label(share: float, size: int, first: int, second: int) -> None:
    pool = (numbered(100, first), numbered(150, second))
    made = shown(batches(share, size, pool))
    held = min(size, 50)
    assert len(made) == max(1, 50 // size)
    for labels in made:
        assert len(labels) == held
        assert int((labels >= 100).sum()) == round(share * held)
    clean = torch.cat(made)
    clean = clean[clean < 100]
    assert len(clean.unique()) == len(clean)


def test_no_fooling_image_comes_twice_before_all_have_come() -> None:
    pool = (numbered(100, 3), numbered(150, 4))
    labels = torch.cat(shown(batches(0.5, 8, pool)))
    counts = torch.bincount(labels[labels >= 100], minlength=154)
    used = counts[counts > 0]
    assert len(used) == 7
    assert int(used.max() - used.min()) <= 1


def test_an_epoch_is_a_function_of_seed_and_number() -> None:
    first, again, other = shown(batches()), shown(batches()), shown(batches(), epoch=1)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(first, other, strict=True))


def test_without_a_pool_the_share_says_nothing() -> None:
    assert all(torch.equal(one, two) for one, two in zip(shown(batches(0.7)), shown(batches(0.0)), strict=True))
