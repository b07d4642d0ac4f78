"""Attained surfaces and their differences: a reference implementation, a slow twin, and the law of hypervolumes."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import moocore
import numpy as np
import pytest

from analysis import attainment, records, sources
from analysis.attainment_surfaces import difference, gains, reached, surface
from analysis.front import Floats, hypervolume, losses
from search_spaces.study import Objective, Study

TRADE = (Objective("clean_accuracy", "max", 0.2), Objective("mce", "min", 0.9))
THREE = (*TRADE, Objective("pgd_accuracy", "max", 0.1))
GOALS = ("max", "min")


def fronts(seed: int, count: int, points: int = 9) -> list[Floats]:
    """Searches of so many points each, of which some lie beyond the reference; the last one is empty."""
    draw = np.random.default_rng(seed)
    return [draw.random((points, 2)).round(2) for _ in range(count - 1)] + [np.empty((0, 2))]


def share(searches: list[Floats], x: float, y: float) -> float:
    """How many of the searches have a point as good as this one, counted one by one."""
    hits = [any(p >= x and q <= y and p > 0.2 and q < 0.9 for p, q in search) for search in searches]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("seed", range(4))
def test_a_surface_is_that_of_the_reference_implementation(seed: int) -> None:
    searches = fronts(seed, 5)[:-1]
    inside = [one[(one[:, 0] > 0.2) & (one[:, 1] < 0.9)] for one in searches]
    sets = np.repeat(range(4), [len(one) for one in inside])
    for count in (1, 2, 3, 4):
        found = moocore.eaf(losses(np.vstack(inside), GOALS), sets=sets, percentiles=[25 * count])[:, :2]
        known = {tuple(row) for row in losses(found, GOALS).tolist()}
        corners = {tuple(row) for row in surface(searches, TRADE, count).tolist()}
        assert known <= corners


@pytest.mark.parametrize("seed", range(4))
def test_a_difference_is_that_of_the_reference_implementation(seed: int) -> None:
    one, other = fronts(seed, 4)[:-1], fronts(seed + 50, 4)[:-1]

    def turned(searches: list[Floats]) -> Floats:
        inside = [search[(search[:, 0] > 0.2) & (search[:, 1] < 0.9)] for search in searches]
        numbers = np.repeat(range(3), [len(search) for search in inside])
        return np.column_stack([losses(np.vstack(inside), GOALS), numbers])

    rows = moocore.eafdiff(turned(one), turned(other), rectangles=True)
    sides = np.minimum(rows[:, :4], np.tile([-0.2, 0.9], 2))
    area = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])
    ours = difference(one, other, TRADE)
    for count in (-3, -2, -1, 1, 2, 3):
        found = sum((c.right - c.left) * (c.high - c.low) for c in ours if round(3 * c.share) == count)
        assert found == pytest.approx(area[rows[:, 4] == count].sum(), abs=1e-12)


@pytest.mark.parametrize(("seed", "first", "second"), [(0, 1, 1), (1, 1, 4), (2, 3, 2), (3, 4, 4), (4, 2, 3)])
def test_areas_times_shares_are_the_difference_of_mean_hypervolumes(seed: int, first: int, second: int) -> None:
    one, other = fronts(seed, first + 1)[:first], fronts(seed + 1, second)
    cells = difference(one, other, TRADE)
    volumes = [np.mean([hypervolume(front, TRADE) for front in part]) for part in (one, other)]
    total = sum((cell.right - cell.left) * (cell.high - cell.low) * cell.share for cell in cells)
    assert total == pytest.approx(volumes[0] - volumes[1], abs=1e-7)
    for cell in cells[:20]:
        x, y = (cell.left + cell.right) / 2, (cell.low + cell.high) / 2
        assert cell.share == pytest.approx(share(one, x, y) - share(other, x, y), abs=1e-8)


def test_the_order_of_searches_and_the_side_from_which_one_looks_change_nothing() -> None:
    one, other = fronts(1, 4), fronts(2, 5)
    assert difference(one[::-1], other[::-1], TRADE) == difference(one, other, TRADE)
    turned = {replace(cell, share=-cell.share) for cell in difference(other, one, TRADE)}
    assert turned == set(difference(one, other, TRADE))
    assert difference(one, one, TRADE) == ()


def test_few_searches_attain_what_many_do_and_more() -> None:
    searches = fronts(3, 6)
    volumes = [hypervolume(surface(searches, TRADE, count), TRADE) for count in range(1, 7)]
    assert volumes == sorted(volumes, reverse=True)
    assert volumes[-1] == 0.0  # one search is empty
    assert surface(searches, TRADE, 6).shape == (0, 2)
    # A share of the searches attains each layer: the layers' mean is that of the searches.
    assert np.mean(volumes) == pytest.approx(np.mean([hypervolume(one, TRADE) for one in searches]))


@pytest.mark.parametrize("objectives", [TRADE[:1], TRADE, THREE, (*THREE, Objective("speed", "min", 0.8))])
def test_what_more_searches_of_each_attain_differs_by_as_much_as_the_hypervolumes(
    objectives: tuple[Objective, ...],
) -> None:
    draw, count = np.random.default_rng(3), len(objectives)
    one: list[Floats] = [draw.random((5, count)) for _ in range(3)]
    other: list[Floats] = [draw.random((4, count)) for _ in range(2)] + [np.empty((0, count))]
    found = gains(one, other, objectives)
    assert found is not None
    ours, theirs = ([hypervolume(front, objectives) for front in part] for part in (one, other))
    assert found[0] - found[1] == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert min(found) >= 0
    assert gains(one, one[::-1], objectives) == (0.0, 0.0)
    both = hypervolume(np.vstack([one[0], other[0]]), objectives)
    assert gains(one[:1], other[:1], objectives) == pytest.approx((both - theirs[0], both - ours[0]))


def test_what_more_searches_attain_is_left_where_it_would_take_too_long() -> None:
    draw = np.random.default_rng(0)
    five = [Objective(f"score{place}", "max", 0.0) for place in range(5)]
    assert gains([draw.random((40, 5))], [draw.random((40, 5))], five) is None


def test_the_weight_of_more_and_less_is_that_of_the_rectangles() -> None:
    one, other = fronts(5, 4), fronts(6, 3)
    areas = [(c.right - c.left) * (c.high - c.low) * c.share for c in difference(one, other, TRADE)]
    parts = sum(area for area in areas if area > 0), -sum(area for area in areas if area < 0)
    assert gains(one, other, TRADE) == pytest.approx(parts, abs=1e-7)


def test_one_objective_is_attained_by_the_share_of_searches_that_are_as_good() -> None:
    corners = reached([0.9, 0.7, float("nan"), 0.8], TRADE[0])
    assert corners.tolist() == [[0.9, 0.0], [0.9, 0.25], [0.8, 0.25], [0.8, 0.5], [0.7, 0.5], [0.7, 0.75]]
    assert reached([float("nan")], TRADE[1]).shape == (0, 2)


def test_the_section_finds_the_seeds_of_a_study_beside_it(
    search: Callable[..., Path], study_of: Callable[..., Study]
) -> None:
    study = study_of(trials=6)
    folder = search(study)
    assert attainment.section(attainment.siblings(folder)) == ""
    for seed in (1, 2):
        search(replace(study, name=f"made-up-{seed}", seed=seed), seed=seed)
    search(replace(study, name="other", seed=9, data="embedded-scenes"))
    broken = folder.parent / "broken"
    broken.mkdir()
    (broken / "ledger.sqlite").write_bytes(b"no ledger")
    found = attainment.siblings(folder)
    assert [one.study.name for one in found] == ["made-up-1", "made-up-2", "made-up"]
    html = attainment.section(found)
    assert "searched under 3 seeds" in html
    assert html.count("<polyline") == 1
    assert html.count("<polygon") == 1


def test_a_study_read_from_a_parquet_file_has_no_seeds_in_the_machines_temporary_folder(
    search: Callable[..., Path], study_of: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of(trials=6)
    path = records.export(search(study))["trials.parquet"]
    stranger = search(replace(study, name="stranger", seed=5), seed=5)
    monkeypatch.setattr(tempfile, "tempdir", str(stranger.parent))
    with sources.opened(str(path)) as folder:
        assert [one.study.name for one in attainment.siblings(folder)] == ["made-up"]
