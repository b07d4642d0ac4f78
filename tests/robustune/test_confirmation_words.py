"""What a confirmation says in the terminal: intervals within the bounds of a score, and what is left to do."""

import math

import pyarrow as pa
import pytest
from rich.console import Console

from analysis.confirmation import Confirmation
from analysis.confirmation.record import HYPERVOLUME, SCORES, SPREAD, points_schema
from robustune.confirmation_bounds import bounds
from robustune.confirmation_screen import lines, scores_tables
from trainables.registry import trainer_names, vocabulary


def told_of(low: float, mean: float, high: float, optimism: float = 0.01) -> Confirmation:
    """A confirmation of one trial, with one score."""
    point = {"trial": 0, "seeds": 5, "probability": 1.0, "searched": True, "confirmed": True, "fell": False}
    names = ("original", "perturbed_training", "perturbed_validation", "hold_out", "out_of_distribution")
    score = {"trial": 0, "mean": mean, "low": low, "high": high, "se": 0.1, "df": 4.0, "seeds": 5, "sources": 40}
    return Confirmation(
        pa.Table.from_pylist([point], points_schema(())),
        pa.Table.from_pylist([{**score, "metric": name} for name in names], SCORES),
        pa.Table.from_pylist([dict.fromkeys(HYPERVOLUME.names, 0.2) | {"optimism": optimism}], HYPERVOLUME),
        pa.Table.from_pylist([], SPREAD),
    )


def printed(found: Confirmation) -> str:
    console = Console(width=80, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(scores_tables(found)[0])
    return capture.get()


def test_a_symmetric_interval_is_told_by_half_its_width() -> None:
    assert printed(told_of(0.4, 0.5, 0.6)).count("0.500 ± 0.100") == 5


def test_a_cut_interval_is_told_by_its_ends_and_no_digit_is_lost_on_80_columns() -> None:
    text = printed(told_of(0.0, 0.205, 0.54))
    assert "±" not in text
    assert "…" not in text
    assert [text.count(part) for part in ("0.205", "0.000", "0.540")] == [5, 5, 5]


@pytest.mark.parametrize(("optimism", "said"), [(0.01, True), (0.0, False), (-0.0005, False)])
def test_its_own_selection_is_told_of_only_where_that_flattered(optimism: float, said: bool) -> None:
    (volumes, *_) = lines(told_of(0.4, 0.5, 0.6, optimism), [])
    assert ("before its own selection" in volumes) is said


@pytest.mark.parametrize("trainer", trainer_names())
def test_bounds_are_those_of_the_vocabulary(trainer: str) -> None:
    known = bounds(trainer)
    for name, law in vocabulary(trainer)["metrics"].items():
        assert known[name] == (law.get("minimum", -math.inf), law.get("maximum", math.inf))
    assert all(low < high for low, high in known.values())


def test_scores_of_the_final_table_have_bounds_too() -> None:
    known = bounds("classification")
    assert known["pgd"] == known["hold_out"] == known["clean_accuracy"] == (0.0, 1.0)
    assert known["mce_unseen"] == (0.0, math.inf)
    assert bounds("segmentation")["hold_out_miou"] == (0.0, 1.0)
