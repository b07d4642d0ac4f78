"""Searches a table of learning curves with a virtual clock: the driver of a real search, and nothing is trained."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from analysis import front as fronts
from robustune.curve_files import Curve
from robustune.driver import Driver, Proposal
from robustune.errors import Mistake
from robustune.record import Past, Requeued
from robustune.rounding import Rounding
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
    """

    seconds: float
    trial: int
    configuration: int
    state: str
    epochs: int
    hypervolume: float


def replay(study: Study, nets: Nets, workers: int) -> list[Ended]:
    """Runs one search over the table and returns its trials in the order of ending; equal arguments, equal results.

    Every epoch takes the seconds that it took when the table was made, everything else takes none. A worker that is
    free takes the next proposal at once. Trials that report at one moment do so in the order of their numbers.

    Args:
        study: what is searched, how, with which budget and seed.
        nets: the table.
        workers: trials at a time.

    Raises:
        Mistake: STUDY_INVALID, a grid that cannot be enumerated.
    """
    return _Search(study, nets, workers).run()


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


@dataclass
class Memory:
    """A `robustune.record.Record` that keeps how each trial ended, and nothing on a disk."""

    study: Study
    states: dict[int, str] = field(default_factory=dict)

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
        """Keeps the ending."""
        if end is not None:
            self.states[number] = end

    def fail(self, number: int, code: str, reason: str) -> None:
        """Keeps the ending."""
        self.states[number] = "failed"

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


class _Search:
    def __init__(self, study: Study, nets: Nets, workers: int) -> None:
        self._nets, self._workers = nets, workers
        self._now = 0.0
        self._epochs = 0
        self._front = Front(study)
        self._memory = Memory(study)
        self._driver = Driver(self._memory, lambda: None, clock=lambda: self._now)
        self._running: list[_Report] = []

    def run(self) -> list[Ended]:
        ended: list[Ended] = []
        self._fill()
        while self._running:
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
            proposal = self._driver.next()
            if proposal is None:
                return
            self._begin(proposal.number, 1, *self._nets.given(proposal))

    def _begin(self, trial: int, epoch: int, configuration: int, curve: Curve) -> None:
        seconds = self._now + curve.seconds[epoch - 1]
        heapq.heappush(self._running, _Report(seconds, trial, epoch, configuration, curve))

    def _goes_on(self, report: _Report) -> bool:
        curve, epoch = report.curve, report.epoch
        failed = epoch > len(curve.scores)
        self._epochs += not failed
        return self._driver.report(
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

    def _ended(self, report: _Report) -> Ended:
        state = self._memory.states[report.trial]
        if state == "complete":
            self._front.add(report.curve.scores[-1])
        hypervolume = self._front.hypervolume
        return Ended(self._now, report.trial, report.configuration, state, self._epochs, hypervolume)
