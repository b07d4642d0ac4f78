"""Laws of domains: what they contain, list and refuse."""

import json
import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from search_spaces.domains import (
    CHOICE_LIMIT,
    GRID_LIMIT,
    SUBSET_LIMIT,
    Choice,
    Domain,
    LogUniform,
    LogWhole,
    Subset,
    Uniform,
    Whole,
    active,
    from_plain,
    repeated,
    to_plain,
)

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(categories=["L", "N", "P"]), max_size=12),
)
LISTS = st.lists(SCALARS, min_size=1, max_size=6).filter(lambda values: repeated(values) is None)
REALS = st.floats(1e-9, 1e9)
WHOLES = st.integers(1, 200)
WHENS = st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(SCALARS, LISTS.map(tuple)), max_size=2)


@st.composite
def ranges(draw, kind, ends):
    low, high = sorted(draw(st.lists(ends, min_size=2, max_size=2, unique=True)))
    points = None
    if draw(st.booleans()):
        inside = [*draw(st.lists(ends, max_size=4)), low, high]
        points = tuple(dict.fromkeys(point for point in inside if low <= point <= high))
    return kind(low, high, when=draw(WHENS), points=points)


DOMAINS = st.one_of(
    st.builds(Choice, LISTS.map(tuple), when=WHENS),
    st.builds(Subset, LISTS.map(tuple), when=WHENS),
    ranges(Uniform, REALS),
    ranges(LogUniform, REALS),
    ranges(Whole, WHOLES),
    ranges(LogWhole, WHOLES),
)


@given(DOMAINS)
def test_a_domain_contains_exactly_its_grid_of_the_size_it_says(domain):
    grid = domain.grid()
    assert (grid is None) == (domain.size() is None)
    if grid is not None:
        assert len(grid) == domain.size()
        assert repeated([repr(value) for value in grid]) is None
        assert all(domain.contains(value) for value in grid)


@given(DOMAINS)
def test_plain_form_and_json_and_pickle_bring_a_domain_back(domain):
    assert from_plain(to_plain(domain)) == domain
    adapter = TypeAdapter(Domain)
    again = adapter.validate_json(adapter.dump_json(domain))
    assert again == domain
    # 1 == 1.0 in Python, but not in a digest.
    assert json.dumps(to_plain(again)) == json.dumps(to_plain(domain))
    assert pickle.loads(pickle.dumps(domain)) == domain


@given(LISTS.map(tuple), st.data())
def test_a_subset_contains_parts_in_declared_order_alone(values, data):
    domain = Subset(values)
    places = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=6))
    part = tuple(values[place] for place in places)
    assert domain.contains(part) == all(left < right for left, right in pairwise(places))
    assert domain.contains(list(part)) == domain.contains(part)
    assert domain.contains(())
    assert not domain.contains(values[0])


def test_every_subset_is_listed_once_and_the_empty_one_first():
    assert Subset((5, 20)).grid() == ((), (5,), (20,), (5, 20))


def test_truth_is_no_number():
    assert not Choice((1, 0)).contains(True)
    assert not Choice((True, False)).contains(1)
    assert not Whole(0, 3).contains(True)
    assert not Uniform(0, 3).contains(True)
    assert Choice((1, True)).size() == 2


def test_ends_belong_to_a_range_and_fractions_not_to_whole_numbers():
    assert Whole(2, 5).grid() == (2, 3, 4, 5)
    assert Uniform(0, 1).contains(0)
    assert Uniform(0, 1).contains(1.0)
    assert not Uniform(0, 1).contains(1.1)
    assert not Whole(0, 3).contains(2.0)
    assert not Uniform(0, 1).contains(float("nan"))


def test_continuous_domains_have_a_grid_only_of_named_points():
    assert Uniform(0, 1).grid() is None
    assert LogUniform(1, 2).size() is None
    domain = LogUniform(1e-5, 1, points=(1, 1e-3))
    assert domain.grid() == (1.0, 1e-3)
    assert all(isinstance(point, float) for point in domain.grid())


def test_a_huge_range_is_counted_but_not_listed():
    assert Whole(0, 10**12).size() == 10**12 + 1
    assert Whole(0, 10**12).grid() is None
    assert len(Whole(1, GRID_LIMIT).grid()) == GRID_LIMIT


@pytest.mark.parametrize(
    ("build", "law"),
    [
        (lambda: Choice(()), "empty"),
        (lambda: Choice(tuple(range(CHOICE_LIMIT + 1))), "longer than"),
        (lambda: Subset(tuple(range(SUBSET_LIMIT + 1))), "longer than"),
        (lambda: Choice((1, 1.0)), "twice"),
        (lambda: Choice((float("nan"),)), "finite"),
        (lambda: Choice(("a\x1b[31m",)), "control"),
        (lambda: Choice((2**63,)), "whole number lies"),
        (lambda: Choice((1,), points=(1,)), "own grid"),
        (lambda: Uniform(1, 0), "below"),
        (lambda: Uniform(1, 1), "below"),
        (lambda: Uniform(0, float("inf")), "finite"),
        (lambda: Uniform(-1e308, 1e308), "wider"),
        (lambda: Uniform(True, 2), "number"),
        (lambda: Uniform("0", 2), "number"),
        (lambda: LogUniform(0, 1), "above zero"),
        (lambda: LogWhole(0, 8), "above zero"),
        (lambda: Whole(0.5, 2), "integer"),
        (lambda: Whole(3, 2), "below"),
        (lambda: Whole(0, 9, points=(10,)), "outside"),
        (lambda: Whole(0, 9, points=()), "empty"),
        (lambda: Whole(0, 9, points=(1, 1)), "twice"),
        (lambda: Whole(0, 9, when={"a": ()}), "1 to"),
        (lambda: from_plain({"uniform": [0, 1], "whole": [0, 1]}), "exactly one"),
        (lambda: from_plain({"uniform": [0, 1, 2]}), "low, high"),
        (lambda: from_plain({"uniform": [0, 1], "wen": {}}), "wen"),
        (lambda: from_plain(3), "table"),
    ],
)
def test_unlawful_domains_are_refused(build, law):
    with pytest.raises((ValidationError, ValueError), match=law):
        build()


def test_a_condition_holds_for_its_value_one_of_a_list_or_a_nonempty_subset():
    space = {
        "rates": Subset((5, 20)),
        "start": Choice(("scratch", "baseline", "pretrained")),
        "always": Whole(0, 1),
        "share": Uniform(0, 1, when={"rates": "nonempty"}),
        "layers": Whole(0, 5, when={"start": ("baseline", "pretrained")}),
        "both": Whole(0, 5, when={"start": "baseline", "rates": "nonempty"}),
        "chained": Whole(0, 5, when={"layers": 2}),
    }
    assert active(space, {}, "always")
    assert active(space, {"rates": (5,)}, "share")
    assert not active(space, {"rates": ()}, "share")
    assert active(space, {"start": "baseline"}, "layers")
    assert not active(space, {"start": "scratch"}, "layers")
    assert not active(space, {"start": "baseline", "rates": []}, "both")
    assert not active(space, {"start": "scratch"}, "chained"), "left out, so that no condition on it holds"
    assert active(space, {"layers": 2}, "chained")
    assert not active(space, {"layers": True}, "chained")


def test_a_domain_says_what_it_contains():
    class Endless(Whole.__base__):
        """A domain that does not say."""

    with pytest.raises(TypeError, match="contains"):
        Endless()
