"""Fronts and hypervolumes: closed forms, a slow twin, and what must change nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis import records
from analysis.front import (
    attained,
    eligible,
    front,
    hypervolume,
    hypervolume_history,
    losses,
    nondominated,
    rows,
    staircase,
)
from search_spaces.study import Objective, Study

# A coarse grid of values makes ties and twins common.
points_of = st.tuples(st.integers(1, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-4, 4).map(lambda whole: whole / 4))
)


def dominated_by_hand(points: np.ndarray) -> np.ndarray:
    return np.array([any((other <= one).all() and (other < one).any() for other in points) for one in points])


def objectives_of(count: int, goal: str = "min", reference: float = 1.5) -> list[Objective]:
    return [Objective(f"metric_{place}", goal, reference) for place in range(count)]


def made_table(study: Study, scores: list[dict[str, float | None]], **columns: list[Any]) -> pa.Table:
    count = len(scores)
    plain: dict[str, list[Any]] = {
        "number": list(range(count)),
        "state": ["complete"] * count,
        "epochs": [study.budget.epochs] * count,
        "ended_seq": list(range(count)),
        **{f"metrics.{name}": [score.get(name) for score in scores] for name in study.metrics},
        **columns,
    }
    return pa.table(plain)


@given(points_of)
def test_the_front_is_what_the_slow_twin_keeps(points: np.ndarray) -> None:
    assert (nondominated(points) == ~dominated_by_hand(points)).all()


@given(points_of, st.randoms(use_true_random=False))
def test_neither_order_nor_units_change_the_front(points: np.ndarray, draw: Any) -> None:
    order = list(range(len(points)))
    draw.shuffle(order)
    scale = np.array([draw.choice([0.25, 2.0, 8.0]) for _ in range(points.shape[1])])
    assert (nondominated(points[order] * scale + 16.0) == nondominated(points)[order]).all()


@given(points_of)
def test_turning_values_and_goals_together_changes_nothing(points: np.ndarray) -> None:
    count = points.shape[1]
    assert (losses(points, ["min"] * count) == losses(-points, ["max"] * count)).all()
    lower, higher = objectives_of(count), [Objective(f"metric_{place}", "max", -1.5) for place in range(count)]
    assert hypervolume(points, lower) == pytest.approx(hypervolume(-points, higher))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_one_point_attains_its_box(count: int) -> None:
    assert hypervolume(np.full((1, count), 0.25), objectives_of(count)) == pytest.approx(1.25**count)


def test_two_points_attain_the_union_of_their_boxes() -> None:
    values = np.array([[0.9, 1.0], [0.6, 0.4]])
    objectives = [Objective("accuracy", "max", 0.5), Objective("mce", "min", 1.2)]
    assert hypervolume(values, objectives) == pytest.approx(0.4 * 0.2 + 0.1 * 0.8 - 0.1 * 0.2)


@given(st.integers(1, 30))
def test_a_stair_of_equal_steps_attains_its_triangle(steps: int) -> None:
    place = np.arange(1, steps + 1) / (steps + 1)
    attained = hypervolume(np.column_stack([place, 1 - place]), objectives_of(2, reference=1.0))
    assert attained == pytest.approx(steps / (2 * (steps + 1)))


@given(points_of)
def test_the_dominated_the_far_and_the_infinite_add_nothing(points: np.ndarray) -> None:
    objectives = objectives_of(points.shape[1])
    attained = hypervolume(points, objectives)
    assert hypervolume(points[nondominated(points)], objectives) == pytest.approx(attained)
    beyond = np.full((1, points.shape[1]), -5.0)
    beyond[0, 0] = 2.0
    infinite = np.full((1, points.shape[1]), -np.inf)
    unknown = np.full((1, points.shape[1]), np.nan)
    assert hypervolume(np.vstack([points, beyond, infinite, unknown]), objectives) == pytest.approx(attained)
    assert hypervolume(np.empty((0, points.shape[1])), objectives) == 0.0


@given(points_of)
def test_the_volume_under_the_staircase_is_the_hypervolume(points: np.ndarray) -> None:
    points = np.column_stack([points[:, 0], points[:, -1]])
    objectives = objectives_of(2)
    corners = staircase(points[nondominated(points)], objectives)
    steps = np.diff(corners, axis=0)
    assert ((steps == 0).sum(axis=1) == 1).all()
    area = sum((1.5 - corners[place, 1]) * step[0] for place, step in enumerate(steps))
    assert area == pytest.approx(hypervolume(points, objectives))


@given(points_of, st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_what_is_shaded_has_the_hypervolume_as_its_area(points: np.ndarray, first: float, second: float) -> None:
    """Points beyond the reference add nothing to the polygon, as they add nothing to the volume."""
    points = np.column_stack([points[:, 0], points[:, -1]])
    points = points[nondominated(points)]
    objectives = [Objective("one", "min", first), Objective("other", "min", second)]
    corners = attained(points, objectives)
    x, y = corners[:, 0], corners[:, 1]
    area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    assert area == pytest.approx(hypervolume(points, objectives), abs=1e-12)
    assert (corners <= [[first, second]]).all()


def test_only_complete_feasible_finite_trials_of_full_epochs_stand_on_the_front(study_of: Callable[..., Study]) -> None:
    study = study_of()
    good: dict[str, float | None] = {"clean_accuracy": 0.9, "mce": 0.5, "pgd_accuracy": 0.1}
    scores = [{"clean_accuracy": 0.7, "mce": 0.9, "pgd_accuracy": 0.0}, *[dict(good) for _ in range(7)]]
    scores[4]["clean_accuracy"] = 0.59
    scores[4]["mce"] = 0.0
    scores[5]["mce"] = float("-inf")
    scores[6]["mce"] = None
    scores[7]["mce"] = float("nan")
    states = ["complete", "stopped", "failed", "complete", *["complete"] * 4]
    table = made_table(study, scores, state=states, epochs=[9, 9, 9, 8, 9, 9, 9, 9])
    assert eligible(table, study).tolist() == [True] + [False] * 7
    assert front(table, study)["number"].to_pylist() == [0]


def test_twins_both_stand_on_the_front_best_first(study_of: Callable[..., Study]) -> None:
    study = study_of()
    scores: list[dict[str, float | None]] = [
        {"clean_accuracy": a, "mce": m, "pgd_accuracy": 0.0}
        for a, m in ((0.7, 0.4), (0.9, 0.8), (0.7, 0.4), (0.8, 0.9))
    ]
    assert front(made_table(study, scores), study)["number"].to_pylist() == [1, 0, 2]


def test_one_objective_keeps_the_best_ones(study_of: Callable[..., Study]) -> None:
    study = study_of(objectives=1)
    scores: list[dict[str, float | None]] = [{"clean_accuracy": a, "pgd_accuracy": 0.0} for a in (0.7, 0.9, 0.9, 0.8)]
    assert front(made_table(study, scores), study)["number"].to_pylist() == [1, 2]


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_the_history_grows_to_the_hypervolume_of_the_front(
    search: Callable[..., Path], study_of: Callable[..., Study], objectives: int
) -> None:
    study = study_of(objectives)
    table = records.trials(search(study))
    history = hypervolume_history(table, study)
    volumes = history["hypervolume"].to_pylist()
    assert volumes == sorted(volumes)
    assert history["finished"].to_pylist() == list(range(1, table.num_rows + 1))
    best = front(table, study)
    values = np.column_stack([best[f"metrics.{one.metric}"].to_numpy() for one in study.objectives])
    assert volumes[-1] == pytest.approx(hypervolume(values, study.objectives))


def test_an_empty_search_has_an_empty_front(study_of: Callable[..., Study]) -> None:
    study = study_of(3)
    table = made_table(study, [])
    assert front(table, study).num_rows == 0
    assert hypervolume_history(table, study).num_rows == 0


def test_rows_are_text_without_control_characters(search: Callable[..., Path], study_of: Callable[..., Study]) -> None:
    study = study_of(transforms=("=cmd()", "[bold red]x[/]"))
    table = records.trials(search(study))
    shown = rows(front(table, study), study)
    assert list(shown[0]) == ["trial", "clean_accuracy", "mce", *study.space]
    assert all(isinstance(value, str) and value.isprintable() for row in shown for value in row.values())
