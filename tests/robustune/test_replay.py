"""A replay is a real search whose trials were trained before: same proposals, same decisions, another clock."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis.records import write_parquet
from robustune import checks, search
from robustune.cli import app
from robustune.curve_files import Curve, read, table_of
from robustune.driver import Driver, Proposal
from robustune.errors import Mistake
from robustune.grid import grid
from robustune.ledger import Ledger
from robustune.replay import Ended, Nets, best, replay
from robustune.replaying import quartiles, run
from robustune.rounding import Rounding
from search_spaces import Budget, Choice, EarlyStopping, LogUniform, Objective, Sampler, Study, Subset, Uniform, Whole
from trainables.closed_form import ClosedFormTrainer
from trainables.errors import TrainableError
from trainables.seeds import derive

EPOCHS = 9
TENTHS = tuple(place / 10 for place in range(11))
Seconds = Callable[[Mapping[str, Any]], float]


def study_of(sampler: str = "tpe", early_stopping: str = "none", trials: int = 30, seed: int = 0) -> Study:
    return Study(
        name="curves",
        trainer="closed-form",
        data="none",
        options={"diverges_above": 0.85},
        space={"angle": Choice(TENTHS), "loss": Choice((0.0, 0.3, 0.6, 0.9))},
        objectives=(Objective("accuracy", "max", 0.0), Objective("robustness", "max", 0.0)),
        budget=Budget(trials=trials, epochs=EPOCHS),
        sampler=Sampler(sampler),
        early_stopping=EarlyStopping(early_stopping),
        seed=seed,
    )


def trainer_of(study: Study, config: Mapping[str, Any], seed: int) -> ClosedFormTrainer:
    options = {**study.options, **config}
    return ClosedFormTrainer(options, {}, None, study.metrics, seed, study.budget.epochs, threads=1)  # type: ignore[arg-type]


def curve_of(study: Study, config: Mapping[str, Any], seed: int, seconds: float) -> Curve:
    trainer, scores = trainer_of(study, config, seed), []
    try:
        for _ in range(study.budget.epochs):
            trainer.train_epoch()
            scores.append(trainer.score())
    except TrainableError as error:
        return Curve(config, seed, (seconds,) * (len(scores) + 1), tuple(scores), error.code)
    return Curve(config, seed, (seconds,) * len(scores), tuple(scores))


def uneven(config: Mapping[str, Any]) -> float:
    return float(1 + 3 * config["angle"] + config["loss"])


def nets_of(study: Study, seconds: Seconds = uneven, seeds: int = 1) -> Nets:
    configs = grid(study.space, 0)
    return Nets(study, [curve_of(study, one, seed, seconds(one)) for one in configs for seed in range(seeds)])


def proposed(ended: Sequence[Ended], nets: Nets) -> list[Mapping[str, Any]]:
    return [nets.configs[one.configuration] for one in sorted(ended, key=lambda one: one.trial)]


def searched_in_turn(study: Study, folder: Path) -> list[Mapping[str, Any]]:
    """A real search, ledger and all, whose one worker is this loop."""
    asked = []
    with Ledger.create(folder, study, {}) as ledger:
        driver = Driver(ledger, lambda: None)
        while (proposal := driver.next()) is not None:
            asked.append(dict(proposal.config))
            trainer, goes_on = trainer_of(study, proposal.config, proposal.seed), True
            while goes_on:
                report: dict[str, Any] = {"failure": None, "checkpoint": None, "train_seconds": 0.0}
                try:
                    trainer.train_epoch()
                    report |= {"epoch": trainer.epoch, "metrics": trainer.score(), "score_seconds": 0.0}
                except TrainableError as error:
                    report["failure"] = {"code": error.code, "message": str(error)}
                goes_on = driver.report(proposal.number, report)
    return asked


@pytest.mark.parametrize("early_stopping", ["none", "pareto_halving"])
@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "nsga3", "qmc", "grid"])
def test_one_worker_proposes_what_a_real_search_proposes(tmp_path: Path, sampler: str, early_stopping: str) -> None:
    study = study_of(sampler, early_stopping)
    nets = nets_of(study)
    assert proposed(replay(study, nets, 1), nets) == searched_in_turn(study, tmp_path / "curves")


@pytest.mark.ray
def test_one_worker_proposes_what_a_search_on_ray_proposes(tmp_path: Path) -> None:
    study = study_of("tpe", trials=16)
    nets = nets_of(study)
    result = search(study, results=tmp_path, concurrency=1, progress=False)
    columns = [result.trials.sort_by("number")[f"options.{name}"].to_pylist() for name in study.space]
    real = [dict(zip(study.space, values, strict=True)) for values in zip(*columns, strict=True)]
    assert proposed(replay(study, nets, 1), nets) == real


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_equal_seeds_replay_alike_and_others_do_not(sampler: str) -> None:
    nets = nets_of(study_of())
    study = study_of(sampler, "pareto_halving")
    first, again, other = (replay(one, nets, 4) for one in (study, study, study.override(seed=1)))
    assert first == again
    assert [one.configuration for one in first] != [one.configuration for one in other]


def test_a_gaussian_process_takes_no_virtual_time_however_long_it_draws() -> None:
    """Its draws run in a thread of their own: no worker may go without a trial until one is there."""
    study = replace(study_of("gp", trials=6), options={}, sampler=Sampler("gp", {"startup_trials": 3}))
    ended = replay(study, nets_of(study, lambda config: 1.0), 2)
    assert [one.seconds for one in ended] == [float(EPOCHS * (1 + place // 2)) for place in range(6)]


def test_scores_that_begin_later_replay_as_in_a_search_that_measures_them_then(tmp_path: Path) -> None:
    """A table may have gaps just where the study does not measure yet."""
    study = study_of("tpe", "pareto_halving")
    late = replace(study, objectives=(study.objectives[0], replace(study.objectives[1], from_epoch=3)))
    whole = [curve_of(study, config, 0, 2.0) for config in grid(study.space, 0)]
    gaps = [
        replace(
            curve,
            scores=tuple(
                {name: value for name, value in scores.items() if late.from_epochs.get(name, 1) <= epoch}
                for epoch, scores in enumerate(curve.scores, 1)
            ),
        )
        for curve in whole
    ]
    path = write_parquet(table_of(late, gaps), tmp_path / "late.parquet")
    ended = replay(late, Nets(late, read(path, late)), 3)
    assert ended == replay(late, Nets(late, whole), 3)
    assert {one.state for one in ended} >= {"complete", "stopped"}
    with pytest.raises(Mistake, match="epoch 1 has no finite 'robustness'"):
        read(path, study)


def test_early_stopping_that_would_compare_by_nothing_is_refused(table: Path) -> None:
    study = table.with_suffix(".toml")
    study.write_text(STUDY_FILE.replace("reference = 0.0", "reference = 0.0\nfrom_epoch = 2"))
    with pytest.raises(Mistake, match=r"OPTION_INVALID: .*early_stopping.grace.*set grace = 2"):
        run(table, None, None, "pareto_halving", None, 1, 1, None, lambda done: None)


def test_one_worker_takes_the_seconds_of_all_its_curves() -> None:
    study = study_of("random")
    nets = nets_of(study)
    ended = replay(study, nets, 1)
    curves = {repr(curve.config): curve for curve in (nets.given_at(place) for place in range(len(nets.configs)))}
    spent = [sum(curves[repr(dict(config))].seconds) for config in proposed(ended, nets)]
    assert [one.seconds for one in ended] == pytest.approx(list(itertools.accumulate(spent)))
    assert [one.trial for one in ended] == list(range(30))


@settings(max_examples=15, deadline=None)
@given(
    seconds=st.lists(st.floats(0.0, 100.0), min_size=44, max_size=44),
    workers=st.tuples(st.integers(1, 40), st.integers(1, 40)).map(sorted),
    sampler=st.sampled_from(["random", "grid"]),
)
def test_more_workers_never_make_the_clock_slower(seconds: list[float], workers: list[int], sampler: str) -> None:
    # Of samplers that learn nothing, and without early stopping: then the trials are the same, in whatever order.
    study = study_of(sampler)
    times = dict(zip(map(repr, grid(study.space, 0)), seconds, strict=True))
    nets = nets_of(study, lambda config: times[repr(config)])
    few, many = (replay(study, nets, count) for count in workers)
    assert proposed(few, nets) == proposed(many, nets)
    slower = {one.trial: one.seconds for one in few}
    assert all(one.seconds <= slower[one.trial] * (1 + 1e-12) for one in many)
    assert many[-1].hypervolume == pytest.approx(few[-1].hypervolume)


def test_a_whole_grid_ends_at_the_tables_best() -> None:
    study = study_of("grid", trials=44)
    nets = nets_of(study)
    ended = replay(study, nets, 3)
    configs = grid(study.space, 0)
    reach = best(study, [curve_of(study, config, 0, 1.0) for config in configs])
    assert ended[-1].hypervolume == pytest.approx(reach)
    volumes = [one.hypervolume for one in ended]
    assert volumes == sorted(volumes)
    assert {one.state for one in ended} == {"complete", "failed"}
    assert ended[-1].epochs == 33 * EPOCHS


def test_early_stopping_spends_fewer_epochs_and_only_whole_trials_count() -> None:
    nets = nets_of(study_of())
    full, halved = (replay(study_of("random", rule), nets, 1) for rule in ("none", "pareto_halving"))
    assert halved[-1].epochs < full[-1].epochs / 1.5
    assert halved[-1].seconds < full[-1].seconds / 1.5
    before = 0.0
    for one in halved:
        assert one.state == "complete" or one.hypervolume == before
        before = one.hypervolume


def test_hours_of_the_budget_are_those_of_the_virtual_clock() -> None:
    study = study_of("random")
    nets = nets_of(study, lambda config: 100.0)
    ended = replay(replace(study, budget=Budget(trials=30, epochs=EPOCHS, hours=1.0)), nets, 1)
    assert ended[-2].seconds < 3600 <= ended[-1].seconds
    assert len(ended) < 30


def test_of_several_nets_the_trials_seed_takes_one() -> None:
    study = study_of("random")
    nets = nets_of(study, seeds=2)
    taken = {nets.given_at(0, trial_seed).seed for trial_seed in range(4)}
    assert taken == {0, 1}
    assert derive(study.seed, 0, "trial") % 2 in taken


@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize(("sampler", "early_stopping"), [("random", "none"), ("tpe", "pareto_halving")])
def test_a_horizon_leaves_what_had_ended_by_then(sampler: str, early_stopping: str, workers: int) -> None:
    study = study_of(sampler, early_stopping)
    nets = nets_of(study)
    whole = replay(study, nets, workers)
    for horizon in (whole[3].seconds, whole[3].seconds - 1e-6, whole[-1].seconds / 2):
        kept = replay(study, nets, workers, horizon)
        assert kept == [one for one in whole if one.seconds <= horizon]


class AlwaysOn:
    """Asks for the grid in turn, forever, and lets every trial go on."""

    def __init__(self, study: Study) -> None:
        self._points, self._asked = grid(study.space, derive(study.seed, "grid")), 0
        self.heard: list[tuple[int, int]] = []

    def next(self) -> Proposal:
        self._asked += 1
        return Proposal(self._asked - 1, 0, self._points[(self._asked - 1) % len(self._points)], 0)

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        self.heard.append((number, report["epoch"]))
        return True


def test_another_search_runs_on_the_same_clock_and_its_trials_end_with_their_epochs() -> None:
    study = study_of()
    nets = nets_of(study, lambda config: 1.0)
    searcher = AlwaysOn(study)
    ended = replay(study, nets, 2, 100.0, lambda given, clock: searcher)
    for one in ended:
        curve = nets.given_at(one.configuration)
        assert one.state == ("failed" if curve.failure else "complete")
        assert one.scores == (curve.scores[-1] if curve.scores else {})
    epochs = {one.trial: [epoch for number, epoch in searcher.heard if number == one.trial] for one in ended}
    assert all(heard == list(range(1, len(heard) + 1)) and len(heard) in (1, EPOCHS) for heard in epochs.values())
    ours = replay(replace(study, sampler=Sampler("grid"), budget=Budget(trials=44, epochs=EPOCHS)), nets, 2, 100.0)
    assert [one.configuration for one in ours] == [one.configuration for one in ended]


def test_a_stopped_trial_keeps_the_scores_of_its_last_epoch() -> None:
    study = study_of("random", "pareto_halving")
    nets = nets_of(study)
    stopped = [one for one in replay(study, nets, 1) if one.state == "stopped"]
    assert stopped
    for one in stopped:
        assert one.scores in (nets.given_at(one.configuration).scores[epoch] for epoch in (0, 2))


SPACE = {
    "rate": LogUniform(1e-4, 1e-1, points=(1e-4, 1e-3, 1e-2, 1e-1)),
    "scale": Uniform(0, 1, points=(0.0, 0.5, 1.0)),
    "depth": Whole(0, 5, points=(0, 5)),
    "kind": Choice(("a", "b")),
    "parts": Subset((1, 2)),
    "share": Uniform(0, 1, points=(0.0, 1.0), when={"parts": "nonempty"}),
}


@settings(deadline=None)
@given(
    rate=st.floats(1e-4, 1e-1),
    scale=st.floats(0, 1),
    depth=st.integers(0, 5),
    kind=st.sampled_from("ab"),
    parts=st.sampled_from([[], [1], [2], [1, 2]]),
    share=st.floats(0, 1),
)
def test_on_a_full_grid_every_option_goes_to_its_own_nearest_point(**drawn: Any) -> None:
    configs = grid(SPACE, 0)
    config = {name: value for name, value in drawn.items() if name != "share" or drawn["parts"]}
    near = configs[Rounding(SPACE, configs).nearest(config)]
    assert near.keys() == config.keys()
    assert (near["kind"], near["parts"]) == (config["kind"], config["parts"])
    for name, scale in (("rate", math.log), ("scale", float), ("depth", float), ("share", float)):
        if name in config:
            away = [abs(scale(point) - scale(config[name])) for point in SPACE[name].points]
            assert abs(scale(near[name]) - scale(config[name])) == pytest.approx(min(away), abs=1e-9)


def test_a_configuration_of_the_table_is_its_own_nearest() -> None:
    configs = grid(SPACE, 1)
    rounding = Rounding(SPACE, configs)
    assert [rounding.nearest(config) for config in configs] == list(range(len(configs)))


def test_quartiles_are_values_that_came_also_infinite_ones() -> None:
    assert quartiles([4.0, 1.0, math.inf, 2.0, 3.0]) == (2.0, 3.0, 4.0)
    assert quartiles([math.inf, 1.0, math.inf]) == (1.0, math.inf, math.inf)


STUDY_FILE = """
trainer = "closed-form"
data = "none"
[space]
angle = { uniform = [0, 1], points = [0, 0.5, 1] }
loss = { choice = [0.0, 0.5] }
[[objectives]]
metric = "accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "robustness"
goal = "max"
reference = 0.0
[budget]
trials = 12
epochs = 3
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "curves.toml").write_text(STUDY_FILE)
    study = checks.read(tmp_path / "curves.toml")
    curves = [curve_of(study, config, 0, 2.0) for config in grid(study.space, 0)]
    return write_parquet(table_of(study, curves), tmp_path / "curves.parquet")


def test_the_command_tells_how_soon_and_how_far(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "replay.parquet"
    arguments = ["replay", str(table), "--seeds", "3", "--workers", "2", "--sampler", "grid", "--out", str(out)]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[0].startswith("curves: 6 curves of 6 configurations, best hypervolume ")
    assert lines[1] == "sampler grid, early stopping none, 2 workers, at most 12 trials, 3 seeds from 0 on"
    assert lines[4] == "time to the end: median 18.0 s, quartiles 18.0 s and 18.0 s"
    rows = pq.read_table(out)
    scores = ["metrics.accuracy", "metrics.robustness"]
    assert rows.column_names == ["seed", "seconds", "trial", "configuration", "state", "epochs", "hypervolume", *scores]
    assert (rows.num_rows, set(rows["seed"].to_pylist())) == (18, {0, 1, 2})
    first = out.read_bytes()
    CliRunner().invoke(app, arguments)
    assert out.read_bytes() == first


def test_the_command_counts_nothing_after_its_seconds_and_says_what_it_does_not_heed(
    table: Path, tmp_path: Path
) -> None:
    out, study = tmp_path / "replay.parquet", table.with_suffix(".toml")
    study.write_text('warm_start_from = ["old"]\n' + study.read_text())
    arguments = ["replay", str(table), "--seeds", "2", "--sampler", "grid", "--out", str(out)]
    told = CliRunner().invoke(app, [*arguments, "--seconds", "20"])
    lines = told.output.splitlines()
    assert lines[1].endswith("2 seeds from 0 on, nothing after 20.0 s")
    assert lines[2] == "warm_start_from (old) is not heeded: a replay begins with nothing learned"
    assert lines[5] == "time to the end: median 18.0 s, quartiles 18.0 s and 18.0 s"
    assert pq.read_table(out)["trial"].to_pylist() == [0, 1, 2] * 2
    CliRunner().invoke(app, [*arguments, "--seconds", "1"])
    assert pq.read_table(out).num_rows == 0


def changed(table: Path, change: Callable[[dict[str, list[Any]]], None]) -> None:
    columns = pq.read_table(table).to_pydict()
    change(columns)
    write_parquet(pq.read_table(table).schema.empty_table().from_pydict(columns), table)


def put(column: str, row: int, value: Any) -> Callable[[dict[str, list[Any]]], None]:
    return lambda columns: columns[column].__setitem__(row, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda columns: columns.pop("seconds"), "the study needs a column 'seconds'; there is options.angle"),
        (lambda columns: columns.pop("metrics.accuracy"), "the study needs a column 'metrics.accuracy'"),
        (lambda columns: columns.update({"options.speed": [1.0] * 18}), "column 'options.speed' is no option"),
        (lambda columns: columns.update({"seconds": ["long"] * 18}), "column 'seconds' holds string"),
        (lambda columns: columns.update({"epoch": [0.5] * 18}), "column 'epoch' holds double; .* whole numbers"),
        (put("options.angle", 0, 7.0), r"options.angle: 7.0 lies outside the study's domain"),
        (put("options.loss", 0, 0.25), r"options.loss: 0.25 lies outside the study's domain"),
        (put("epoch", 1, 1), r"its epochs are \[1, 1, 3\]; they have to be 1, 2, 3"),
        (put("seconds", 0, -1.0), "epoch 1 took -1.0 seconds; that has to be a number at least 0"),
        (put("metrics.accuracy", 1, math.nan), "epoch 2 has no finite 'accuracy'"),
        (lambda columns: [column.pop() for column in columns.values()], "it has 2 epochs, the study's budget 3"),
        (lambda columns: [column.clear() for column in columns.values()], "no rows|it has to hold numbers"),
    ],
)
def test_a_bad_table_is_refused_in_words(table: Path, change: Any, message: str) -> None:
    changed(table, change)
    with pytest.raises(Mistake, match=message) as refused:
        run(table, None, None, None, None, 1, 1, None, lambda done: None)
    assert refused.value.code == "TABLE_INVALID"
    assert str(table) in refused.value.message


def test_a_table_that_nothing_can_be_reached_in_is_refused(table: Path) -> None:
    study = table.with_suffix(".toml")
    study.write_text(STUDY_FILE + '[[constraints]]\nmetric = "accuracy"\nat_least = 1.5\n')
    with pytest.raises(Mistake, match="TABLE_INVALID: curves: no net of the table meets the constraints"):
        run(table, None, None, None, None, 1, 1, None, lambda done: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sampler", "nsga"], "'nsga' is not a sampler"),
        (["--early-stopping", "asha"], "OPTION_INVALID"),
        (["--study", "none.toml"], "none.toml"),
        (["--out", "/proc/none/replay.parquet"], "RESULTS_UNWRITABLE: /proc/none/replay.parquet"),
    ],
)
def test_a_mistake_of_the_command_is_told(table: Path, arguments: list[str], message: str) -> None:
    told = CliRunner().invoke(app, ["replay", str(table), "--seeds", "1", *arguments])
    assert isinstance(told.exception, Mistake)
    assert message in str(told.exception)
