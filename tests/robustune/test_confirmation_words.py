"""What a confirmation says in the terminal: intervals within the bounds of a score, and what is left to do."""

import math
from dataclasses import replace

import pyarrow as pa
import pytest
from rich.console import Console
from rich.table import Table

from analysis.confirmation import Confirmation
from analysis.confirmation.record import HYPERVOLUME, SCORES, SPREAD, points_schema
from robustune.confirmation_bounds import bounds
from robustune.confirmation_screen import fronts_tables, lines, scores_tables
from search_spaces import read_study, shipped
from trainables.registry import trainer_names, vocabularies, vocabulary


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


def printed(table: Table) -> str:
    console = Console(width=80, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_symmetric_interval_is_told_by_half_its_width() -> None:
    assert printed(scores_tables(told_of(0.4, 0.5, 0.6))[0]).count("0.500 ± 0.100") == 5


def test_a_cut_interval_is_told_by_its_ends_and_no_digit_is_lost_on_80_columns() -> None:
    text = printed(scores_tables(told_of(0.0, 0.205, 0.54))[0])
    assert "±" not in text
    assert "…" not in text
    assert [text.count(part) for part in ("0.205", "0.000", "0.540")] == [5, 5, 5]


@pytest.mark.parametrize(("name", "tables"), [("adversarial", 2), ("quickstart", 1)])
def test_promise_and_confirmation_of_any_objectives_stand_whole_on_80_columns(name: str, tables: int) -> None:
    study = read_study(shipped()[name], vocabularies())
    names = [one.metric for one in study.objectives]
    point = {"trial": 12, "seeds": 5, "probability": 0.5, "searched": True, "confirmed": False, "fell": True}
    for metric in names:
        point |= {f"promised.{metric}": 0.905, f"mean.{metric}": 0.864, f"low.{metric}": 0.702, f"high.{metric}": 1.0}
    rows = pa.Table.from_pylist([point], points_schema(names))
    shown = fronts_tables(replace(told_of(0.4, 0.5, 0.6), points=rows), study)
    text = "\n".join(printed(table) for table in shown)
    assert len(shown) == tables
    assert "…" not in text
    assert [text.count(part) for part in ("0.905", "0.702 to 1.000", "fell")] == [len(names), len(names), 1]


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
