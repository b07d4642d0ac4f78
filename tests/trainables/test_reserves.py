from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.classification.facts import lineage_codes
from trainables.classification.reserves import parted, taken
from trainables.data.facts import facts_of
from trainables.data.registry import build
from trainables.data.store import read_images
from trainables.seeds import generator

ROWS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 7), st.booleans()), min_size=1, max_size=60)


def drawn(codes: Tensor, able: Tensor, wanted: tuple[int, int], seed: int = 0) -> tuple[Tensor, Tensor]:
    return parted(codes, able, wanted, generator("test", seed))


def shared(codes: Tensor, one: Tensor, other: Tensor) -> bool:
    return any(set(column[one].tolist()) & set(column[other].tolist()) for column in codes)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 20), st.integers(1, 20), st.integers(0, 5))
def test_two_sets_share_no_value_of_any_column(
    images: list[tuple[int, int, bool]], first: int, second: int, seed: int
) -> None:
    codes = torch.tensor([[digit for digit, _, _ in images], [cell for _, cell, _ in images]])
    able = torch.tensor([able for *_, able in images])
    for columns in (codes, codes[:1], codes.flip(0)):
        reserved, free = drawn(columns, able, (first, second), seed)
        assert not shared(columns, reserved, free)
        for rows, most in ((reserved, first), (free, second)):
            assert able[rows].all()
            assert len(rows) <= most
            assert torch.equal(rows, rows.unique())


@given(st.integers(1, 40), st.integers(1, 40))
def test_images_of_their_own_sources_are_shared_out_to_the_last(first: int, second: int) -> None:
    reserved, free = drawn(torch.arange(40)[None], torch.ones(40).bool(), (first, second))
    if first + second <= 40:
        assert (len(reserved), len(free)) == (first, second)
    else:  # both get the same part of what they want, as far as whole images go
        assert len(reserved) + len(free) == 40
        assert abs(len(reserved) / first - len(free) / second) <= 1 / first + 1 / second


def test_what_is_able_moves_no_image_from_one_place_in_the_order_to_another() -> None:
    codes, some = torch.arange(60)[None] // 2, torch.arange(60) % 3 > 0
    every, fewer = (drawn(codes, able, (30, 30))[0].tolist() for able in (torch.ones(60).bool(), some))
    assert set(every) & set(torch.arange(60)[some].tolist()) <= set(fewer)


def test_one_set_takes_the_first_able_images_of_one_order() -> None:
    able = torch.arange(50) % 4 > 0
    ten, twenty, many = (taken(able, count, generator("test", 1)) for count in (10, 20, 99))
    assert set(ten.tolist()) < set(twenty.tolist())
    assert torch.equal(many, able.nonzero().squeeze(1))


@pytest.mark.parametrize(("split", "wanted"), [("train", (200, 900)), ("holdout", (100, 200))])
def test_embedded_digits_have_room_for_both_sets(tmp_path: Path, split: str, wanted: tuple[int, int]) -> None:
    build("embedded-digits", tmp_path)
    images = read_images(tmp_path / f"{split}.arrow")
    codes = lineage_codes(images, facts_of(tmp_path))
    assert len(codes) == 2
    nine_in_ten = torch.rand(len(images), generator=generator("test", 2)) < 0.9
    reserved, free = drawn(codes, nine_in_ten, wanted)
    assert not shared(codes, reserved, free)
    assert len(reserved) >= 0.9 * wanted[0]
    assert len(free) >= 0.9 * wanted[1]
