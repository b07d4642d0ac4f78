"""Errors under corruptions: charts hold what the table says, ratios are closed forms, commands say what is wrong."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import corruption, plot_corruption, records
from analysis.figure_files import figure_files
from search_spaces.domains import Choice
from search_spaces.study import Study
from trainables.corruption_overlaps import EXTRA, GROUPS

Rate = Callable[[int, str, int], float]


@pytest.fixture
def study(grid_of: Callable[..., Study]) -> Study:
    return grid_of({"batch_size": Choice((8, 16, 32))}, trials=3)


@pytest.fixture
def folder(grid: Callable[..., Path], evaluation: Callable[..., pa.Table], study: Study) -> Path:
    made = grid(study, lambda config, *_: config["batch_size"] / 64)
    evaluation(made, study, records.trials(made).to_pylist(), overlap={"brightness": "augmix/brightness"})
    return made


def test_charts_hold_every_cell_against_the_baselines(
    study: Study, error_rows: Callable[..., pa.Table], error_rate: Rate
) -> None:
    (one,) = corruption.errors_of(error_rows(study, [2], overlap={"fog": "a"}), study)
    charts = corruption.error_charts(one)
    assert [chart.title for chart in charts] == ["Noise", "Blur", "Weather", "Digital", "Extra"]
    for chart, names in zip(charts, GROUPS.values(), strict=True):
        assert len(chart.bars) == 5 * len(names)
        for bar in chart.bars:
            name, severity = names[bar.group], bar.series + 1
            assert bar.value == bar.low == bar.high == error_rate(2, name, severity)
            assert bar.against == error_rate(-1, name, severity)
        assert chart.y == charts[0].y
        assert chart.y.low == 0
    assert charts[0].groups == ("Gaussian", "shot", "impulse")
    assert charts[2].groups == ("snow", "frost", "fog ‡", "brightness")
    assert charts[4].groups == ("speckle noise †", "Gaussian blur †", "spatter †", "saturate †")
    assert [mark[0] for mark in corruption.marks_of(one)] == ["†", "‡"]


def test_ratios_of_groups_are_ratios_of_sums(
    study: Study, error_rows: Callable[..., pa.Table], error_rate: Rate
) -> None:
    (one,) = corruption.errors_of(error_rows(study, [0]), study)
    chart = corruption.ratio_chart(one)
    found = {(bar.group, bar.series): bar.value for bar in chart.bars}
    for place, names in enumerate(GROUPS.values()):
        for column in range(5):
            sums = [sum(error_rate(trial, name, column + 1) for name in names) for trial in (0, -1)]
            assert found[place, column] == pytest.approx(sums[0] / sums[1])
    assert chart.y.reference == 1.0
    assert chart.y.has(1.0)


def test_the_baseline_is_one_everywhere_and_half_the_errors_are_a_half(
    study: Study, error_rows: Callable[..., pa.Table], error_rate: Rate
) -> None:
    def half(trial: int, name: str, severity: int) -> float:
        return error_rate(-1, name, severity) / (2 if trial == 1 else 1)

    same, halved = corruption.errors_of(error_rows(study, [0, 1], half), study)
    assert [bar.value for bar in corruption.ratio_chart(same).bars] == pytest.approx([1.0] * 25)
    assert [bar.value for bar in corruption.ratio_chart(halved).bars] == pytest.approx([0.5] * 25)
    assert corruption.mean_ce(same) == pytest.approx(1.0)
    assert corruption.mean_ce(halved) == pytest.approx(0.5)


def test_the_mean_counts_what_the_search_did_not_see_and_what_is_left(
    study: Study, error_rows: Callable[..., pa.Table]
) -> None:
    def wrong(trial: int, name: str, severity: int) -> float:
        return 0.5 if trial < 0 else {"fog": 1.0, "spatter": 0.0}.get(name, 0.5)

    (one,) = corruption.errors_of(error_rows(study, [4], wrong), study)
    assert corruption.mean_ce(one) == pytest.approx(16 / 15)
    assert corruption.mean_ce(one, without=("fog",)) == pytest.approx(1.0)
    assert corruption.mean_ce(one, seen=True) == pytest.approx((17 + 2) / 19)
    assert corruption.mean_ce(one, without=sum(GROUPS.values(), ())) is None


def test_where_the_baseline_is_flawless_there_is_no_ratio_and_a_note(
    study: Study, error_rows: Callable[..., pa.Table]
) -> None:
    def flawless(trial: int, name: str, severity: int) -> float:
        return 0.0 if trial < 0 and (severity == 1 or name == "fog") else 0.25

    (one,) = corruption.errors_of(error_rows(study, [4], flawless), study)
    chart = corruption.ratio_chart(one)
    assert len(chart.bars) == 5 * 4
    assert set(chart.notes) == {"no baseline error at 1"}
    assert next(single.ce for single in one.corruptions if single.name == "fog") is None
    assert corruption.mean_ce(one) is None
    assert math.isfinite(corruption.mean_ce(one, without=("fog",)) or math.nan)


def test_the_best_trial_over_unseen_corruptions_is_drawn(study: Study, error_rows: Callable[..., pa.Table]) -> None:
    def only_seen(trial: int, name: str, severity: int) -> float:
        return 0.5 if trial < 0 else 0.1 if (trial == 1) == (name in EXTRA) else 0.4

    every = corruption.errors_of(error_rows(study, [0, 1, 2], only_seen), study)
    assert corruption.chosen(every, None, study).trial == 0
    assert corruption.chosen(every, 2, study).trial == 2


def test_figures_are_the_same_bytes_each_time_and_say_what_is_marked(folder: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once = plot_corruption.write(folder, tmp_path / "once", 1)
        again = plot_corruption.write(folder, tmp_path / "again", 1)
    assert set(once) == set(figure_files("corruption-errors-1", "corruption-ratios-1"))
    assert all(path.read_bytes() == again[name].read_bytes() for name, path in once.items())
    said = " ".join(ElementTree.parse(once["corruption-errors-1.svg"]).getroot().itertext())
    assert all(word in said for word in ("severity 5", "baseline", "seen by the search", "brightness ‡", "trial 1"))


@pytest.mark.parametrize(
    ("damage", "arguments", "status", "said"),
    [
        (
            "",
            ["--trial", "7"],
            2,
            "OPTION_INVALID: grid: trial 7 was not evaluated under corruptions (evaluated: 0, 1, 2)",
        ),
        ("away", [], 2, "OPTION_INVALID: grid: its folder has no corruption-errors.parquet"),
        ("other", [], 2, "OPTION_INVALID: grid: its folder has no corruption-errors.parquet of its own"),
        ("hole", [], 2, "OPTION_INVALID: grid: corruption-errors.parquet lacks fog at severity 5 of trial"),
        (
            "twice",
            [],
            2,
            "OPTION_INVALID: grid: corruption-errors.parquet has gaussian_noise at severity 1 of trial -1 twice",
        ),
        ("column", [], 3, "RESULTS_UNWRITABLE: "),
        ("cut", [], 3, "RESULTS_UNWRITABLE: "),
    ],
)
def test_a_mistake_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, arguments: list[str], status: int, said: str
) -> None:
    path = folder / "corruption-errors.parquet"
    table = pq.read_table(path)
    if damage == "away":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif damage:
        rows = table.to_pylist()
        changed = {
            "other": table.replace_schema_metadata({"study": "another"}),
            "hole": table.filter(
                pa.array(
                    [not (row["corruption"] == "fog" and row["severity"] == 5 and row["trial"] >= 0) for row in rows]
                )
            ),
            "twice": pa.concat_tables([table, table.slice(0, 1)]),
            "column": table.drop_columns(["seen"]),
        }[damage]
        pq.write_table(changed, path)
    assert plot_corruption.main([str(folder), *arguments]) == status
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == 1
