"""Studies at the edges of the rule of teaching: the driver comes back to them at any moment and draws the same."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from optuna.trial import TrialState

from analysis.records import Event
from robustune.driver import Driver
from robustune.record import Past, Requeued
from robustune.replay import Memory
from robustune.sampler import Sampler
from search_spaces.study import Study

SPACE = {
    "rate": {"log_uniform": [1e-4, 1.0]},
    "sets": {"subset": ["a", "b"]},
    "share": {"uniform": [0.0, 1.0], "when": {"sets": "nonempty"}},
}
OPTIONS = {"tpe": {"startup_trials": 3}, "nsga2": {"population_size": 3}, "nsga3": {"population_size": 3}}
WARM = tuple(({"rate": 0.1 * place, "sets": []}, {"a": 0.5, "b": 1.0 / place}) for place in (1, 2, 3, 4, 5, 6))
FIRST = ({"rate": 0.5, "sets": ()}, {"rate": 0.1, "sets": ("a",), "share": 0.5})


def study(sampler: str, epochs: int = 9, trials: int = 16, late: int = 1, seed: int = 3, **more: Any) -> Study:
    laws: dict[str, Any] = {
        "space": SPACE,
        "objectives": [
            {"metric": "a", "goal": "max", "reference": 0.0},
            {"metric": "b", "goal": "min", "reference": 9.0, "from_epoch": late},
        ],
        "constraints": [{"metric": "a", "at_least": 0.2}],
        "budget": {"trials": trials, "epochs": epochs},
        "sampler": {"name": sampler, "options": OPTIONS.get(sampler, {"startup_trials": 2})},
        "early_stopping": {"name": "pareto_halving"} if epochs > 1 else {"name": "none"},
    }
    return Study(name="odd", trainer="none", data="none", seed=seed, **laws, **more)


ODD: dict[str, dict[str, Any]] = {
    "one epoch": {"epochs": 1},
    "two epochs": {"epochs": 2},
    "all rungs but the last before a fifth": {"epochs": 50},
    "an objective at the last epoch alone": {"late": 9},
    "first points": {"first": FIRST},
}


class Kept(Memory):
    """A record in memory that a driver can come back to; every epoch has a checkpoint."""

    def __init__(self, asked: Study, taught: tuple[Any, ...] = ()) -> None:
        super().__init__(asked)
        self.events: list[Event] = []
        self.trials: dict[int, Requeued] = {}
        self.taught = taught
        self.attributes: dict[int, Mapping[str, Any]] = {}

    def requeue(self) -> list[Requeued]:
        return sorted(self.trials.values(), key=lambda trial: trial.number)

    def past(self) -> Past:
        return Past(events=list(self.events), taught=self.taught)

    def ask(self, number: int, config: Mapping[str, Any], seed: int, attributes: Mapping[str, Any]) -> None:
        self.trials[number] = Requeued(number, config, seed, 0, None)
        self.attributes[number] = attributes
        self._happened("asked", number, config=config)

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
        self.trials[number] = replace(self.trials[number], epoch=epoch, checkpoint="there")
        self._happened("reported", number, epoch=epoch, metrics=metrics)
        if end is not None:
            self._happened("ended", number, epoch=epoch, metrics=metrics, state=end)
            del self.trials[number]

    def fail(self, number: int, code: str, reason: str) -> None:
        self._happened("ended", number, state="failed", code=code)
        del self.trials[number]

    def _happened(self, kind: Literal["asked", "reported", "ended"], number: int, **more: Any) -> None:
        told = {"config": self.trials[number].config, **more}
        event = Event(len(self.events) + 1, kind, number, attributes=self.attributes[number], recorded=0.0, **told)
        self.events.append(event)


def scores(config: Mapping[str, Any], epoch: int, late: int) -> dict[str, float]:
    a = config.get("share", 0.3) * (1 - 0.5 / epoch) + 0.2
    return {"a": a} | ({"b": config["rate"] + len(config["sets"]) / epoch} if epoch >= late else {})


def search(asked: Study, slots: int, every: int | None, taught: tuple[Any, ...] = ()) -> tuple[Kept, Driver]:
    """Runs a study to its end, by a new driver after each so many reports."""
    kept = Kept(asked, taught)
    driver, reports = Driver(kept, lambda: None), 0
    running: list[int] = []
    while True:
        while len(running) < slots and (proposal := driver.next()) is not None:
            running.append(proposal.number)
        if not running:
            return kept, driver
        number = running.pop(0)
        trial = kept.trials[number]
        epoch, failed = trial.epoch + 1, number % 7 == 6
        told = {"failure": {"code": "NONFINITE", "message": "loss"} if failed else None, "checkpoint": None}
        values = scores(trial.config, epoch, asked.objectives[1].from_epoch)
        if driver.report(
            number, {**told, "epoch": epoch, "metrics": values, "train_seconds": 1.0, "score_seconds": 1.0}
        ):
            running.append(number)
        reports += 1
        if every and reports % every == 0:
            driver = Driver(kept, lambda: None)
            assert sorted(running) == [driver.next().number for _ in range(driver.requeued)]  # type: ignore[union-attr]


@pytest.mark.parametrize("sampler", OPTIONS)
@pytest.mark.parametrize("odd", ODD)
def test_a_driver_that_comes_back_draws_and_decides_as_the_uninterrupted_one(sampler: str, odd: str) -> None:
    asked = study(sampler, **ODD[odd])
    whole, driver = search(asked, 3, None)
    again, _ = search(asked, 3, every=4)
    assert again.events == whole.events
    assert sum(event.kind == "ended" for event in whole.events) == asked.budget.trials
    assert [event.config for event in whole.events if event.kind == "asked"][: len(asked.first)] == [
        {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
        for config in asked.first
    ]
    teaching = driver._sampler._teaching
    assert teaching is not None
    for lesson in teaching._lessons.values():
        assert all(trial.state != TrialState.RUNNING for trial in lesson._study.get_trials())
    assert teaching.rows(asked.budget.trials) >= 3  # it did not draw at random to the end


@pytest.mark.parametrize("sampler", OPTIONS)
def test_rows_of_other_studies_teach_the_last_rung_alone_and_are_asked_at_once(sampler: str) -> None:
    asked = study(sampler, trials=24)
    whole, driver = search(asked, 2, None, WARM)
    assert search(asked, 2, every=3, taught=WARM)[0].events == whole.events
    begun = Driver(Kept(asked, WARM), lambda: None)._sampler._teaching
    assert begun is not None
    assert {number: begun.asked(number) for number in range(20)} == dict.fromkeys(range(20), 9)
    assert {rung: lesson.rows for rung, lesson in begun._lessons.items()} == {3: 0, 9: len(WARM)}
    assert driver._sampler._teaching is not None
    assert {driver._sampler._teaching.asked(number) for number in range(50)} == {3, 9}


def test_a_draw_begun_before_the_turn_changed_is_of_the_rung_that_it_began_with() -> None:
    """The rung of the last epoch has a goal more than the one that was asked."""

    def drawn(disturbed: bool) -> dict[str, Any] | None:
        sampler = Sampler(study("gp", late=9), (3, 9))
        for number in range(3):
            config = sampler.ask(number)
            assert config is not None
            sampler.observe(number, 3, scores(config, 3, late=9))
        assert not sampler.ready(3)
        if disturbed:
            assert sampler._teaching is not None
            before = sampler._teaching.goals(3)
            for number in range(2):
                sampler.end(number, "complete", {"a": 0.5, "b": 1.0 + number})
            assert (before, sampler._teaching.goals(3)) == (["max"], ["max", "min"])
        return sampler.ask(3)

    assert drawn(disturbed=True) == drawn(disturbed=False)
