"""Promise beside confirmation: whole tables, the front, its hypervolume, who is confirmed, who deserves more seeds."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from analysis import records
from analysis.confirmation import (
    OUTCOMES,
    NotConfirmable,
    candidates,
    confirmed,
    cross_fitted,
    nets_of,
    next_seeds,
    pooled_sd,
    read,
    write,
)
from analysis.confirmation.variances import spread
from analysis.front import front, hypervolume, scores
from search_spaces.study import Study

Outcomes = Callable[..., pa.Table]


@pytest.fixture(scope="module")
def trials(made_up: Path) -> pa.Table:
    return records.trials(made_up)


@pytest.fixture(scope="module")
def study(study_of: Callable[..., Study]) -> Study:
    return study_of()


def outcomes(
    trials: pa.Table,
    study: Study,
    numbers: tuple[int, ...],
    seeds: int = 4,
    sd: float = 0.01,
    lost: float = 0.02,
    sources: int = 30,
) -> pa.Table:
    """Nets whose scores are worse than promised by `lost`, and scatter by `sd` over seeds and sources."""
    rng = np.random.default_rng(0)
    values = scores(trials, study)
    place = {number: row for row, number in enumerate(trials["number"].to_pylist())}
    rows: list[tuple[int, int, str, int, float]] = []
    for m, one in enumerate(study.objectives):
        shared = rng.normal(0, sd, sources)
        for number in numbers:
            for replicate in range(seeds):
                mean = values[place[number], m] + (-lost if one.goal == "max" else lost) + rng.normal(0, sd)
                each = mean + shared + rng.normal(0, sd, sources)
                rows += [(number, replicate, one.metric, source, value) for source, value in enumerate(each)]
    return pa.table(dict(zip(OUTCOMES.names, zip(*rows, strict=True), strict=True)), schema=OUTCOMES)


def test_a_confirmation_is_whole_and_the_same_for_the_same_seed(tmp_path: Path, trials: pa.Table, study: Study) -> None:
    chosen = candidates(trials, study, sd={one.metric: 0.02 for one in study.objectives})
    measured = outcomes(trials, study, chosen)
    found = confirmed(trials, measured, study)
    shuffled = measured.take(pa.array(np.random.default_rng(1).permutation(measured.num_rows)))
    again = confirmed(trials, shuffled.sort_by([("metric", "ascending"), ("source", "descending")]), study)
    assert again.points.equals(found.points)
    assert set(found.points["trial"].to_pylist()) == set(chosen)
    searched = found.points.filter(found.points["searched"])["trial"].to_pylist()
    assert set(searched) == set(front(trials, study)["number"].to_pylist())
    assert set(found.fallen) == set(searched) - set(found.front)
    for row in found.points.to_pylist():
        assert row["low.mce"] < row["mean.mce"] < row["high.mce"]
        assert 0 <= row["probability"] <= 1
        assert (row["fresh.mce"] is None) or row["confirmed"]
    write(tmp_path, study, found)
    reread = read(tmp_path, study)
    assert reread is not None
    assert reread.points.equals(found.points)


def test_intervals_are_cut_at_the_bounds_of_a_metric_and_nothing_else_changes(trials: pa.Table, study: Study) -> None:
    measured = outcomes(trials, study, tuple(front(trials, study)["number"].to_pylist()), sd=0.4)
    free = confirmed(trials, measured, study)
    low, high = min(free.points["low.mce"].to_pylist()), max(free.points["high.clean_accuracy"].to_pylist())
    assert low < 0.2
    assert high > 1
    cut = confirmed(trials, measured, study, bounds={"mce": (0.2, float("inf")), "clean_accuracy": (0.0, 1.0)})
    for before, after in zip(free.points.to_pylist(), cut.points.to_pylist(), strict=True):
        assert after["low.mce"] == min(max(before["low.mce"], 0.2), before["mean.mce"])
        most = max(min(before["high.clean_accuracy"], 1.0), before["mean.clean_accuracy"])
        assert after["high.clean_accuracy"] == most
        for name in set(before) - {"low.mce", "low.clean_accuracy", "high.clean_accuracy"}:
            assert after[name] == before[name]
    for row in cut.scores.to_pylist():
        assert row["metric"] == "mce" or (row["low"] >= min(0.0, row["mean"]) and row["high"] <= max(1.0, row["mean"]))
    assert cut.hypervolume.equals(free.hypervolume)


def test_without_noise_nothing_is_corrected_and_nothing_falls(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    found = confirmed(trials, outcomes(trials, study, members, sd=0.0, lost=0.0), study)
    (sizes,) = found.hypervolume.to_pylist()
    assert sizes["confirmed"] == pytest.approx(hypervolume(scores(front(trials, study), study), study.objectives))
    assert sizes["corrected"] == pytest.approx(sizes["confirmed"])
    assert sizes["gap"] == pytest.approx(0, abs=1e-9)
    assert found.front == members
    assert not found.fallen
    assert (np.array(found.points["probability"]) > 0.99).all()


def test_noise_makes_the_front_look_better_and_the_correction_takes_that_off(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    (sizes,) = confirmed(trials, outcomes(trials, study, members, sd=0.05), study).hypervolume.to_pylist()
    assert sizes["optimism"] > 0
    assert sizes["low"] < sizes["corrected"] < sizes["high"]
    assert sizes["gap"] == pytest.approx(sizes["promised"] - sizes["corrected"])


def test_a_point_that_breaks_a_constraint_by_its_confirmed_mean_falls(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    found = confirmed(trials, outcomes(trials, study, members, lost=0.5, sd=0.001), study)
    assert found.front == ()
    assert set(found.fallen) == set(members)
    assert max(found.points["probability"].to_pylist()) == 0
    assert found.hypervolume["confirmed"].to_pylist() == [0.0]


def test_one_point_is_confirmed_too(trials: pa.Table, study: Study) -> None:
    member = front(trials, study)["number"].to_pylist()[0]
    found = confirmed(trials, outcomes(trials, study, (member,), lost=0.0), study)
    assert found.front == (member,)
    assert found.points["probability"].to_pylist()[0] > 0.99  # it may yet break the constraint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.slice(0, 0), "no net has been scored"),
        (lambda table: table.slice(1), r"has no 'clean_accuracy' of source 0"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), r"has 2 times 'clean_accuracy'"),
        (lambda table: table.filter(pa.compute.equal(table["metric"], "mce")), "no score of the objective"),
        (lambda table: table.filter(pa.compute.equal(table["replicate"], 0)), "two seeds or more"),
        (
            lambda table: table.set_column(4, "value", pa.array([float("nan"), *table["value"].to_pylist()[1:]])),
            "is not finite",
        ),
    ],
)
def test_outcomes_that_tell_nothing_are_refused_in_one_line(
    trials: pa.Table, study: Study, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    with pytest.raises(NotConfirmable, match=said) as caught:
        confirmed(trials, change(outcomes(trials, study, members)), study)
    assert "\n" not in str(caught.value)


def test_a_wider_band_never_loses_a_candidate_and_none_is_the_front(trials: pa.Table, study: Study) -> None:
    members = front(trials, study)["number"].to_pylist()
    sd = {one.metric: 0.02 for one in study.objectives}
    assert candidates(trials, study, 0.0, sd) == tuple(members)
    assert candidates(trials, study) == tuple(members)
    found = [set(candidates(trials, study, band, sd)) for band in (0.0, 1.0, 2.0, 5.0, 100.0)]
    assert all(narrow <= wide for narrow, wide in pairwise(found))
    assert len(found[-1]) > len(members)


def test_the_pooled_sd_is_that_of_scores_over_seeds(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    told = pooled_sd(outcomes(trials, study, members, seeds=20, sd=0.01))
    assert told["mce"] == pytest.approx(0.01, rel=0.25)


def test_clear_trials_deserve_no_seed_and_unclear_ones_do_up_to_the_most(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    assert set(next_seeds(trials, outcomes(trials, study, members, seeds=2), study, 5).values()) == {1}
    assert next_seeds(trials, outcomes(trials, study, members, seeds=3, sd=1e-6), study, 5) == {}
    vague = next_seeds(trials, outcomes(trials, study, members, seeds=3, sd=0.2), study, 5)
    assert set(vague) == set(members)
    assert next_seeds(trials, outcomes(trials, study, members, seeds=5, sd=0.2), study, 5) == {}


def test_a_trial_whose_nets_fail_gets_no_more_for_that_and_holds_up_no_other(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    scored = outcomes(trials, study, members, seeds=3, sd=0.2)
    poor = members[0]
    left = pc.or_(pc.not_equal(scored["trial"], poor), pc.equal(scored["replicate"], 0))
    fewer = scored.filter(left)
    assert next_seeds(trials, fewer, study, 5) == {poor: 2}
    trained = dict.fromkeys(members, 3)
    assert set(next_seeds(trials, fewer, study, 5, trained)) >= set(members) - {poor}
    assert poor not in next_seeds(trials, fewer, study, 5, trained | {poor: 5})


def test_a_rule_that_always_picks_one_point_is_worth_that_points_mean(trials: pa.Table, study: Study) -> None:
    members = tuple(front(trials, study)["number"].to_pylist())
    nets = nets_of(outcomes(trials, study, members))
    seen = spread(nets)
    second = np.arange(len(members)) == 1
    found = cross_fitted(nets, seen, lambda means: second)
    assert found is not None
    np.testing.assert_allclose(found.means, seen.means[1])
    np.testing.assert_allclose(found.variances, seen.variances[1])


def test_the_best_of_equal_points_is_not_flattered_by_the_fresh_part(trials: pa.Table, study: Study) -> None:
    rng = np.random.default_rng(0)
    nets = nets_of(outcomes(trials, study, tuple(front(trials, study)["number"].to_pylist()), sources=10))
    naive, honest = [], []
    for _ in range(60):
        values = tuple(rng.normal(0, 1, (len(nets.point), 1)) + rng.normal(0, 0.1, each.shape) for each in nets.values)
        equal = type(nets)(nets.trials, nets.metrics, nets.point, nets.replicate, values, nets.sources)
        seen = spread(equal)
        picked = cross_fitted(equal, seen, lambda means: np.arange(len(means)) == means[:, 0].argmax())
        assert picked is not None
        naive.append(seen.means[:, 0].max())
        honest.append(picked.means[0])
    assert np.mean(naive) > 0.2
    assert abs(np.mean(honest)) < 0.15
