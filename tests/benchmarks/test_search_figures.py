"""The figures and tables of `search-quality` show what the histories say, and drawing computes nothing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("syne_tune", reason="the extra `peers` is not installed")

from analysis.figure_files import figure_files
from benchmarks.search_quality.charts import attainment_panels, history_panels
from benchmarks.search_quality.figures import draw_attainment
from benchmarks.search_quality.measures import Searches
from benchmarks.search_quality.methods import METHODS
from benchmarks.search_quality.paper import filled, methods_table, shares_table, targets_table, write
from benchmarks.search_quality.tables import Table, opened
from search_spaces import Objective

Trials = list[tuple[float, float, float, float]]


def searches_of(table: Table, name: str, *seeds: Trials, workers: int = 4) -> Searches:
    """Searches whose complete trials are given as (seconds, share of the best, accuracy, robustness)."""
    ended = [
        pa.table(
            {
                "seconds": pa.array([one[0] for one in trials], pa.float64()),
                "state": pa.array(["complete"] * len(trials), pa.string()),
                "hypervolume": pa.array([one[1] * table.reach for one in trials], pa.float64()),
                "metrics.accuracy": pa.array([one[2] for one in trials], pa.float64()),
                "metrics.robustness": pa.array([one[3] for one in trials], pa.float64()),
            }
        )
        for trials in seeds
    ]
    return Searches(table, METHODS[name], workers, table.horizon(4.0, workers), tuple(ended))


@pytest.fixture
def searches(small_table: Path) -> Mapping[str, Searches]:
    table = replace(opened(small_table), trial_seconds=8.0)
    return {
        "ours": searches_of(table, "ours", [(10, 0.5, 0.5, 0.5), (20, 1.0, 0.8, 0.2)], [(12, 1.0, 0.6, 0.6)], []),
        "random": searches_of(table, "random", *[[(100, 0.97, 0.4, 0.3)]] * 3),
        "moasha": searches_of(table, "moasha", *[[(90, 0.5, 0.1, 0.1)]] * 3),
    }


def test_a_history_is_the_median_and_the_quartiles_at_each_moment(searches: Mapping[str, Searches]) -> None:
    (panel,) = history_panels({4: searches})
    ours = panel.courses[0]
    unit = 8.0 / 4
    for time, low, middle, high in zip(panel.times, ours.low, ours.middle, ours.high, strict=True):
        shares = sorted([0.0 if time < 10 / unit else 0.5 if time < 20 / unit else 1.0, float(time >= 12 / unit), 0.0])
        assert (low, middle, high) == pytest.approx(shares)
    assert panel.x.high == pytest.approx(4.0 * 20)
    assert {course.label for course in panel.courses} == {one.method.label for one in searches.values()}


def test_half_the_seeds_attain_what_two_of_three_do(searches: Mapping[str, Searches]) -> None:
    (panel,) = attainment_panels(searches, 15.0)
    ours = next(band for band in panel.bands if band.label == METHODS["ours"].label)
    # By 15 s: (0.5, 0.5), (0.6, 0.6) and nothing. A quarter of three seeds is one of them, three quarters are all.
    assert ours.quarter.max(axis=0).tolist() == pytest.approx([0.6, 0.6])
    assert ours.half.max(axis=0).tolist() == pytest.approx([0.5, 0.5])
    assert ours.most.tolist() == [[0.0, 0.0]]
    later = attainment_panels(searches, 20.0)[0].bands[0]
    assert [0.8, 0.2] in later.quarter.tolist()


def test_an_objective_that_is_to_be_small_is_turned_back(searches: Mapping[str, Searches]) -> None:
    table = searches["ours"].table
    study = replace(table.study, objectives=(table.study.objectives[0], Objective("robustness", "min", 1.0)))
    turned = {name: replace(one, table=replace(table, study=study)) for name, one in searches.items()}
    (panel,) = attainment_panels(turned, 15.0)
    assert panel.bands[0].quarter[:, 1].min() == pytest.approx(0.5)
    assert panel.bands[0].quarter[:, 1].max() == pytest.approx(1.0)
    assert panel.y.label == "Robustness (lower is better)"


def test_tables_tell_times_in_full_trials_and_bounds_where_a_peer_was_never_there(
    searches: Mapping[str, Searches],
) -> None:
    targets = targets_table({4: searches})
    assert (
        targets[2]
        == "| 4 workers, time to 95%, full-budget peer | 10 | 50 (random, full budget) | 0.20 | at most 0.5 |"
    )
    assert targets[3].endswith("| never (Syne Tune MOASHA, our grace) | below 0.12 | at most 0.8 |")
    assert targets[4] == "| 4 workers, final | 1.000 | 0.970 (random, full budget) | 1.031 | at least 1 |"
    rows = methods_table({4: searches})
    assert rows[2] == "| ours: TPE, Pareto halving | **10** (6 to never) | **1.000** (0.000 to 1.000) |"
    assert shares_table({4: searches})[2].endswith("| 10 | 10 | 10 | 10 | 2 of 3 |")


def test_a_table_is_written_between_its_marks_alone_and_twice_alike() -> None:
    text = "a\n<!-- written: one -->\nold\n<!-- end of what is written -->\nb\n<!-- written: two -->\n"
    text += "kept\n<!-- end of what is written -->\n"
    once = filled(text, "one", ["| new |"])
    assert once == text.replace("old\n", "\n| new |\n\n")
    assert filled(once, "one", ["| new |"]) == once
    assert filled(text, "three", ["| new |"]) == text


def test_figures_and_paper_are_the_same_bytes_each_time(searches: Mapping[str, Searches], tmp_path: Path) -> None:
    paper = tmp_path / "search-quality.md"
    paper.write_text("<!-- written: small -->\n<!-- end of what is written -->\n")
    paths = write({("small", 4): searches}, tmp_path)
    assert {path.name for path in paths} == set(figure_files("small-history", "small-attainment"))
    before = {path: path.read_bytes() for path in [*paths, paper]}
    write({("small", 4): searches}, tmp_path)
    assert {path: path.read_bytes() for path in before} == before
    text = paper.read_text()
    assert "| 4 workers, final |" in text
    assert all((tmp_path / link).is_file() for link in re.findall(r"\]\((.*?)\)", text))
    assert np.isfinite(searches["ours"].at([1.0])).all()


def test_a_legend_takes_as_many_lines_as_it_needs(searches: Mapping[str, Searches]) -> None:
    (panel,) = attainment_panels(searches, 15.0)
    for length in (1, 20, 40):
        bands = [replace(band, label="m" * length) for band in panel.bands]
        figure = draw_attainment([replace(panel, bands=bands)], "a title", "a remark")
        figure.draw_without_rendering()
        (legend,) = figure.legends
        assert legend.get_window_extent().x1 <= figure.bbox.x1
        assert [text.get_text() for text in legend.get_texts()] == [band.label for band in bands]
