"""Searches are compared at equal time: each is made once, and what is told of them follows from their histories."""

import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

pytest.importorskip("syne_tune", reason="the extra `peers` is not installed")

from benchmarks.search_quality.comparing import grouped, rows_of
from benchmarks.search_quality.measures import Searches, highest, soonest
from benchmarks.search_quality.methods import METHODS, compared, unbounded
from benchmarks.search_quality.shards import Job, found, jobs, make, search
from benchmarks.search_quality.tables import Table, opened, shipped
from robustune.makers import fitted_population
from robustune.replay import replay
from search_spaces import EarlyStopping, Sampler
from search_spaces.study import TRIALS_LIMIT


def made(wanted: list[Job]) -> list[str]:
    said: list[str] = []
    make(wanted, 1, said.append)
    return said


def test_searches_are_made_once_and_torn_ones_again(small_table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    few = jobs([small_table], ["random", "ours"], [1, 4], 1, folder, 1.0)
    assert made(few)[0] == "0 of 4 searches are there; 4 to make"
    before = {job.path: job.path.stat().st_mtime_ns for job in few}
    whole = few[0].path.read_bytes()
    few[0].path.write_bytes(whole[:200])
    more = jobs([small_table], ["random", "ours"], [1, 4], 2, folder, 1.0)
    assert made(more)[0] == "3 of 8 searches are there; 5 to make"
    assert few[0].path.read_bytes() == whole
    assert [path for path, since in before.items() if path.stat().st_mtime_ns != since] == [few[0].path]
    assert not list(folder.glob("*.lock"))


def test_a_shard_holds_the_replay_within_the_horizon(small_table: Path, tmp_path: Path) -> None:
    job = Job(small_table, "ours-random", 4, 3, 2.0, tmp_path)
    search(job)
    rows, table = found(job), opened(small_table)
    assert rows is not None
    horizon = table.horizon(2.0, 4)
    assert horizon == pytest.approx(2 * 20 * (15 * 9 + 5) / 20 / 4)
    study = replace(unbounded(table.study), sampler=Sampler("random")).override(seed=3)
    ended = replay(study, table.nets, 4, horizon)
    assert rows["trial"].to_pylist() == [one.trial for one in ended]
    assert rows["metrics.accuracy"].to_pylist() == [one.scores.get("accuracy") for one in ended]
    assert max(rows["seconds"].to_pylist()) <= horizon


@pytest.mark.parametrize("change", ["early_stopping", "sampler", "table"])
def test_a_shard_is_anothers_where_what_it_depends_on_has_changed(
    small_table: Path, tmp_path: Path, change: str
) -> None:
    paths = [Job(small_table, name, 1, 0, 1.0, tmp_path).path for name in ("ours", "random", "moasha")]
    file = small_table.with_suffix(".toml")
    if change == "table":
        small_table.write_bytes(small_table.read_bytes().replace(b"made", b"Made"))
    else:
        words = {"early_stopping": ("pareto_halving", 'pareto_halving"\ngrace = 3 #'), "sampler": ("tpe", "nsga2")}
        file.write_text(file.read_text().replace(*words[change]))
    opened.cache_clear()
    after = [Job(small_table, name, 1, 0, 1.0, tmp_path).path for name in ("ours", "random", "moasha")]
    same = [one == other for one, other in zip(paths, after, strict=True)]
    wanted = {
        "early_stopping": [False, True, False],
        "sampler": [False, True, True],
        "table": [False, False, False],
    }
    assert same == wanted[change]


def test_only_the_horizon_bounds_ours_and_populations_fit_the_studys_budget(small_table: Path) -> None:
    study = replace(opened(small_table).study, sampler=Sampler("nsga2"))
    free = unbounded(study)
    assert free.budget.trials == TRIALS_LIMIT
    assert fitted_population(free) == fitted_population(study) == 5


def test_a_grace_of_one_leaves_moasha_one_variant(small_table: Path) -> None:
    study = opened(small_table).study
    assert "moasha-default" not in compared(study)
    assert compared(replace(study, early_stopping=EarlyStopping("pareto_halving", grace=3))) == METHODS


def history(table: Table, name: str, *courses: list[tuple[float, float]], horizon: float = 100.0) -> Searches:
    """Searches of whose shares of the best are known: (seconds, share) of each trial that ended."""
    ended = [
        pa.table(
            {
                "seconds": pa.array([seconds for seconds, _ in course], pa.float64()),
                "hypervolume": pa.array([share * table.reach for _, share in course], pa.float64()),
            }
        )
        for course in courses
    ]
    return Searches(table, METHODS[name], 1, horizon, tuple(ended))


def test_times_are_of_the_trial_that_had_the_share_and_never_between(small_table: Path) -> None:
    one = history(opened(small_table), "ours", [(1, 0.5), (2, 0.95), (3, 1.0)], [(5, 0.9)], [])
    assert one.times() == [2.0, math.inf, math.inf]
    assert one.times(1.0) == [3.0, math.inf, math.inf]
    assert one.finals == pytest.approx([1.0, 0.9, 0.0])
    assert (one.median_time(), one.reached) == (math.inf, 1)
    assert one.at([0.5, 1, 2.5, 99]).tolist() == [
        pytest.approx([0.0, 0.5, 0.95, 1.0]),
        pytest.approx([0, 0, 0, 0.9]),
        [0, 0, 0, 0],
    ]


def test_rows_compare_with_the_best_peer_of_each_kind(small_table: Path) -> None:
    table = opened(small_table)
    searches = {
        "ours": history(table, "ours", [(10, 0.96), (20, 0.98)]),
        "ours-random": history(table, "ours-random", [(1, 1.0)]),
        "random": history(table, "random", [(50, 1.0)]),
        "optuna-tpe": history(table, "optuna-tpe", [(30, 0.95)]),
        "moasha": history(table, "moasha", [(99, 0.5)]),
    }
    assert soonest(searches, "full").method.name == "optuna-tpe"
    assert highest(searches).method.name == "random"
    full, stopping, final = rows_of({("small", 1): searches})
    assert (full["ours"], full["peer"], full["ratio"]) == (10, 30, 3)
    assert (stopping["peer"], stopping["ratio"]) == (100, 10)  # never: the horizon counts
    assert (final["ours"], final["peer"]) == pytest.approx((0.98, 1.0))
    beside = rows_of({("small", 16): searches})
    assert [row["target"] for row in beside] == ["reported beside", "reported beside", "at least 1"]


def test_a_method_that_lacks_a_seed_is_left_out(small_table: Path, tmp_path: Path) -> None:
    wanted = jobs([small_table], ["random", "moasha"], [1], 2, tmp_path / "shards", 0.5)
    made(wanted)
    wanted[-1].path.unlink()
    (searches,) = grouped(wanted).values()
    assert [*searches] == ["random"]
    assert len(searches["random"].ended) == 2


def test_a_shipped_table_can_be_searched_by_every_method(tmp_path: Path) -> None:
    assert shipped()
    for path in shipped():
        for name in compared(opened(path).study):
            job = Job(path, name, 4, 0, 0.1, tmp_path)
            search(job)
            assert found(job) is not None
