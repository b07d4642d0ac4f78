"""Ray's own rules decide here as they do in Ray, and are rebuilt from what was reported."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, MedianStoppingRule

from robustune.brackets import Brackets, shares
from robustune.cluster import connected
from robustune.ray_rules import Asha, MedianStopping, RayRule, StandIn
from robustune.rules import rule_of
from search_spaces.study import Constraint, EarlyStopping, Objective, Study
from trainables.seeds import derive

EPOCHS = 9
ASHA = EarlyStopping("asha")
MEDIAN = EarlyStopping("median_stopping")
Step = tuple[int, int, Mapping[str, float]]


def study(rule: EarlyStopping, goal: str = "max", seed: int = 0) -> Study:
    laws: dict[str, Any] = {
        "space": {"x": {"uniform": [0, 1]}},
        "objectives": [{"metric": "score", "goal": goal, "reference": 0.0}],
        "budget": {"trials": 10, "epochs": EPOCHS},
    }
    return Study(name="toy", trainer="none", data="none", early_stopping=rule, seed=seed, **laws)


def fresh(asked: Study) -> RayRule:
    rule = rule_of(asked)
    assert isinstance(rule, Asha if asked.early_stopping.name == "asha" else MedianStopping)
    return rule


def scheduler_of(asked: Study) -> Any:
    """Ray's scheduler with the options that docs/study-files.md says ours are mapped to."""
    told, (objective,) = asked.early_stopping, asked.objectives
    common = {"time_attr": "training_iteration", "metric": objective.metric, "mode": objective.goal}
    if told.name == "asha":
        halved = {"grace_period": told.grace, "reduction_factor": told.reduction, "brackets": told.brackets}
        return AsyncHyperBandScheduler(max_t=asked.budget.epochs, **halved, **common)
    patient: dict[str, Any] = {"min_time_slice": math.inf, "hard_stop": True}
    return MedianStoppingRule(grace_period=told.grace, min_samples_required=told.quorum, **patient, **common)


class Tune:
    """Tells Ray's scheduler of reports as Tune's controller does, whose trials end by themselves at the last epoch."""

    def __init__(self, asked: Study) -> None:
        self._asked, self._scheduler, self._drawn = asked, scheduler_of(asked), Brackets(asked)
        self._trials: dict[int, StandIn] = {}

    def report(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        if number not in self._trials:
            self._trials[number] = StandIn(f"trial {number}")
            self._scheduler.on_trial_add(None, self._trials[number])
            if self._asked.early_stopping.name == "asha":  # Ray draws it by chance
                bracket = self._scheduler._brackets[self._drawn.of(number)]
                self._scheduler._trial_info[self._trials[number].trial_id] = bracket
        trial, result = self._trials[number], {"training_iteration": epoch, **metrics}
        ends = epoch >= self._asked.budget.epochs
        if not ends and self._scheduler.on_trial_result(None, trial, result) == FIFOScheduler.CONTINUE:
            return True
        self._scheduler.on_trial_complete(None, trial, result)
        return ends


@st.composite
def rules(draw: st.DrawFn) -> Study:
    grace, name = draw(st.integers(1, 4)), draw(st.sampled_from(["asha", "median_stopping"]))
    if name == "median_stopping":
        rule = EarlyStopping(name, grace, quorum=draw(st.integers(1, 4)))
    else:
        reduction = draw(st.integers(2, 4))
        possible = len(EarlyStopping(name, grace, reduction).rungs(EPOCHS))
        rule = EarlyStopping(name, grace, reduction, draw(st.integers(1, possible)))
    return study(rule, draw(st.sampled_from(["max", "min"])), draw(st.integers(0, 3)))


@st.composite
def searches(draw: st.DrawFn) -> tuple[Study, list[Step], list[bool]]:
    """Trials that train side by side until Ray stops them or their last epoch ends them, and what Ray says."""
    asked = draw(rules())
    tune_, steps, said, running, numbers = Tune(asked), [], [], dict[int, int](), count()
    for place, value in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), min_size=10, max_size=120)):
        while len(running) < 4:
            running[next(numbers)] = 0
        number = sorted(running)[place]
        running[number] += 1
        step = (number, running[number], {"score": float(value)})
        steps.append(step)
        said.append(tune_.report(*step))
        if not said[-1] or running[number] == EPOCHS:
            del running[number]
    return asked, steps, said


@given(searches())
@settings(max_examples=120, deadline=None)
def test_it_decides_as_rays_scheduler_in_the_hands_of_tune(case: tuple[Study, list[Step], list[bool]]) -> None:
    asked, steps, said = case
    rule = fresh(asked)
    assert [rule.report(*step) for step in steps] == said


@given(searches(), st.integers(0, 120))
@settings(max_examples=120, deadline=None)
def test_a_rule_that_remembers_what_came_before_decides_as_the_one_that_saw_it(
    case: tuple[Study, list[Step], list[bool]], cut: int
) -> None:
    asked, steps, said = case
    restored = fresh(asked)
    for step, goes_on in zip(steps[:cut], said, strict=False):
        restored.remember(*step)
        if not goes_on:
            restored.stopped(step[0])
    assert [restored.report(*step) for step in steps[cut:]] == said[cut:]


@given(searches())
@settings(max_examples=60, deadline=None)
def test_a_report_told_twice_is_answered_alike_and_counts_once(
    case: tuple[Study, list[Step], list[bool]],
) -> None:
    asked, steps, said = case
    rule = fresh(asked)
    for step, goes_on in zip(steps, said, strict=True):
        assert rule.report(*step) == rule.report(*step) == goes_on


@pytest.mark.parametrize("rule", [ASHA, MEDIAN])
@pytest.mark.parametrize("goal", ["max", "min"])
def test_the_worst_are_stopped_and_nobody_at_the_last_epoch(rule: EarlyStopping, goal: str) -> None:
    asked = fresh(study(rule, goal))
    sign = 1.0 if goal == "max" else -1.0
    for number in range(4):
        assert all(asked.report(number, epoch, {"score": sign * number}) for epoch in range(1, EPOCHS + 1))
    assert not asked.report(4, 1, {"score": -sign})
    assert asked.report(5, EPOCHS, {"score": -sign})


@pytest.mark.parametrize("rule", [ASHA, MEDIAN])
@pytest.mark.parametrize("broken", [{}, {"score": math.nan}, {"score": math.inf}])
def test_unusable_scores_do_not_go_on_and_leave_no_trace(rule: EarlyStopping, broken: Mapping[str, float]) -> None:
    asked, clean = fresh(study(rule)), fresh(study(rule))
    assert not asked.report(99, 1, broken)
    asked.remember(98, 1, broken)
    for number in range(12):
        step = (number, 1, {"score": float(derive(number) % 7)})
        assert asked.report(*step) == clean.report(*step)


@pytest.mark.parametrize("rule", [replace(ASHA, grace=2), replace(MEDIAN, grace=2)])
def test_epochs_before_the_objective_is_measured_and_constraints_count_for_nothing(rule: EarlyStopping) -> None:
    late = replace(
        study(rule),
        objectives=(Objective("score", "max", 0.0, from_epoch=2),),
        constraints=(Constraint("share", at_most=0.0),),
    )
    asked, plain = fresh(late), fresh(study(rule))
    for number in range(12):
        assert asked.report(number, 1, {"share": 1.0})
        step = (number, 2, {"score": float(derive(number) % 7), "share": 1.0})
        assert asked.report(*step) == plain.report(*step)


def test_numpys_global_state_is_left_alone() -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[union-attr, index]
    asked = fresh(study(replace(ASHA, brackets=2)))
    for number in range(9):
        asked.report(number, 1, {"score": 0.0})
    assert np.random.get_state()[1].tolist() == state  # type: ignore[union-attr, index]


@pytest.mark.parametrize("brackets", [1, 2])
def test_the_shares_of_asha_are_rays(brackets: int) -> None:
    rule = replace(ASHA, brackets=brackets)
    sizes = np.array([len(bracket._rungs) for bracket in scheduler_of(study(rule))._brackets])
    drawn = np.e ** (sizes - sizes.max())
    assert [float(one) for one in shares(rule, EPOCHS)] == pytest.approx((drawn / drawn.sum()).tolist())


def curve(number: int, epoch: int) -> float:
    """Learning curves that cross."""
    end, pace = (derive(number, part) % 1000 / 1000 for part in ("end", "pace"))
    return float(end * (1 - math.exp(-epoch * (0.1 + pace))))


class Learner(tune.Trainable):
    """Scores a curve in closed form, an epoch a step."""

    def setup(self, config: dict[str, Any]) -> None:
        self.number, self.epoch = config["number"], 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        self.epoch += 1
        return {"score": curve(self.number, self.epoch)}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing is kept."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with connected(None):
        yield


@pytest.mark.ray
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    "rule", [ASHA, replace(ASHA, grace=2, reduction=2), MEDIAN, replace(MEDIAN, grace=2, quorum=6)]
)
def test_a_real_run_of_ray_stops_the_same_trials_after_the_same_epochs(tmp_path: Path, rule: EarlyStopping) -> None:
    asked = study(rule)
    results = tune.Tuner(
        tune.with_resources(Learner, {"cpu": 1}),
        param_space={"number": tune.grid_search(list(range(24)))},
        tune_config=tune.TuneConfig(scheduler=scheduler_of(asked), max_concurrent_trials=1, reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path),
            stop={"training_iteration": EPOCHS},
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    ).fit()
    trained = {one.config["number"]: one.metrics["training_iteration"] for one in results}  # type: ignore[index]
    ours, expected = fresh(asked), {}
    for number in range(24):
        scores = {epoch: {"score": curve(number, epoch)} for epoch in range(1, EPOCHS + 1)}
        ends = (epoch for epoch in scores if not ours.report(number, epoch, scores[epoch]))
        expected[number] = next(ends, EPOCHS)
    assert trained == expected
    assert len(set(expected.values())) > 1
