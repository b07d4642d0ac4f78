"""Laws of derived seeds and of the errors that travel between processes."""

import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.errors import TrainableError
from trainables.seeds import derive, generator

PARTS = st.lists(st.integers() | st.text(), min_size=1, max_size=4)


@given(PARTS)
def test_a_seed_is_a_function_of_its_parts_and_fits_in_63_bits(parts):
    assert derive(*parts) == derive(*parts)
    assert 0 <= derive(*parts) < 2**63


@given(PARTS, PARTS)
def test_other_parts_give_another_seed(left, right):
    assert (derive(*left) == derive(*right)) == (left == right)


def test_a_seed_never_changes_between_releases():
    assert derive(0, "trial", 7) == 6750413982524036008


def test_a_number_and_its_digits_are_different_parts():
    assert derive(1) != derive("1")
    assert derive("a", "b") != derive("ab") != derive("a,b")


def test_a_seed_without_a_purpose_is_refused():
    with pytest.raises(ValueError, match="no part"):
        derive()


def test_a_generator_repeats_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, again = (torch.rand(5, generator=generator(3, "noise")) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first, torch.rand(5, generator=generator(4, "noise")))


@given(st.text())
def test_an_error_survives_pickling_on_one_line(message):
    error = TrainableError("CACHE_CORRUPT", f"path: {message}")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.message, str(copy)) == (error.code, error.message, str(error))
    assert len(str(error).splitlines()) == 1
    str(error).encode()


def test_an_error_shows_what_a_name_would_do_to_the_terminal():
    error = TrainableError("CACHE_CORRUPT", "a\x1b[2Jb\u202ec\udcff")
    assert str(error) == "a\\x1b[2Jb\\u202ec\\udcff"
