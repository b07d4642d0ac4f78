"""Lines and bars of a knob are the means of what the ledger holds, arm by arm, on axes that all arms share."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from analysis.arms import Recorded
from analysis.bars import SERIES_MOST, interval
from analysis.knobs import NotDrawable
from analysis.sweep import SCORES, Sweep, sweep
from search_spaces.domains import Choice, LogUniform, Subset, Whole
from search_spaces.study import Sampler, Study

SPACE = {"batch_size": Choice((8, 16, 32))}


def score(config: Mapping[str, Any], metric: str, epoch: int) -> float:
    offset = 0.1 * ("clean" in metric) + 0.3 * (config.get("start") == "baseline")
    return offset + 0.01 * config["batch_size"] + 0.001 * epoch


def recorded(*folders: Path) -> list[Recorded]:
    return [Recorded(*records.tables(folder)) for folder in folders]


def test_lines_and_bars_hold_the_scores_of_the_ledger(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    drawn = sweep(recorded(grid(grid_of(SPACE), score)))
    (column,) = drawn.columns
    assert column.title == ""
    assert [panel.metric for panel in column.panels] == list(SCORES)
    for series, panel in enumerate(column.panels):
        assert [line.value for line in panel.lines] == [0, 1, 2]
        for line, size in zip(panel.lines, (8, 16, 32), strict=True):
            expected = [(float(epoch), score({"batch_size": size}, panel.metric, epoch)) for epoch in (1, 2, 3, 4)]
            assert line.corners == tuple(expected)
            assert line.spread == ()
        bars = [bar for bar in column.bars.bars if bar.series == series]
        assert [bar.value for bar in bars] == [line.corners[-1][1] for line in panel.lines]
        assert all(bar.low == bar.value == bar.high for bar in bars)
        assert all(panel.y.has(y) and panel.x.has(x) for line in panel.lines for x, y in line.corners)
    assert column.bars.groups == ("8", "16", "32")
    assert column.bars.notes == ("", "", "")
    assert column.bars.y.low == 0
    assert drawn.trials == 1


def test_seeds_of_one_study_are_one_arm_with_mean_and_range(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    def seeded(seed: int) -> Callable[..., float]:
        return lambda config, metric, epoch: score(config, metric, epoch) + (0.0, 0.01, 0.05)[seed]

    folders = [grid(grid_of(SPACE, seed=seed), seeded(seed)) for seed in range(3)]
    drawn = sweep(recorded(*folders), ["pgd_accuracy"])
    (column,) = drawn.columns
    assert drawn.trials == 3
    for line, size in zip(column.panels[0].lines, (8, 16, 32), strict=True):
        plain = [score({"batch_size": size}, "pgd_accuracy", epoch) for epoch in (1, 2, 3, 4)]
        assert [y for _, y in line.corners] == pytest.approx([value + 0.02 for value in plain])
        assert [low for _, low, _ in line.spread] == pytest.approx(plain)
        assert [high for _, _, high in line.spread] == pytest.approx([value + 0.05 for value in plain])
        bar = next(bar for bar in column.bars.bars if bar.group == line.value)
        assert (bar.value, bar.low, bar.high) == pytest.approx((plain[-1] + 0.02, plain[-1], plain[-1] + 0.05))
    order = sweep(recorded(*reversed(folders)), ["pgd_accuracy"])
    assert order.columns[0].bars == column.bars


def test_a_failed_seed_is_counted_and_lowers_no_mean(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    whole = grid(grid_of(SPACE), score)
    broken = grid(grid_of(SPACE, seed=1), score, failed=0)
    failed_value = records.trials(broken).to_pylist()[0]["options.batch_size"]
    (column,) = sweep(recorded(whole, broken), ["clean_accuracy"]).columns
    place = (8, 16, 32).index(failed_value)
    assert column.bars.notes == tuple("1 of 2" if group == place else "" for group in range(3))
    assert [line.trials for line in column.panels[0].lines] == [1 if group == place else 2 for group in range(3)]
    (alone,) = sweep(recorded(broken), ["clean_accuracy"]).columns
    assert alone.bars.notes[place] == "failed"
    assert len(alone.panels[0].lines[place].corners) == 1
    assert [bar.group for bar in alone.bars.bars] == [group for group in range(3) if group != place]


def test_a_control_stands_beside_on_the_same_axes(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    first = grid(grid_of(SPACE), score)
    wider = {"batch_size": Choice((4, 8, 16))}
    control = grid(grid_of(wider, name="control", options={"steps_per_epoch": 30}), score, left=1)
    drawn = sweep(recorded(first, control))
    assert [column.title for column in drawn.columns] == ["grid", "control"]
    assert drawn.knob.values == (4, 8, 16, 32)
    one, other = drawn.columns
    for left, right in zip(one.panels, other.panels, strict=True):
        assert (left.x, left.y) == (right.x, right.y)
    assert one.bars.y == other.bars.y
    assert one.bars.notes == ("", "", "", "")
    assert sorted(other.bars.notes) == ["", "", "", "no trial"]


@pytest.mark.parametrize("order", [("start", "batch_size"), ("batch_size", "start")])
def test_a_second_knob_of_names_makes_arms(
    grid: Callable[..., Path], grid_of: Callable[..., Study], order: tuple[str, str]
) -> None:
    every = {**SPACE, "start": Choice(("pretext", "baseline"))}
    drawn = sweep(recorded(grid(grid_of({name: every[name] for name in order}), score)))
    assert drawn.knob.name == "batch_size"
    assert [column.title for column in drawn.columns] == ["Start: pretext", "Start: baseline"]
    low, high = (column.panels[0].lines[0].corners[-1][1] for column in drawn.columns)
    assert high - low == pytest.approx(0.3)


def test_of_two_knobs_of_names_the_one_with_fewer_makes_the_arms(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    space = {"fooling_rates": Subset((5, 20)), "start": Choice(("pretext", "baseline"))}
    drawn = sweep(recorded(grid(grid_of(space), lambda *_: 0.5)))
    assert drawn.knob.name == "fooling_rates"
    assert drawn.knob.written == ("none", "5", "20", "5+20")
    assert len(drawn.columns) == 2


def test_what_a_study_never_meant_to_try_is_not_missed(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    space = {"start": Choice(("scratch", "pretext")), "unfrozen_layers": Whole(0, 1, when={"start": "pretext"})}
    drawn = sweep(recorded(grid(grid_of(space), lambda *_: 0.5)))
    assert drawn.knob.written == ("0", "1", "not set")
    assert [column.bars.notes for column in drawn.columns] == [("", "", "no trial"), ("", "", "")]


def test_sampled_values_of_a_list_are_lawful_and_those_of_a_range_are_not(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    (one,) = recorded(grid(grid_of(SPACE), score))
    assert sweep([replace(one, study=replace(one.study, sampler=Sampler("random")))]).trials == 1
    points = {"batch_size": LogUniform(8, 32, points=(8, 16, 31))}
    strange = replace(one, study=replace(one.study, space=points, sampler=Sampler("random")))
    with pytest.raises(NotDrawable, match="batch_size has the value 32, which is none of its 3 points"):
        sweep([strange])


@pytest.mark.parametrize(
    ("space", "metrics", "said"),
    [
        ({**SPACE, "width": Choice((8, 16))}, (), "batch_size, width, are sizes"),
        ({**SPACE, "width": Choice((8, 16)), "start": Choice(("a", "b"))}, (), "searches 3"),
        ({"learning_rate": LogUniform(1e-3, 1)}, (), "names no points"),
        (SPACE, ("mce",), "does not record 'mce'"),
    ],
)
def test_what_lines_and_bars_cannot_show_is_refused(
    grid: Callable[..., Path], grid_of: Callable[..., Study], space: dict[str, Any], metrics: tuple[str, ...], said: str
) -> None:
    (one,) = recorded(grid(grid_of(SPACE), score))
    with pytest.raises(NotDrawable, match=said):
        sweep([replace(one, study=replace(one.study, space=space))], metrics)


def test_studies_of_other_knobs_are_not_drawn_beside_each_other(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    first = grid(grid_of(SPACE), score)
    second = grid(grid_of({"start": Choice(("a", "b"))}, name="other"), lambda *_: 0.5)
    with pytest.raises(NotDrawable, match="other: it searches start, and grid searches batch_size"):
        sweep(recorded(first, second))


def test_metrics_are_those_in_common_and_few_enough(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> None:
    def metrics(drawn: Sweep) -> list[str]:
        return [panel.metric for panel in drawn.columns[0].panels]

    first = grid(grid_of(SPACE), score)
    second = grid(grid_of(SPACE, name="less", measure=("pgd_accuracy",)), score)
    assert metrics(sweep(recorded(first))) == list(SCORES)
    assert metrics(sweep(recorded(first, second))) == ["clean_accuracy", "pgd_accuracy"]
    assert metrics(sweep(recorded(first), ["pgd_accuracy", "pgd_accuracy"])) == ["pgd_accuracy"]
    many = tuple(f"score_{place}" for place in range(SERIES_MOST))
    third = grid(grid_of(SPACE, name="more", measure=many), score)
    assert len(metrics(sweep(recorded(third)))) == SERIES_MOST
    with pytest.raises(NotDrawable, match="7 metrics were asked for"):
        sweep(recorded(third), ["clean_accuracy", *many])


@pytest.mark.parametrize(("accuracy", "images"), [(0.0, 10), (0.5, 100), (0.9, 1000), (1.0, 7)])
def test_the_interval_is_where_the_accuracy_lies_two_standard_errors_off(accuracy: float, images: int) -> None:
    """Wilson's interval has the true rates p with |accuracy - p| = z * sqrt(p (1 - p) / n) at its ends."""
    low, high = interval(accuracy, images)
    assert 0 <= low <= accuracy <= high <= 1
    for end in (low, high):
        assert abs(accuracy - end) == pytest.approx(1.959964 * (end * (1 - end) / images) ** 0.5, abs=1e-6)


def test_no_images_leave_every_accuracy_possible() -> None:
    assert interval(0.3, 0) == (0.0, 1.0)
