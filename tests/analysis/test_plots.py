"""Figures of grids and knobs: equal trials give equal bytes, every name can be drawn, commands say what is wrong."""

import warnings
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import plot_front, plot_grid, plot_knob, report
from analysis.bars import evaluation_bars
from analysis.figure_files import figure_files
from analysis.placement import spread, thinned
from analysis.replacing import replacing
from search_spaces.domains import Choice, LogUniform, Subset, Uniform
from search_spaces.study import Objective, Sampler, Study

HOSTILE = ("<script>alert(1)</script>", "$x^", "a value of quite considerable length", "</title>\"'&")
BOTH = {"start": Choice(HOSTILE), "learning_rate": LogUniform(1e-4, 1e-2, points=(1e-4, 3e-4, 1e-3, 1e-2))}


def score(config: Mapping[str, Any], metric: str, epoch: int) -> float:
    return round((len(metric) % 7 + len(str(config)) % 5 + epoch) / 20, 4)


def text_of(path: Path) -> str:
    return " ".join(ElementTree.parse(path).getroot().itertext())


@pytest.fixture(scope="module")
def both(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> Path:
    """A grid over a knob of hostile names and one of sizes, with a failed trial and one that is not there."""
    return grid(grid_of(BOTH), score, failed=3, left=1)


def test_grid_and_knob_are_drawn_alike_each_time_and_leave_settings_alone(both: Path, tmp_path: Path) -> None:
    settings = dict(mpl.rcParams)
    for name in ("once", "again"):
        plot_grid.write(both, tmp_path / name, ["clean_accuracy", "pgd_accuracy"])
        plot_knob.write([both], tmp_path / name, ["clean_accuracy", "pgd_accuracy"])
    drawn = sorted((tmp_path / "once").iterdir())
    assert {path.name for path in drawn} == set(figure_files("grid", "knob"))
    assert all(path.read_bytes() == (tmp_path / "again" / path.name).read_bytes() for path in drawn)
    assert dict(mpl.rcParams) == settings
    said = text_of(tmp_path / "once" / "grid.svg")
    assert said.count("failed") == said.count("no trial") == 2
    assert "best trial by clean accuracy" in said
    assert "<script>" in said
    knob = text_of(tmp_path / "once" / "knob.svg")
    assert "Score at the last epoch" in knob
    assert knob.count("0.0001") >= 2 * 4


def test_scores_of_any_size_can_be_drawn(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    scores = {2: 1e308, 3: -1e308, 4: 1e-320, 5: 0.0}
    space = {"batch_size": Choice(tuple(scores)), "start": Choice(("a", "b"))}
    trade = (Objective("clean_accuracy", "max", 0.0), Objective("mce", "min", 0.0))
    study = grid_of(space, objectives=trade, measure=())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = report.write(grid(study, lambda config, *_: scores[config["batch_size"]]))
    assert {"front.png", "grid.png", "knob.png", "report.html"} <= set(paths)


@pytest.mark.parametrize("count", [1, 12])
def test_as_many_lines_as_there_are_values_can_be_drawn(
    grid: Callable[..., Path], grid_of: Callable[..., Study], tmp_path: Path, count: int
) -> None:
    study = grid_of({"batch_size": Choice(tuple(2**place for place in range(1, count + 1)))})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = text_of(plot_knob.write([grid(study, score)], tmp_path, ["clean_accuracy"])["knob.svg"])
    assert said.split().count("2") >= 2


def test_the_report_shows_what_fits_the_study(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    one = report.write(grid(grid_of({"fooling_rates": Subset((5, 20))}, name="one"), score))
    two = report.write(grid(grid_of({**BOTH, "start": Choice((1, 2))}, name="two"), score))
    new = set(figure_files("grid", "knob", "evaluation"))
    assert set(one) & new == set(figure_files("knob"))
    assert set(two) & new == set(figure_files("grid"))
    page = one["report.html"].read_text()
    assert "What fooling rates does" in page
    assert "Hypervolume" not in page
    assert "Best clean accuracy" in page
    assert "Trials on the front" not in page


def test_evaluated_trials_are_shown_where_they_are_of_this_study(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    study = grid_of({"noise_scale": Uniform(0, 1, points=(0, 1))}, sampler=Sampler("random"))
    folder = grid(study, score)
    table = pa.table(
        {
            "number": [4, 0],
            "accuracy.original": [0.9, 0.8],
            "accuracy.hold_out": [0.5, None],
            "images.original": [400, 400],
            "images.hold_out": [100, 0],
        }
    )
    bars = evaluation_bars(table)
    assert (bars.groups, bars.series) == (("4", "0"), ("Original validation", "Hold-out"))
    assert [(bar.group, bar.series, bar.value) for bar in bars.bars] == [(0, 0, 0.9), (0, 1, 0.5), (1, 0, 0.8)]
    path = folder / "evaluation.parquet"
    pq.write_table(table.replace_schema_metadata({"study": "another"}), path)
    assert "evaluation.png" not in report.write(folder)
    pq.write_table(table.replace_schema_metadata({"study": study.digest}), path)
    paths = report.write(folder)
    assert set(figure_files("evaluation")) <= set(paths)
    assert "Accuracy by set" in paths["report.html"].read_text()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(OSError, match="no whole Parquet file"):
        report.write(folder)


@pytest.mark.parametrize(
    ("main", "arguments", "status", "said"),
    [
        (plot_grid.main, ["{made_up}"], 2, "OPTION_INVALID: made-up: a heat map shows a grid over two knobs"),
        (plot_knob.main, ["{made_up}"], 2, "OPTION_INVALID: made-up: lines and bars show one knob"),
        (plot_grid.main, ["{both}", "--metric", "mce"], 2, "OPTION_INVALID: grid: it does not record 'mce'"),
        (plot_knob.main, ["{both}", "{both}/nowhere", "--out", "{both}/out"], 3, "STUDY_MISSING: "),
        (plot_grid.main, ["{both}", "--out", "{both}/ledger.sqlite"], 3, "RESULTS_UNWRITABLE: "),
        (plot_front.main, ["{both}/\x1b[31m"], 3, "STUDY_MISSING: "),
    ],
)
def test_a_mistake_is_one_line_with_a_code(
    made_up: Path,
    both: Path,
    capsys: pytest.CaptureFixture[str],
    main: Callable[[list[str]], int],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    assert main([part.format(made_up=made_up, both=both) for part in arguments]) == status
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == 1
    assert "\x1b" not in told


def test_several_studies_are_drawn_into_the_folder_of_none(both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        plot_knob.main([str(both), str(both)])
    assert "--out DIR is needed" in capsys.readouterr().err


def test_commands_print_what_they_wrote(both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plot_grid.main([str(both), "--out", str(tmp_path / "new"), "--metric", "clean_accuracy"]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [*figure_files("grid")]


def test_a_file_that_is_not_finished_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")

    def half() -> None:
        with replacing(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("kept.txt", "old")]


places = st.lists(st.floats(0, 100), min_size=1, max_size=12)


@given(places, st.floats(0.1, 20))
def test_labels_keep_their_order_their_distance_and_their_room(wanted: list[float], gap: float) -> None:
    found = spread(wanted, gap, 0.0, 100.0)
    order = sorted(range(len(wanted)), key=lambda place: (wanted[place], place))
    steps = [found[after] - found[before] for before, after in pairwise(order)]
    room = 100 / max(1, len(wanted) - 1)
    assert all(step >= min(gap, room) - 1e-9 for step in steps)
    assert all(-1e-9 <= place <= 100 + 1e-9 for place in found)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9, unique=True))
def test_labels_with_room_stay_where_they_belong(tens: list[int]) -> None:
    assert spread([10.0 * ten for ten in tens], 10, 0, 100) == pytest.approx([10.0 * ten for ten in tens])


def test_two_labels_of_one_place_part_evenly() -> None:
    assert spread([50.0, 50.0], 10, 0, 100) == pytest.approx([45.0, 55.0])
    assert spread([0.0, 0.0], 10, 0, 100) == pytest.approx([0.0, 10.0])


@given(st.integers(0, 60), st.integers(2, 30))
def test_thinned_labels_keep_both_ends(count: int, most: int) -> None:
    kept = thinned(count, most)
    assert len(kept) == min(count, most)
    assert list(kept) == sorted(set(kept))
    assert not count or (kept[0], kept[-1]) == (0, count - 1)
