"""Laws of division: by content and class alone, every image placed once, no twin in two splits, the stated shares."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.ingestion.division import SPLITS, divide, parts_of, told
from trainables.data.ingestion.found import ALL, TEST, TRAIN, VAL
from trainables.errors import TrainableError

LAYOUTS = ({ALL}, {TRAIN, VAL}, {TRAIN, TEST}, {TRAIN, VAL, TEST})


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:16]


@st.composite
def images(draw: st.DrawFn) -> tuple[list[bytes], list[int], list[str]]:
    """Images with many twins, some of them in other classes and official splits."""
    origins = sorted(draw(st.sampled_from(LAYOUTS)))
    rows = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.sampled_from(origins)), min_size=1))
    rows += [(100 + number, number % 3, origin) for number in range(12) for origin in origins]
    return [digest(row[0]) for row in rows], [row[1] for row in rows], [row[2] for row in rows]


@given(images(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_a_division_depends_on_content_alone_and_keeps_twins_together(made: object, random: object) -> None:
    lineage, labels, origins = made  # type: ignore[misc]
    parts = parts_of(set(origins), {})
    division = divide(lineage, labels, origins, parts)
    placed = [row for rows in division.splits.values() for row in rows]
    assert sorted([*placed, *division.left_out]) == list(range(len(lineage)))
    sources = {split: {lineage[row] for row in rows} for split, rows in division.splits.items()}
    assert sum(map(len, sources.values())) == len(set().union(*sources.values()))
    held = set().union(*(sources[split] for split in SPLITS[1:]))
    assert all(lineage[row] in held and origins[row] == TRAIN for row in division.left_out)

    order = list(range(len(lineage)))
    random.shuffle(order)  # type: ignore[attr-defined]
    again = divide([lineage[i] for i in order], [labels[i] for i in order], [origins[i] for i in order], parts)
    for split in SPLITS:
        told = [(lineage[row], labels[row]) for row in division.splits[split]]
        assert told == [(lineage[order[row]], labels[order[row]]) for row in again.splits[split]]
        assert told == sorted(told)


@pytest.mark.parametrize(
    ("origins", "counts", "expected"),
    [
        ({ALL}, {ALL: 100}, (70, 10, 10, 10)),
        ({TRAIN, VAL}, {TRAIN: 50, VAL: 50}, (50, 25, 13, 12)),
        ({TRAIN, TEST}, {TRAIN: 50, TEST: 10}, (45, 5, 5, 5)),
        ({TRAIN, VAL, TEST}, {TRAIN: 8, VAL: 3, TEST: 4}, (8, 3, 2, 2)),
        ({ALL}, {ALL: 4}, (1, 1, 1, 1)),
    ],
)
def test_every_class_is_divided_by_the_usual_shares(
    origins: set[str], counts: dict[str, int], expected: tuple[int, ...]
) -> None:
    rows = [(label, origin) for label in range(3) for origin, count in counts.items() for _ in range(count)]
    lineage = [digest(number) for number in range(len(rows))]
    division = divide(lineage, [row[0] for row in rows], [row[1] for row in rows], parts_of(origins, {}))
    for split, count in zip(SPLITS, expected, strict=True):
        assert Counter(rows[row][0] for row in division.splits[split]) == dict.fromkeys(range(3), count)


def test_official_splits_are_kept() -> None:
    origins = [TRAIN] * 20 + [VAL] * 20
    division = divide([digest(n) for n in range(40)], [0] * 40, origins, parts_of({TRAIN, VAL}, {}))
    assert sorted(division.splits["train"]) == list(range(20))


def test_a_training_image_whose_twin_is_held_out_is_left_out() -> None:
    origins = [TRAIN] * 20 + [VAL] * 8
    lineage = [digest(n) for n in [*range(20), 3, 3, *range(30, 36)]]
    division = divide(lineage, [0] * 28, origins, parts_of({TRAIN, VAL}, {}))
    assert division.left_out == [3]
    (home,) = [split for split, rows in division.splits.items() if 20 in rows]
    assert 21 in division.splits[home]


def test_given_shares_take_the_place_of_the_usual_ones() -> None:
    division = divide(
        [digest(n) for n in range(100)], [0] * 100, [ALL] * 100, parts_of({ALL}, {"validation": 0.5, "test": 0.2})
    )
    assert [len(division.splits[split]) for split in SPLITS] == [20, 50, 20, 10]


@pytest.mark.parametrize(
    ("origins", "shares"),
    [
        ({ALL}, {"validation": 0.9}),
        ({ALL}, {"validation": 0.0}),
        ({ALL}, {"test": -0.1}),
        ({ALL}, {"test": float("nan")}),
        ({TRAIN, VAL}, {"validation": 0.6}),
        ({TRAIN, TEST}, {"validation": 1.0}),
        ({TRAIN, TEST}, {"test": 0.4}),
    ],
)
def test_shares_that_cannot_be_are_refused(origins: set[str], shares: dict[str, float]) -> None:
    with pytest.raises(TrainableError, match="shares of") as caught:
        parts_of(origins, shares)
    assert caught.value.code == "OPTION_INVALID"


@pytest.mark.parametrize("origins", LAYOUTS)
def test_where_each_split_comes_from_is_told(origins: set[str]) -> None:
    words = told(parts_of(origins, {}))
    assert set(words) == set(SPLITS)
    assert all(
        ("all images" if origin == ALL else f"official {origin}") in " ".join(words.values()) for origin in origins
    )
