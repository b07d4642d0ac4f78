import logging
import warnings
from dataclasses import replace

import optuna
import pytest
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from robustune.teaching import Teaching
from search_spaces.study import Budget, EarlyStopping, Study

LAWS = {"x": optuna.distributions.FloatDistribution(0, 1), "one": optuna.distributions.IntDistribution(3, 3)}
STUDY = Study(
    name="toy",
    trainer="none",
    data="none",
    space={"x": {"uniform": [0, 1]}},
    objectives=[
        {"metric": "accuracy", "goal": "max", "reference": 0.0},
        {"metric": "cost", "goal": "min", "reference": 9.0},
    ],
    constraints=[{"metric": "accuracy", "at_least": 0.6}, {"metric": "accuracy", "at_most": 0.9}],
    budget={"trials": 10, "epochs": 9},
)
GOOD = {"accuracy": 0.7, "cost": 1.0}


class Witness(BaseSampler):
    """Draws at random and remembers the study it was asked in."""

    def __init__(self):
        self.chance = RandomSampler(seed=1)
        self.trials = None
        self.directions = None

    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        self.directions = study.directions
        self.trials = [one for one in study.get_trials() if one.number != trial.number]
        return {}

    def sample_independent(self, study, trial, name, law):
        return self.chance.sample_independent(study, trial, name, law)


def begin(teaching, number, sampler=None):
    witness = sampler or Witness()
    teaching.ask(number, witness, draw)
    return witness


def draw(trial):
    trial.suggest_float("x", 0, 1)
    trial.suggest_int("one", 3, 3)


def states(teaching, rung):
    """States of the trials at a rung, as a sampler sees them."""
    lesson = teaching._lessons[rung]
    return [trial.state for trial in lesson._study.get_trials()]


R, C, F = TrialState.RUNNING, TrialState.COMPLETE, TrialState.FAIL


def test_a_trial_is_running_at_every_rung_until_it_reaches_it():
    teaching = Teaching(STUDY, (2, 4, 9), enough=2)
    begin(teaching, 0)
    assert [states(teaching, rung) for rung in (2, 4, 9)] == [[R], [R], [R]]
    teaching.tell(0, 2, GOOD)
    assert [states(teaching, rung) for rung in (2, 4, 9)] == [[C], [R], [R]]
    teaching.close(0)
    assert [states(teaching, rung) for rung in (2, 4, 9)] == [[C], [F], [F]]


def test_what_was_told_stays_told():
    teaching = Teaching(STUDY, (3, 9), enough=2)
    begin(teaching, 0)
    teaching.tell(0, 3, GOOD)
    teaching.tell(0, 3, {"accuracy": 0.1, "cost": 5.0})
    teaching.close(0)
    witness = begin(teaching, 1)
    assert [one.values for one in witness.trials] == [[0.7, 1.0]]


def test_rungs_with_enough_rows_are_asked_in_turn():
    teaching = Teaching(STUDY, (2, 4, 9), enough=2)
    for number, reached in enumerate([(2,), (2, 4), (2, 4), (2, 4, 9), (2, 4, 9)]):
        begin(teaching, number)
        for rung in reached:
            teaching.tell(number, rung, GOOD)
        teaching.close(number)
        assert {teaching.asked(other) for other in range(50)} == ({2}, {2}, {2, 4}, {2, 4}, {2, 4, 9})[number]
    turns = [teaching.asked(number) for number in range(3000)]
    assert all(900 < turns.count(rung) < 1100 for rung in (2, 4, 9))
    assert turns == [teaching.asked(number) for number in range(3000)]


def test_rungs_before_a_fifth_of_the_epochs_teach_nothing():
    teaching = Teaching(STUDY, (1, 2, 9), enough=1)
    begin(teaching, 0)
    teaching.tell(0, 1, GOOD)
    assert teaching.asked(1) == 2
    assert teaching.rows(1) == 0


@pytest.mark.parametrize(
    ("epochs", "trials", "grace", "brackets", "told"),
    [
        (1, 48, 1, 1, (1,)),
        (2, 48, 1, 1, (1, 2)),
        (5, 48, 1, 1, (1, 3, 5)),
        (9, 48, 1, 1, (3, 9)),
        (9, 35, 1, 1, (1, 3, 9)),  # 11 trials are expected at epoch 3
        (15, 48, 1, 1, (3, 9, 15)),
        (16, 48, 1, 1, (3, 9, 16)),  # 5 at epoch 9, so epoch 3 teaches all the same
        (16, 120, 1, 1, (9, 16)),
        (50, 48, 1, 1, (3, 9, 27, 50)),
        (50, 10, 1, 1, (1, 3, 9, 27, 50)),  # never enough at any
        (50, 400, 1, 1, (27, 50)),
        (50, 200, 1, 1, (9, 27, 50)),
        (50, 200, 1, 3, (27, 50)),  # trials of later brackets come to epoch 27 unselected, or nearly
        (50, 200, 5, 1, (15, 45, 50)),
        (50, 50, 5, 1, (15, 45, 50)),
    ],
)
def test_early_rungs_teach_where_the_later_ones_would_never_have_enough_rows(epochs, trials, grace, brackets, told):
    rule = {"name": "pareto_halving", "grace": grace, "reduction": 3, "brackets": brackets}
    asked = replace(STUDY, budget=Budget(trials, epochs), early_stopping=EarlyStopping(**rule))
    rungs = (*asked.early_stopping.rungs(epochs), epochs)
    assert Teaching(asked, rungs, enough=12).telling(rungs) == told


def test_a_rung_without_all_objectives_is_asked_only_until_another_has_enough_rows():
    late = replace(STUDY, objectives=(STUDY.objectives[0], replace(STUDY.objectives[1], from_epoch=4)))
    teaching = Teaching(late, (2, 4, 9), enough=1)
    begin(teaching, 0)
    teaching.tell(0, 2, GOOD)
    assert {teaching.asked(number) for number in range(50)} == {2}
    assert teaching.goals(1) == ["max"]
    teaching.tell(0, 4, GOOD)
    assert {teaching.asked(number) for number in range(50)} == {4}
    assert teaching.goals(1) == ["max", "min"]


def test_a_stopped_trials_scores_never_pass_for_scores_of_more_epochs():
    teaching = Teaching(STUDY, (3, 9), enough=1)
    for number, final in enumerate([None, {"accuracy": 0.8, "cost": 2.0}]):
        begin(teaching, number)
        teaching.tell(number, 3, GOOD)
        if final:
            teaching.tell(number, 9, final)
        teaching.close(number)
    number = next(number for number in range(2, 50) if teaching.asked(number) == 9)
    witness = begin(teaching, number)
    assert [(one.state, one.values) for one in witness.trials] == [(F, None), (C, [0.8, 2.0])]


def test_goals_and_constraints_reach_the_sampler():
    teaching = Teaching(STUDY, (9,), enough=1)
    for number, accuracy in enumerate([0.5, 0.7, 0.95]):
        begin(teaching, number)
        teaching.tell(number, 9, {"accuracy": accuracy, "cost": 1.0})
    witness = begin(teaching, 3)
    assert [direction.name for direction in witness.directions] == ["MAXIMIZE", "MINIMIZE"]
    feasible = [all(value <= 0 for value in one.constraints.values()) for one in witness.trials]
    assert feasible == [False, True, False]


@pytest.mark.parametrize("metrics", [{}, {"accuracy": 0.7}, {"accuracy": float("nan"), "cost": 1.0}])
def test_unusable_scores_are_a_failure_and_no_row(metrics):
    teaching = Teaching(STUDY, (3, 9), enough=1)
    begin(teaching, 0)
    teaching.tell(0, 9, metrics)
    assert states(teaching, 9) == [F]
    assert teaching.asked(1) == 3


def test_restored_trials_look_alike_to_a_sampler():
    def told(teaching):
        teaching.tell(0, 3, GOOD)
        witness = begin(teaching, 1)
        return [(one.params, one.distributions, one.state, one.values, one.constraints) for one in witness.trials]

    first = Teaching(STUDY, (3, 9), enough=1)
    trial, attributes = first.ask(0, TPESampler(seed=1), draw)
    again = Teaching(STUDY, (3, 9), enough=1)
    again.restore(0, trial.params, LAWS, attributes)
    assert told(again) == told(first)


def test_nsga2_counts_generations_at_every_rung_and_gets_them_back():
    def fresh():
        return NSGAIISampler(seed=1, population_size=2)

    def generations(teaching):
        return {
            rung: [one.system_attrs.get("NSGAIISampler:generation") for one in lesson._study.get_trials()]
            for rung, lesson in teaching._lessons.items()
        }

    first, again = (Teaching(STUDY, (3, 9), enough=2) for _ in range(2))
    for number in range(5):
        trial, attributes = first.ask(number, fresh(), draw)
        again.restore(number, trial.params, LAWS, attributes)
        for teaching in (first, again):
            teaching.tell(number, 3, GOOD)
            teaching.close(number)
    assert generations(first) == generations(again) == {3: [0, 0, 1, 1, 2], 9: [0, 0, 0, 0, 0]}


def test_nothing_is_logged_warned_or_left_changed(caplog):
    optuna.logging.enable_propagation()
    level = optuna.logging.get_verbosity()
    try:
        with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
            warnings.simplefilter("error")
            teaching = Teaching(STUDY, (3, 9), enough=1)
            for number in range(12):
                begin(teaching, number, TPESampler(seed=number, n_startup_trials=2))
                teaching.tell(number, 3, GOOD)
                teaching.close(number)
    finally:
        optuna.logging.disable_propagation()
    assert [record for record in caplog.records if record.name.startswith("optuna")] == []
    assert optuna.logging.get_verbosity() == level


def test_a_rung_teaches_what_is_measured_there_alone():
    late = replace(STUDY, objectives=(STUDY.objectives[0], replace(STUDY.objectives[1], from_epoch=4)))
    teaching = Teaching(late, (3, 9), enough=1)
    begin(teaching, 0)
    teaching.tell(0, 3, {"accuracy": 0.7})
    witness = begin(teaching, 1)
    assert [one.values for one in witness.trials] == [[0.7]]
    assert len(witness.directions) == 1
