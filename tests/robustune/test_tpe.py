"""Our TPE draws what Optuna's does and divides the trials once a draw."""

from random import Random

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from robustune import tpe
from robustune.distributions import at, suggest
from robustune.lessons import quiet
from robustune.tpe import Tpe

LAWS = {
    "rate": FloatDistribution(1e-5, 1e-2, log=True),
    "depth": IntDistribution(0, 5),
    "kind": CategoricalDistribution(range(3)),
    "flag": CategoricalDistribution((False, True)),
}


def a_study(objectives):
    """40 trials: complete, infeasible, failed and running ones, and some that lack an option."""
    with quiet():
        study = optuna.create_study(directions=["minimize", "maximize", "maximize"][:objectives])
    for number in range(40):
        chance = Random(number)
        laws = {key: law for key, law in LAWS.items() if key != "flag" or number % 3}
        state = (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.COMPLETE, TrialState.FAIL)[number % 4]
        study.add_trial(
            create_trial(
                state=TrialState.RUNNING if number > 37 else state,
                params={key: at(law, chance.random()) for key, law in laws.items()},
                distributions=laws,
                values=[chance.random() for _ in range(objectives)] if state == TrialState.COMPLETE else None,
                constraints={"bound": chance.random() - 0.8},
            )
        )
    return study


def draws(study, make, multivariate=True):
    found = []
    for seed in range(4):
        study.sampler = make(seed=seed, n_startup_trials=5, multivariate=multivariate, constant_liar=True)
        trial = study.ask()
        found.append({key: suggest(trial, key, law) for key, law in LAWS.items()})
        study.tell(trial, [seed / 4] * len(study.directions))
    return found


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("multivariate", [True, False])
def test_it_draws_what_optuna_draws(objectives, multivariate):
    ours, optunas = (draws(a_study(objectives), make, multivariate) for make in (Tpe, TPESampler))
    assert ours == optunas


@pytest.mark.parametrize(
    ("make", "multivariate", "times"),
    [(Tpe, True, 1), (Tpe, False, 1), (TPESampler, True, 2), (TPESampler, False, len(LAWS))],
    ids=["ours", "ours alone", "Optuna's, the conditional option apart", "Optuna's, each option apart"],
)
def test_the_trials_are_divided_once_a_draw(monkeypatch, make, multivariate, times):
    divided, split = [], tpe.inside._split_trials
    monkeypatch.setattr(tpe.inside, "_split_trials", lambda *given: divided.append(1) or split(*given))
    draws(a_study(2), make, multivariate)
    assert len(divided) == 4 * times


def test_where_optuna_has_changed_inside_it_draws_by_itself(monkeypatch):
    expected = draws(a_study(2), TPESampler)
    monkeypatch.setattr(tpe, "_KNOWN", ("no_longer_there",))
    assert draws(a_study(2), Tpe) == expected
