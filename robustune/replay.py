"""Searches a table of learning curves with a virtual clock: the driver of a real search, or another one's."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from analysis import front as fronts
from robustune.curve_files import Curve
from robustune.driver import Driver, Proposal
from robustune.errors import Mistake
from robustune.record import Past, Requeued
from robustune.rounding import Rounding
from robustune.teaching import Teaching
from search_spaces import Study


class Nets:
    """The curves of a table by configuration, and which of them a trial is given.

    A proposal is rounded by `robustune.rounding`. Of several nets of one configuration the trial's seed takes one, so
    that a configuration proposed twice may well score differently, as in a real search.
    """

    def __init__(self, study: Study, curves: Sequence[Curve]) -> None:
        groups: dict[str, list[Curve]] = {}
        for curve in curves:
            groups.setdefault(repr([curve.config.get(name) for name in study.space]), []).append(curve)
        self._groups = [sorted(group, key=lambda curve: curve.seed) for group in groups.values()]
        self._rounding = Rounding(study.space, self.configs)

    @property
    def configs(self) -> tuple[Mapping[str, Any], ...]:
        """The configurations by their places, in the order of the table."""
        return tuple(group[0].config for group in self._groups)

    def given(self, proposal: Proposal) -> tuple[int, Curve]:
        """Returns the place of the configuration that a proposal is rounded to, and the curve that its trial gets."""
        place = self._rounding.nearest(proposal.config)
        return place, self.given_at(place, proposal.seed)

    def given_at(self, place: int, seed: int = 0) -> Curve:
        """Returns the curve that a trial of a seed gets of the configuration at a place."""
        group = self._groups[place]
        return group[seed % len(group)]


@dataclass(frozen=True)
class Ended:
    """One trial that ended, and where the search stood then.

    Attributes:
        seconds: on the virtual clock, from the start of the search.
        trial: its number, in the order of proposals.
        configuration: its place in the table.
        state: complete, stopped or failed.
        epochs: that all trials have trained so far.
        hypervolume: of the complete and feasible trials so far.
        scores: of the trial's net after its last epoch, of the metrics that are measured by then; empty where the
            first epoch failed.
    """

    seconds: float
    trial: int
    configuration: int
    state: str
    epochs: int
    hypervolume: float
    scores: Mapping[str, float]


class Searcher(Protocol):
    """What a replay asks of a search: `robustune.driver.Driver`, or one that somebody else wrote."""

    def next(self) -> Proposal | None:
        """Returns the next trial, with numbers from 0 upward; None: there is none as long as nothing is reported."""

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        """Takes one epoch of a trial, as `Driver.report` does, and returns whether the trial goes on.

        A trial that failed or has its full epochs ends whatever is returned.
        """


Make = Callable[[Study, Callable[[], float]], Searcher]
"""Begins a search: of the study, on a clock that tells the virtual seconds."""


def driver(study: Study, clock: Callable[[], float], teaching: type[Teaching] = Teaching) -> Searcher:
    """Begins the search that `robustune search` would run, with nothing of it on a disk.

    Args:
        study: what is searched.
        clock: the virtual seconds so far.
        teaching: the rule that says what trials teach the sampler.

    Raises:
        Mistake: STUDY_INVALID, a grid that cannot be enumerated.
    """
    return Driver(Memory(study), lambda: None, clock=clock, teaching=teaching)


def replay(study: Study, nets: Nets, workers: int, horizon: float = math.inf, searcher: Make = driver) -> list[Ended]:
    """Runs one search over the table and returns its trials in the order of ending; equal arguments, equal results.

    Every epoch takes the seconds that it took when the table was made, everything else takes none. A worker that is
    free takes the next proposal at once. Trials that report at one moment do so in the order of their numbers.

    Args:
        study: what is searched, how, with which budget and seed.
        nets: the table.
        workers: trials at a time.
        horizon: virtual seconds after which nothing is taken into account; trials that still run then do not count.
        searcher: begins the search; the real one's driver where none is given.

    Raises:
        Mistake: STUDY_INVALID, a grid that cannot be enumerated.
    """
    return _Search(study, nets, workers, horizon, searcher).run()


def best(study: Study, curves: Sequence[Curve]) -> float:
    """Returns the hypervolume of all feasible nets of a table after their full epochs.

    Raises:
        Mistake: TABLE_INVALID where no net is better than the reference point.
    """
    attained = Front(study)
    for curve in curves:
        if curve.failure is None:
            attained.add(curve.scores[-1])
    if attained.hypervolume == 0.0:
        raise Mistake(
            "TABLE_INVALID",
            f"{study.name}: no net of the table meets the constraints and is better than the references of all "
            "objectives, so there is nothing to reach; move the references or bounds of the study",
        )
    return attained.hypervolume


class Front:
    """The hypervolume of scores that come one by one."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._points = np.empty((0, len(study.objectives)))
        self.hypervolume = 0.0

    def add(self, scores: Mapping[str, float]) -> None:
        """Takes up a complete trial's scores, unless a constraint does not hold."""
        study = self._study
        if any(bound.violation(scores[bound.metric]) > 0 for bound in study.bounds):
            return
        points = np.vstack([self._points, [scores[one.metric] for one in study.objectives]])
        self._points = points[fronts.nondominated(fronts.losses(points, fronts.goals(study)))]
        self.hypervolume = fronts.hypervolume(self._points, study.objectives)


@dataclass(frozen=True)
class Memory:
    """A `robustune.record.Record` that keeps nothing: the replay itself knows how trials ended."""

    study: Study

    def requeue(self) -> list[Requeued]:
        """Nothing was in flight."""
        return []

    def past(self) -> Past:
        """Nothing was before."""
        return Past()

    def ask(self, number: int, config: Mapping[str, Any], seed: int, attributes: Mapping[str, Any]) -> None:
        """Keeps nothing."""

    def report(
        self,
        number: int,
        epoch: int,
        metrics: Mapping[str, float],
        train_seconds: float,
        score_seconds: float,
        checkpoint: Mapping[str, Any] | None = None,
        end: Literal["complete", "stopped"] | None = None,
    ) -> None:
        """Keeps nothing."""

    def fail(self, number: int, code: str, reason: str) -> None:
        """Keeps nothing."""

    def retried(self, number: int) -> None:
        """Keeps nothing: no worker is ever lost."""


@dataclass(frozen=True, order=True)
class _Report:
    """An epoch that is under way, in the order in which epochs end."""

    seconds: float
    trial: int
    epoch: int = field(compare=False)
    configuration: int = field(compare=False)
    curve: Curve = field(compare=False)

    @property
    def failed(self) -> bool:
        return self.epoch > len(self.curve.scores)


class _Search:
    def __init__(self, study: Study, nets: Nets, workers: int, horizon: float, searcher: Make) -> None:
        self._study, self._nets, self._workers, self._horizon = study, nets, workers, horizon
        self._now = 0.0
        self._epochs = 0
        self._front = Front(study)
        self._searcher = searcher(study, lambda: self._now)
        self._running: list[_Report] = []

    def run(self) -> list[Ended]:
        ended: list[Ended] = []
        self._fill()
        while self._running and self._running[0].seconds <= self._horizon:
            report = heapq.heappop(self._running)
            self._now = report.seconds
            if self._goes_on(report):
                self._begin(report.trial, report.epoch + 1, report.configuration, report.curve)
            else:
                ended.append(self._ended(report))
            self._fill()
        return ended

    def _fill(self) -> None:
        # Never asked whether it is ready: a draw takes none of the virtual seconds, however long this machine computes.
        while len(self._running) < self._workers:
            proposal = self._searcher.next()
            if proposal is None:
                return
            self._begin(proposal.number, 1, *self._nets.given(proposal))

    def _begin(self, trial: int, epoch: int, configuration: int, curve: Curve) -> None:
        seconds = self._now + curve.seconds[epoch - 1]
        heapq.heappush(self._running, _Report(seconds, trial, epoch, configuration, curve))

    def _goes_on(self, report: _Report) -> bool:
        curve, epoch = report.curve, report.epoch
        failed = report.failed
        self._epochs += not failed
        goes_on = self._searcher.report(
            report.trial,
            {
                "failure": {"code": curve.failure, "message": "as in the table"} if failed else None,
                "epoch": epoch,
                "metrics": {} if failed else curve.scores[epoch - 1],
                "train_seconds": curve.seconds[epoch - 1],
                "score_seconds": 0.0,
                "checkpoint": None,
            },
        )
        return goes_on and not failed and epoch < self._study.budget.epochs

    def _ended(self, report: _Report) -> Ended:
        whole = report.epoch >= self._study.budget.epochs
        state = "failed" if report.failed else "complete" if whole else "stopped"
        if state == "complete":
            self._front.add(report.curve.scores[-1])
        return Ended(
            self._now,
            report.trial,
            report.configuration,
            state,
            self._epochs,
            self._front.hypervolume,
            self._scores(report.curve, report.epoch - report.failed),
        )

    def _scores(self, curve: Curve, epoch: int) -> Mapping[str, float]:
        if epoch == 0:
            return {}
        late, scores = self._study.from_epochs, curve.scores[epoch - 1]
        return {name: scores[name] for name in self._study.metrics if late.get(name, 1) <= epoch}
