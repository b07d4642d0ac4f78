"""Progress, parallel coordinates, endings and confirmation: closed forms, bad input, and hostile names."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis import (
    confirmation,
    plot_confirmation,
    plot_endings,
    plot_parallel,
    plot_progress,
    records,
)
from analysis.confirmation.record import HYPERVOLUME, SCORES, SPREAD, Confirmation, points_schema
from analysis.confirmation_section import confirmation_section
from analysis.endings import Group, endings
from analysis.endings_figure import draw_endings
from analysis.endings_section import endings_section
from analysis.figure_files import figure_files
from analysis.front import front, hypervolume, scores
from analysis.parallel import FATES, parallel
from analysis.parallel_chart import STILL, parallel_chart
from analysis.parallel_section import parallel_section
from analysis.progress_curves import gains, progress, progress_curves
from analysis.progress_section import gained, progress_section
from search_spaces.study import EarlyStopping, Study

HOSTILE = ("<script>alert(1)</script>", "</svg>\"'&")


def with_column(table: pa.Table, name: str, values: list[object]) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))


@pytest.fixture(scope="module")
def told(made_up: Path) -> tuple[Study, pa.Table, pa.Table]:
    return records.tables(made_up)


def test_progress_ends_at_the_front_s_hypervolume_and_never_falls(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, _ = told
    reached = progress(trials, study)
    volumes = reached["hypervolume"].to_pylist()
    assert volumes == sorted(volumes)
    assert volumes[-1] == hypervolume(scores(front(trials, study), study), study.objectives)
    assert reached["epochs"].to_pylist()[-1] == sum(trials["epochs"].to_pylist())
    farther = gains(reached, study)["hypervolume"].to_pylist()
    assert farther == sorted(set(farther)) == sorted({*volumes} - {0.0})
    assert all(len(chart.lines[0].pieces[0]) == 2 * len(farther) + 2 for chart in progress_curves(reached, study))


def test_a_single_gain_is_told_as_one(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, _ = told
    best = front(trials, study).slice(0, 1)
    text = gained(progress(with_column(best, "ended_seq", [1]), study), study)
    number = best["number"].to_pylist()[0]
    assert text.startswith(f"The only gain came with trial {number}, which ended as number 1 of 1. ")


def test_the_wall_clock_counts_when_some_trial_was_at_work(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, _ = told
    three = trials.slice(0, 4)
    # Two side by side, then a pause of 80, then one after a clock that was turned back.
    spans = [(0.0, 10.0), (5.0, 20.0), (100.0, 130.0), (120.0, 110.0)]
    three = with_column(with_column(three, "started", [a for a, _ in spans]), "ended", [b for _, b in spans])
    three = with_column(three, "ended_seq", [1, 2, 3, 4])
    assert progress(three, study)["seconds"].to_pylist() == [10.0, 20.0, 50.0, 50.0]


def test_one_objective_shows_the_best_so_far(search: Callable[..., Path], study_of: Callable[..., Study]) -> None:
    study, trials, _ = records.tables(search(replace(study_of(objectives=1), name="one")))
    best = [value for value in progress(trials, study)["best"].to_pylist() if value is not None]
    assert best == sorted(best)
    assert best[-1] == front(trials, study)["metrics.clean_accuracy"].to_pylist()[0]
    assert "Best clean accuracy over wall clock" in progress_section(progress(trials, study), study)


def test_lines_cross_the_axes_where_the_values_lie(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, _ = told
    drawn = parallel(trials, front(trials, study), study)
    columns = [one.column for one in drawn.axes]
    assert columns == [*(f"options.{name}" for name in study.space), "metrics.clean_accuracy", "metrics.mce"]
    rates = np.log10(trials["options.learning_rate"].to_numpy())
    assert drawn.heights[:, columns.index("options.learning_rate")] == pytest.approx((rates + 5) / 3)
    absent = np.isnan(drawn.heights[:, columns.index("options.extra_share")])
    assert absent.tolist() == [value is None for value in trials["options.extra_share"].to_pylist()]
    errors = trials["metrics.mce"].to_numpy(zero_copy_only=False)
    heights = drawn.heights[:, columns.index("metrics.mce")]
    assert np.argmin(errors) == np.argmax(heights)
    assert set(drawn.fates) <= set(FATES)


def test_of_very_many_lines_the_front_s_are_always_drawn(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, _ = told
    best = front(trials, study)
    many = parallel(pa.concat_tables([trials] * 20), best, study)
    rows = many.sample(STILL)
    assert len(rows) == STILL
    assert sum(many.fates[row] == "front" for row in rows) == many.fates.count("front") == 20 * best.num_rows
    assert "lines need scripts" in parallel_section(many)
    assert many.sample(10**6) != rows


def test_a_name_over_an_axis_has_the_room_of_two_and_stays_within_the_drawing(
    told: tuple[Study, pa.Table, pa.Table],
) -> None:
    study, trials, _ = told
    drawn = parallel(trials, front(trials, study), study)
    ends = [replace(one, axis=replace(one.axis, label="Weight noise accuracy")) for one in drawn.axes[:2]]
    text = parallel_chart(replace(drawn, axes=tuple(ends), heights=drawn.heights[:, :2]))
    assert text.count(">Weight noise accuracy</text>") == 2
    assert 'width="260" ' in text
    assert 'x="0" y="34" text-anchor="start"' in text
    assert 'x="260" y="18" text-anchor="end"' in text


def test_every_trial_that_ended_is_in_one_group_of_each_overview(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, epochs = told
    found = endings(trials, epochs, study)
    for stacks in (found.by_epoch, found.over_search):
        assert sum(sum(group.counts) for group in stacks.groups) == trials.num_rows
    text = endings_section(found)
    assert "Clean accuracy, went on</th>" in text
    assert "Clean accuracy, stopped</th>" in text
    (rung,) = found.rungs
    mine = epochs.filter(pa.compute.equal(epochs["epoch"], 3))
    halted = np.isin(mine["trial"].to_numpy(), rung.stopped)
    values = mine["metrics.mce"].to_numpy()
    assert rung.medians["mce"] == (np.median(values[~halted]), np.median(values[halted]))


def test_overviews_count_in_whole_trials_and_mark_round_numbers_evenly(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, epochs = told
    groups = tuple(Group(low, min(48, low + 1), (1, 1, 0)) for low in range(1, 49, 2))
    found = endings(trials, epochs, study)
    two = replace(found.over_search, groups=groups)
    assert two.marks == tuple(((number - 0.5) / 2, number) for number in range(5, 50, 5))
    nine = replace(two, groups=tuple(Group(epoch, epoch, (1, 0, 0)) for epoch in range(1, 10)))
    assert nine.marks == tuple((epoch - 0.5, epoch) for epoch in range(1, 10))
    for stacks in (found.by_epoch, found.over_search, endings(trials.slice(0, 1), epochs, study).over_search):
        assert all(tick == int(tick) for tick in stacks.y.ticks)


def test_the_legend_names_what_became_of_some_trial_alone_and_figure_and_page_name_it_alike(
    told: tuple[Study, pa.Table, pa.Table],
) -> None:
    study, trials, epochs = told
    whole = trials.filter(pa.compute.not_equal(trials["state"], "failed"))
    for table, names in ((trials, ["complete", "stopped early", "failed"]), (whole, ["complete", "stopped early"])):
        found = endings(table, epochs, study)
        (legend,) = draw_endings(found, "").legends
        assert [text.get_text() for text in legend.get_texts()] == names
        assert re.findall(r"</svg>([a-z ]+)</li>", endings_section(found)) == names


def test_failures_that_differ_in_numbers_alone_stand_in_one_line(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, epochs = told
    failed = [state == "failed" for state in trials["state"].to_pylist()]
    reasons = [f"epoch {row}: {HOSTILE[0]} of 3.5" if bad else None for row, bad in enumerate(failed)]
    found = endings(with_column(trials, "reason", reasons), epochs, study)
    assert [len(one.trials) for one in found.failures] == [sum(failed)]
    assert found.failures[0].reason == f"epoch #: {HOSTILE[0].replace('1', '#')} of #"
    assert "<script>" not in endings_section(found)
    assert "the loss is nan" in endings_section(endings(trials, epochs, study))


def test_a_reason_is_one_line_of_the_figure_whatever_it_holds(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, epochs = told
    reasons = ["one\ntwo\x1b[31m" if state == "failed" else None for state in trials["state"].to_pylist()]
    (legend,) = draw_endings(endings(with_column(trials, "reason", reasons), epochs, study), "").legends
    lines = legend.get_title().get_text().splitlines()
    assert lines[-1].endswith(r"one\ntwo\x1b[31m")
    assert all(line.isprintable() for line in lines)


def test_thousands_of_failures_are_few_lines(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, epochs = told
    many = pa.concat_tables([trials] * 400)
    text = endings_section(endings(many, epochs, study))
    assert "and 788 more" in text
    assert len(text) < 40_000


@pytest.mark.parametrize("rule", ["none", "pareto_halving", "median_stopping"])
def test_the_rule_is_told(told: tuple[Study, pa.Table, pa.Table], rule: str) -> None:
    study, trials, epochs = told
    stopping = EarlyStopping(rule, grace=1, reduction=3)  # type: ignore[arg-type]
    said = endings(trials, epochs, replace(study, early_stopping=stopping)).rule
    assert rule in said or "no trial early" in said
    assert ("1, 3" in said) == (rule == "pareto_halving")


@pytest.mark.parametrize("rows", [0, 1])
def test_no_trial_and_a_single_one_are_said_plainly(told: tuple[Study, pa.Table, pa.Table], rows: int) -> None:
    study, trials, epochs = told
    few = trials.slice(0, rows)
    best = front(few, study)
    assert "<h2>Progress</h2>" in progress_section(progress(few, study), study)
    lines = parallel_section(parallel(few, best, study))
    assert ("There is no trial to show yet" in lines) == (rows == 0)
    ended = endings_section(endings(few, epochs, study))
    assert ("No trial has ended yet" in ended) == (rows == 0)


def test_scores_that_are_not_finite_or_all_equal_are_drawn(told: tuple[Study, pa.Table, pa.Table]) -> None:
    study, trials, epochs = told
    count = trials.num_rows
    strange = [(math.nan, math.inf, -math.inf, 1e308, None)[row % 5] for row in range(count)]
    for values in (strange, [0.7] * count):
        changed = with_column(trials, "metrics.clean_accuracy", values)
        best = front(changed, study)
        heights = parallel(changed, best, study).heights
        assert np.nanmin(heights) >= 0
        assert np.nanmax(heights) <= 1
        assert "nan" not in parallel_section(parallel(changed, best, study)).partition("<script")[0].lower()
        assert "<h2>" in progress_section(progress(changed, study), study)
        assert "<h2>" in endings_section(endings(changed, epochs, study))


def test_hostile_names_stay_text(search: Callable[..., Path], study_of: Callable[..., Study]) -> None:
    study, trials, _ = records.tables(search(study_of(transforms=HOSTILE)))
    text = parallel_section(parallel(trials, front(trials, study), study))
    assert "<script>alert" not in text
    assert text.count("</script>") == 1
    assert "</svg>\"'" not in text


def a_confirmation(trials: pa.Table, study: Study, low: float | None = 0.6) -> Confirmation:
    rows = []
    for place, row in enumerate(front(trials, study).to_pylist()):
        known = {"trial": row["number"], "seeds": 5, "probability": 0.5, "searched": True}
        for one in study.objectives:
            score = row[f"metrics.{one.metric}"]
            parts = {"promised": score, "mean": 0.7, "low": low, "high": 0.8, "se": 0.01}
            known |= {f"{part}.{one.metric}": value for part, value in parts.items()}
        rows.append({**known, "confirmed": place != 0, "fell": place == 0})
    names = [one.metric for one in study.objectives]
    volume = dict.fromkeys(HYPERVOLUME.names, 0.2) | {"gap": 0.05}
    return Confirmation(
        pa.Table.from_pylist(rows, points_schema(names)),
        pa.Table.from_pylist([], SCORES),
        pa.Table.from_pylist([volume], HYPERVOLUME),
        pa.Table.from_pylist([], SPREAD),
    )


@pytest.mark.parametrize("low", [0.6, None, math.nan])
def test_a_confirmation_says_who_fell_and_what_the_hypervolume_lost(
    told: tuple[Study, pa.Table, pa.Table], low: float | None
) -> None:
    study, trials, _ = told
    found = a_confirmation(trials, study, low)
    text = confirmation_section(found, study)
    assert f"Fallen: {found.fallen[0]}." in text
    assert f"{found.points.num_rows} trials were trained again under 5 fresh seeds; " in text
    assert "the gap is 0.05" in text
    assert text.count('class="promise"') == 3 * found.points.num_rows  # the plane and a row for each objective
    assert confirmation_section(None, study) == ""
    alone = replace(found, points=found.points.slice(0, 1))
    assert "1 trial was trained again under 5 fresh seeds; 1 stood" in confirmation_section(alone, study)


@pytest.mark.parametrize(("optimism", "said"), [(0.03, True), (0.0, False), (-0.0005, False)])
def test_flattery_is_told_of_only_where_the_confirmed_front_is_flattered(
    told: tuple[Study, pa.Table, pa.Table], optimism: float, said: bool
) -> None:
    study, trials, _ = told
    found = a_confirmation(trials, study)
    at = found.hypervolume.schema.get_field_index("optimism")
    volume = found.hypervolume.set_column(at, "optimism", pa.array([optimism]))
    text = confirmation_section(replace(found, hypervolume=volume), study)
    assert ("would flatter it by 0.03, which is taken off" in text) is said
    assert ("flatter it" in text) is said


def test_who_draws_a_study_that_was_not_confirmed_is_told_the_command_by_its_name(
    made_up: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = records.read_study(made_up).name
    assert plot_confirmation.main([str(made_up), "--out", str(tmp_path)]) == 2
    assert f"`robustune confirm {name}` does that" in capsys.readouterr().err


@pytest.mark.slow
def test_the_commands_write_figures_and_tables(
    search: Callable[..., Path], study_of: Callable[..., Study], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = search(study_of(trials=12))
    assert plot_confirmation.main([str(folder)]) == 2
    assert "was not confirmed yet" in capsys.readouterr().err
    study, trials, _ = records.tables(folder)
    confirmation.write(folder, study, a_confirmation(trials, study))
    mains = {
        "progress": plot_progress.main,
        "parallel": plot_parallel.main,
        "endings": plot_endings.main,
        "confirmation": plot_confirmation.main,
    }
    for name, main in mains.items():
        assert main([str(folder), "--out", str(tmp_path / "out")]) == 0
        written = {Path(line).name for line in capsys.readouterr().out.splitlines()}
        figures = figure_files(name, *(["confirmed-front"] if name == "confirmation" else []))
        assert written == {*figures, f"{name}.parquet"}
        assert main([str(tmp_path / "nowhere")]) == 3
        assert capsys.readouterr().err.startswith("STUDY_MISSING: ")
