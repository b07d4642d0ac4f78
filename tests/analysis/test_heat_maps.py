"""A heat map has one cell for each pair of values, and says of each cell what the ledger says of its trial."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from analysis.heat_maps import HeatMap, best_legend, heat_maps
from analysis.knobs import VALUES_MOST, NotDrawable, knobs
from robustune.ledger import Ledger
from search_spaces.domains import Choice, LogUniform, LogWhole, Subset, Uniform, Whole
from search_spaces.study import Objective, Sampler, Study

RATES = (1e-4, 1e-3, 1e-2)
SPACE = {"batch_size": Choice((128, 256)), "learning_rate": LogUniform(1e-4, 1e-2, points=RATES)}


def score(config: Mapping[str, Any], metric: str, epoch: int) -> float:
    """A closed form: each pair of values has a score of its own, and so has each epoch."""
    place = RATES.index(config["learning_rate"]) + 3 * (config["batch_size"] == 256)
    return (0.1 if metric == "clean_accuracy" else 0.05) * (place + 1) + 0.001 * epoch


def maps(folder: Path, *metrics: str) -> tuple[HeatMap, ...]:
    return heat_maps(records.trials(folder), records.read_study(folder), metrics)


def test_every_cell_has_the_last_score_of_its_pair(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    drawn = maps(grid(grid_of(SPACE), score))
    assert [one.metric for one in drawn] == list(grid_of(SPACE).metrics)
    for one in drawn:
        assert (one.y.name, one.x.name) == ("batch_size", "learning_rate")
        assert [(cell.up, cell.across) for cell in one.cells] == [
            (up, across) for up in range(2) for across in range(3)
        ]
        for cell in one.cells:
            config = {"batch_size": (128, 256)[cell.up], "learning_rate": RATES[cell.across]}
            assert float(cell.written) == pytest.approx(score(config, one.metric, 4), abs=1e-9)
            assert cell.share == pytest.approx((3 * cell.up + cell.across) / 5)
            assert cell.best == (cell.share == 1)
        assert (one.low, one.high) == (
            pytest.approx(score({**config, "batch_size": 128, "learning_rate": 1e-4}, one.metric, 4)),
            pytest.approx(score(config, one.metric, 4)),
        )


def test_what_has_no_score_says_why(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    folder = grid(grid_of(SPACE), score, failed=1, left=2)
    study = records.read_study(folder)
    (one,) = maps(folder, "clean_accuracy")
    by_trial = {cell.trial: cell for cell in one.cells if cell.trial is not None}
    assert sorted(by_trial) == [0, 1, 2, 3]
    assert (by_trial[1].state, by_trial[1].written, by_trial[1].share) == ("failed", "failed", None)
    assert [cell.written for cell in one.cells].count("no trial") == 2
    with Ledger.open(folder, {}) as ledger:
        missing = next(cell for cell in one.cells if cell.trial is None)
        config = {"batch_size": one.y.values[missing.up], "learning_rate": one.x.values[missing.across]}
        ledger.ask(4, config, seed=4, attributes={})
        ledger.report(4, 1, dict.fromkeys(study.metrics, 0.99), 1.0, 0.1, None)
        (running,) = maps(folder, "clean_accuracy")
        ledger.report(4, 2, dict.fromkeys(study.metrics, 0.99), 1.0, 0.1, None, "stopped")
        (stopped,) = maps(folder, "clean_accuracy")
    place = one.cells.index(missing)
    assert (running.cells[place].written, running.cells[place].share) == ("running", None)
    assert (stopped.cells[place].written, stopped.cells[place].share) == ("stopped", None)
    assert not stopped.cells[place].best


def test_a_flat_map_has_one_colour_in_the_middle(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    (one,) = maps(grid(grid_of(SPACE), lambda *_: 0.5), "clean_accuracy")
    assert {cell.share for cell in one.cells} == {0.5}
    assert all(cell.best for cell in one.cells)


def test_several_objectives_mark_the_front(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    trade = (Objective("clean_accuracy", "max", 0.0), Objective("pgd_accuracy", "max", 0.0))
    study = grid_of(SPACE, objectives=trade)
    folder = grid(
        study, lambda config, metric, _: (1 if metric == "clean_accuracy" else -1) * config["batch_size"] / 256
    )
    first, second = maps(folder, "clean_accuracy", "pgd_accuracy")
    assert all(cell.best for cell in first.cells)
    assert [cell.share for cell in first.cells] == [1 - (cell.share or 0) for cell in second.cells]
    assert best_legend(study) == "on the front"
    assert best_legend(grid_of(SPACE)) == "best trial by clean accuracy"
    assert first.title == "Clean accuracy (higher is better)"


def test_pairs_that_a_condition_forbids_are_outside(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    space = {
        "start": Choice(("scratch", "pretext")),
        "unfrozen_layers": Whole(0, 2, when={"start": "pretext"}),
    }
    study = grid_of(space)
    folder = grid(study, lambda config, *_: 0.1 * config["unfrozen_layers"])
    with Ledger.open(folder, {}) as ledger:
        ledger.ask(3, {"start": "scratch"}, seed=3, attributes={})
        for epoch in range(1, 5):
            end = "complete" if epoch == 4 else None
            ledger.report(3, epoch, dict.fromkeys(study.metrics, 0.9), 1.0, 0.1, None, end)
    (one,) = maps(folder, "clean_accuracy")
    assert one.x.written == ("0", "1", "2", "not set")
    states = [[cell.state for cell in one.cells if cell.up == up] for up in range(2)]
    assert states == [["outside"] * 3 + ["complete"], ["complete"] * 3 + ["outside"]]
    assert [cell.trial for cell in one.cells if cell.best] == [3]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"space": {"batch_size": Choice((1, 2))}},
            "searches 1: batch_size; draw it with `python -m analysis.plot_knob`",
        ),
        ({"space": {**SPACE, "noise_scale": Uniform(0, 1)}}, "searches 3: batch_size, learning_rate, noise_scale"),
        ({"sampler": Sampler("random")}, "the sampler random drew batch_size, learning_rate freely"),
        ({"space": {**SPACE, "learning_rate": LogUniform(1e-4, 1e-2)}}, "learning_rate is drawn from a range"),
        (
            {"space": {**SPACE, "learning_rate": LogWhole(1, 100)}},
            f"has 100 values, and a figure tells at most {VALUES_MOST}",
        ),
    ],
)
def test_what_is_no_grid_over_two_knobs_is_refused(
    grid: Callable[..., Path], grid_of: Callable[..., Study], changes: dict[str, Any], said: str
) -> None:
    folder = grid(grid_of(SPACE), score)
    with pytest.raises(NotDrawable, match=r"^grid: ") as told:
        heat_maps(records.trials(folder), replace(grid_of(SPACE), **changes))
    assert said in str(told.value)


def test_an_unrecorded_metric_is_refused_with_those_that_are(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    with pytest.raises(NotDrawable, match="does not record 'mce'; it records clean_accuracy, pert"):
        maps(grid(grid_of(SPACE), score), "mce")


def test_values_that_differ_are_written_apart(grid_of: Callable[..., Study]) -> None:
    space = {
        "close": Uniform(0, 1, points=(0.10001, 0.10002)),
        "small": LogUniform(1e-7, 1, points=(1e-7, 2.5e-5, 0.001, 1.0)),
        "rates": Subset((5, 20)),
        "flip": Choice((True, False)),
    }
    written = {knob.name: knob.written for knob in knobs(grid_of(space))}
    assert written["close"] == ("0.10001", "0.10002")
    assert written["small"] == ("1e-7", "2.5e-5", "0.001", "1")
    assert written["rates"] == ("none", "5", "20", "5+20")
    assert written["flip"] == ("yes", "no")
    assert [knob.categorical for knob in knobs(grid_of(space))] == [False, False, True, True]
