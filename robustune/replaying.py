"""Replays of many seeds: their table, and what it comes to in lines."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from analysis.records import write_parquet
from robustune import checks, curve_files
from robustune.errors import Mistake
from robustune.replay import Ended, Nets, best, replay
from search_spaces import EarlyStopping, Sampler, Study, StudyError
from search_spaces.complaints import Complaints
from search_spaces.early_stopping import read_early_stopping
from search_spaces.epochs import check_epochs
from search_spaces.sections import read_sampler

SHARE: Final = 0.95
"""Of the table's best hypervolume; how soon a search has it is what searches are compared by."""


@dataclass(frozen=True)
class Replayed:
    """The searches of several seeds over one table.

    Attributes:
        study: with the sampler, early stopping and budget that were replayed.
        workers: trials at a time.
        configurations: of the table.
        curves: of the table.
        best: the table's hypervolume.
        searches: by seed, each in the order of ending.
        horizon: virtual seconds after which nothing was taken into account.
    """

    study: Study
    workers: int
    configurations: int
    curves: int
    best: float
    searches: dict[int, list[Ended]]
    horizon: float = math.inf

    def times(self, share: float = SHARE) -> list[float]:
        """Seconds until each seed's search has that share of the best hypervolume; infinite where it never has."""
        return [
            next((one.seconds for one in search if one.hypervolume >= share * self.best), math.inf)
            for search in self.searches.values()
        ]

    def finals(self) -> list[float]:
        """Each seed's hypervolume at its end; 0 where no trial ended within the horizon."""
        return [search[-1].hypervolume if search else 0.0 for search in self.searches.values()]

    def ends(self) -> list[float]:
        """Seconds until each seed's last trial ended; 0 where none did."""
        return [search[-1].seconds if search else 0.0 for search in self.searches.values()]


def run(
    path: Path,
    study_file: str | None,
    sampler: str | None,
    early_stopping: str | None,
    trials: int | None,
    workers: int,
    seeds: int,
    seed: int | None,
    told: Callable[[int], None],
    horizon: float = math.inf,
) -> Replayed:
    """Replays a table for as many seeds, from the study's on.

    Args:
        path: of the table.
        study_file: of its study; None for the file beside it that ends in .toml.
        sampler: instead of the study's, with its default options.
        early_stopping: instead of the study's, with its default options.
        trials: budget instead of the study's.
        workers: trials at a time.
        seeds: searches.
        seed: of the first one; None for the study's.
        told: called after each search with how many are done.
        horizon: virtual seconds after which nothing is taken into account.

    Raises:
        Mistake: TABLE_INVALID, STUDY_INVALID or OPTION_INVALID.
    """
    study = chosen(checks.read(study_file or beside(path), trials=trials, seed=seed), sampler, early_stopping)
    curves = curve_files.read(path, study)
    nets = Nets(study, curves)
    reach = best(study, curves)
    searches = {}
    for number in range(study.seed, study.seed + seeds):
        searches[number] = replay(study.override(seed=number), nets, workers, horizon)
        told(len(searches))
    return Replayed(study, workers, len(nets.configs), len(curves), reach, searches, horizon)


def beside(path: Path) -> Path:
    """Returns the study file beside a table.

    Raises:
        Mistake: TABLE_INVALID where there is none.
    """
    if not path.is_file():
        raise Mistake("TABLE_INVALID", f"{path}: there is no such file; name a Parquet table of curves")
    found = path.with_suffix(".toml")
    if not found.is_file():
        raise Mistake("TABLE_INVALID", f"{path}: its study file {found.name} is not beside it; name one with --study")
    return found


def chosen(study: Study, sampler: str | None, early_stopping: str | None) -> Study:
    """Returns the study with another sampler or early stopping; its own name keeps its own options.

    Raises:
        Mistake: OPTION_INVALID, for a name that there is not.
    """
    complaints = Complaints("--sampler, --early-stopping")
    new: Sampler | None = study.sampler
    rule: EarlyStopping | None = study.early_stopping
    if sampler is not None and sampler != study.sampler.name:
        new = read_sampler({"name": sampler}, study.budget, complaints=complaints, objectives=len(study.objectives))
    if early_stopping is not None and early_stopping != study.early_stopping.name:
        rule = read_early_stopping({"name": early_stopping}, study.budget, complaints)
        check_epochs(study.objectives, study.constraints, study.budget, rule, complaints)
    try:
        complaints.raise_any()
    except StudyError as error:
        raise Mistake("OPTION_INVALID", str(error)) from error
    assert new is not None
    assert rule is not None
    return replace(study, sampler=new, early_stopping=rule)


def table(replayed: Replayed) -> pa.Table:
    """Returns the rows of `rows`; the schema's metadata tells the rest as JSON, under `replay`."""
    study = replayed.study
    about = {
        "study": study.digest,
        "sampler": {"name": study.sampler.name, **study.sampler.options},
        "early_stopping": study.early_stopping.name,
        "workers": replayed.workers,
        "best_hypervolume": replayed.best,
        "horizon": None if replayed.horizon == math.inf else replayed.horizon,
    }
    return rows(study, replayed.searches).replace_schema_metadata({"replay": json.dumps(about)})


def rows(study: Study, searches: Mapping[int, Sequence[Ended]]) -> pa.Table:
    """Returns a row for each trial that ended, in the order of ending within a seed.

    Columns are seed, seconds, trial, configuration, state, epochs, hypervolume and `metrics.NAME`, the scores of the
    trial's last epoch (null where it was not measured by then).
    """
    ended = [(seed, one) for seed, search in searches.items() for one in search]
    scores = {
        f"metrics.{name}": pa.array([one.scores.get(name) for _, one in ended], pa.float64()) for name in study.metrics
    }
    return pa.table(
        {
            "seed": pa.array([seed for seed, _ in ended], pa.int64()),
            "seconds": pa.array([one.seconds for _, one in ended], pa.float64()),
            "trial": pa.array([one.trial for _, one in ended], pa.int64()),
            "configuration": pa.array([one.configuration for _, one in ended], pa.int64()),
            "state": pa.array([one.state for _, one in ended], pa.string()),
            "epochs": pa.array([one.epochs for _, one in ended], pa.int64()),
            "hypervolume": pa.array([one.hypervolume for _, one in ended], pa.float64()),
            **scores,
        }
    )


def write(replayed: Replayed, path: Path) -> None:
    """Writes the table of `table`.

    Raises:
        Mistake: RESULTS_UNWRITABLE.
    """
    try:
        write_parquet(table(replayed), path)
    except OSError as error:
        raise Mistake("RESULTS_UNWRITABLE", f"{path}: cannot be written ({error}); name another --out") from error


def lines(replayed: Replayed) -> Iterator[str]:
    """Tells what was replayed, how soon the searches had the share, and where they ended."""
    study, count = replayed.study, len(replayed.searches)
    yield (
        f"{study.name}: {replayed.curves} curves of {replayed.configurations} configurations, best hypervolume "
        f"{replayed.best:.4f}"
    )
    yield (
        f"sampler {study.sampler.name}, early stopping {study.early_stopping.name}, "
        f"{_counted(replayed.workers, 'worker')}, at most {_counted(study.budget.trials, 'trial')}, "
        f"{_counted(count, 'seed')} from {study.seed} on"
        + ("" if replayed.horizon == math.inf else f", nothing after {_seconds(replayed.horizon)}")
    )
    if study.warm_start_from:
        yield (
            f"warm_start_from ({', '.join(study.warm_start_from)}) is not heeded: a replay begins with nothing learned"
        )
    times, finals = replayed.times(), replayed.finals()
    never = sum(time == math.inf for time in times)
    yield (
        f"time to {SHARE * 100:g} % of it: {_spread(times, _seconds)}"
        + (f"; {never} of {_counted(count, 'seed')} never had it" if never else "")
    )
    yield f"final hypervolume: {_spread(finals, lambda value: f'{value:.4f}')}"
    yield f"time to the end: {_spread(replayed.ends(), _seconds)}"


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns the lower quartile, the median and the upper quartile, each one of the values: some may be infinite."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf").tolist()
    return low, middle, high


def _spread(values: Sequence[float], shown: Callable[[float], str]) -> str:
    low, middle, high = quartiles(values)
    return f"median {shown(middle)}, quartiles {shown(low)} and {shown(high)}"


def _seconds(value: float) -> str:
    return "never" if value == math.inf else f"{value:,.1f} s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
