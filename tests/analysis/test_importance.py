"""Importance: what has no effect has none, scales and directions change nothing, and too little is said to be so."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from analysis import plot_importance
from analysis.importance import MOST, Importances, Judged, importances, trust
from analysis.importance_section import importance_section, partial_section
from search_spaces.domains import Choice, LogUniform, Subset, Uniform
from search_spaces.study import Budget, Objective, Study

SPACE = {
    "rate": LogUniform(1e-5, 1e-1),
    "size": Uniform(0, 1),
    "idle": Uniform(0, 1),
    "way": Choice(("<b>none</b>", "augmix")),
    "rates": Subset((5, 20)),
    "share": Uniform(0, 1, when={"rates": "nonempty"}),
}


def of(columns: dict[str, Any], **changes: Any) -> tuple[Study, pa.Table]:
    """A study whose trials are columns of options and scores, all complete unless they say otherwise."""
    known: dict[str, Any] = {
        "name": "made-up",
        "trainer": "classification",
        "data": "embedded-digits",
        "space": SPACE,
        "objectives": (Objective("accuracy", "max", 0.0),),
        "budget": Budget(5000, 9),
    }
    count = len(columns["metrics.accuracy"])
    rest = {"number": list(range(count)), "state": ["complete"] * count, "epochs": [9] * count}
    return Study(**{**known, **changes}), pa.table({**rest, **columns})


def drawn(count: int, seed: int = 0) -> dict[str, Any]:
    """Accuracy is 0.25 per decade of the rate, and as much for all of `size`, over four decades; noise besides."""
    generator = np.random.default_rng(seed)
    exponent, size = generator.uniform(-5, -1, count), generator.uniform(0, 1, count)
    some = generator.random(count) < 0.7
    return {
        "options.rate": 10.0**exponent,
        "options.size": size,
        "options.idle": generator.uniform(0, 1, count),
        "options.way": generator.choice(["<b>none</b>", "augmix"], count).tolist(),
        "options.rates": ["5+20" if one else "" for one in some],
        "options.share": [float(generator.random()) if one else None for one in some],
        "metrics.accuracy": exponent * 0.25 + size + generator.normal(0, 0.02, count),
    }


def shares(found: Importances, evaluator: str) -> dict[str, float]:
    rows = found.table.to_pylist()
    return {row["option"]: row["share"] for row in rows if row["evaluator"] == evaluator}


@pytest.fixture(scope="module")
def whole() -> tuple[Study, pa.Table, Importances]:
    study, trials = of(drawn(300))
    return study, trials, importances(trials, study)


@pytest.mark.parametrize("evaluator", ["fanova", "permutation"])
def test_two_options_of_equal_effect_share_evenly_also_where_one_is_searched_in_its_logarithm(
    whole: tuple[Study, pa.Table, Importances], evaluator: str
) -> None:
    found = shares(whole[2], evaluator)
    assert found["rate"] == pytest.approx(0.5, abs=0.08)
    assert found["size"] == pytest.approx(0.5, abs=0.08)
    assert found["idle"] < 0.02
    assert sum(found.values()) == pytest.approx(1)


def test_what_matters_stands_above_what_does_not_by_ped_anova_too(whole: tuple[Study, pa.Table, Importances]) -> None:
    found = shares(whole[2], "ped_anova")
    assert min(found["rate"], found["size"]) > max(found["idle"], found["way"], found["share"])


def test_an_option_that_is_not_always_drawn_has_no_fanova_and_the_others_keep_theirs(
    whole: tuple[Study, pa.Table, Importances],
) -> None:
    assert set(shares(whole[2], "fanova")) == set(SPACE) - {"share"}
    assert set(shares(whole[2], "permutation")) == set(SPACE)


def test_a_model_of_trials_that_foretells_them_says_how_well(whole: tuple[Study, pa.Table, Importances]) -> None:
    (judged,) = whole[2].judged
    assert 0.9 < judged.r2 <= 1
    assert "From 300 trials" in trust(judged)


def test_partial_dependence_rises_as_the_scores_do_and_lies_within_its_spread(
    whole: tuple[Study, pa.Table, Importances],
) -> None:
    rows = [row for row in whole[2].partial.to_pylist() if row["option"] == "size"]
    assert rows[-1]["mean"] - rows[0]["mean"] == pytest.approx(1, abs=0.25)
    assert all(row["low"] <= row["mean"] <= row["high"] for row in whole[2].partial.to_pylist())
    assert all(row["least"] <= row["mean"] <= row["greatest"] for row in whole[2].partial.to_pylist())


def test_equal_seeds_give_equal_numbers_and_neither_scale_nor_direction_changes_a_share() -> None:
    columns = drawn(40)
    study, trials = of(columns)
    found = importances(trials, study, 3)
    assert importances(trials, study, 3).table.equals(found.table)
    turned, down = of(
        {**columns, "metrics.accuracy": columns["metrics.accuracy"] * -(2.0**900)},
        objectives=(Objective("accuracy", "min", 0.0),),
    )
    assert importances(down, turned, 3).table["share"].to_pylist() == pytest.approx(found.table["share"].to_pylist())


def test_of_very_many_trials_some_are_looked_at_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.importance.MOST", 30)
    study, trials = of(drawn(40))
    (judged,) = importances(trials, study).judged
    assert (judged.trials, judged.finished) == (30, 40)
    assert "From 30 trials drawn from 40" in trust(judged)
    assert MOST == 2_000


def changed(**columns: Any) -> dict[str, Any]:
    return {**drawn(24), **columns}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({name: column[:0] for name, column in drawn(24).items()}, "No trial has spent all epochs"),
        ({name: column[:1] for name, column in drawn(24).items()}, "1 trial has spent all epochs"),
        ({name: column[:19] for name, column in drawn(24).items()}, "19 trials have spent all epochs"),
        (changed(**{"metrics.accuracy": [0.5] * 24}), "All 24 trials score the same"),
        (changed(**{"metrics.accuracy": [math.nan, math.inf, None, -math.inf] * 6}), "No trial has spent all epochs"),
        (changed(state=["stopped"] * 24, epochs=[3] * 24), "No trial has spent all epochs"),
    ],
)
def test_too_few_trials_or_no_variance_are_said_plainly(columns: dict[str, Any], told: str) -> None:
    study, trials = of(columns)
    found = importances(trials, study)
    assert told in importance_section(found)
    assert partial_section(found, study) == ""
    assert found.table.num_rows == found.partial.num_rows == 0


def test_trials_of_equal_options_are_no_mistake_and_a_name_with_markup_stays_text() -> None:
    columns = {**{name: [column[0]] * 24 for name, column in drawn(1).items()}}
    columns["metrics.accuracy"] = np.linspace(0, 1, 24)
    study, trials = of(columns)
    found = importances(trials, study)
    assert "what follows is noise" in importance_section(found)
    assert "<b>" not in importance_section(found) + partial_section(found, study)


def test_what_is_said_of_all_objectives_alike_is_said_once() -> None:
    why = "2 trials have spent all epochs with a finite score; importance needs 20."
    silent = tuple(Judged(name, 2, 0, math.nan, why) for name in ("clean_accuracy", "pgd_accuracy"))
    other = Judged("mce", 1, 0, math.nan, "1 trial has")
    text = importance_section(Importances((*silent, other), pa.table({}), pa.table({})))
    assert text.count(why) == 1
    assert "<h3>Clean accuracy, PGD accuracy</h3>" in text
    assert "<h3>mCE</h3>" in text
    assert text.count("<h3>") == 2


def test_a_study_that_searches_nothing_says_so() -> None:
    study, trials = of({"metrics.accuracy": np.linspace(0, 1, 24)}, space={})
    assert "searches no option" in importance_section(importances(trials, study))


def test_the_command_writes_figures_and_tables(
    search: Callable[..., Path], study_of: Callable[..., Study], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = search(replace(study_of(trials=12), name="few"))
    assert plot_importance.main([str(folder), "--out", str(tmp_path)]) == 0
    names = {Path(line).name for line in capsys.readouterr().out.splitlines()}
    kinds = ("png", "svg", "pdf", "parquet")
    assert names == {f"{name}.{kind}" for name in ("importance", "partial") for kind in kinds}
