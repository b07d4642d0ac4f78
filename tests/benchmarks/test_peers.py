"""The peers of `search-quality` are what their users write: spoken to by hand they propose and decide alike."""

import datetime
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import NSGAIISampler, TPESampler

from analysis.front import losses
from benchmarks.peers import plain_optuna
from robustune.curve_files import Curve
from robustune.grid import grid
from robustune.makers import population_size
from robustune.replay import Ended, Nets, replay
from search_spaces import Budget, Choice, EarlyStopping, LogUniform, Objective, Study, Subset, Uniform, Whole
from search_spaces.study import Constraint
from trainables.seeds import derive

pytest.importorskip("syne_tune", reason="the extra `peers` is not installed")
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, loguniform, randint, uniform
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import NonDominatedPriority

from benchmarks.peers import moasha

EPOCHS = 9
HOUR = 3600.0
STUDY = Study(
    name="peers",
    trainer="closed-form",
    data="none",
    space={
        "rate": LogUniform(1e-4, 1e-1, points=(1e-4, 1e-3, 1e-2, 1e-1)),
        "depth": Whole(0, 5, points=(0, 3, 5)),
        "kind": Choice(("a", "b")),
        "parts": Subset((1, 2)),
        "share": Uniform(0, 1, points=(0.0, 1.0), when={"parts": "nonempty"}),
    },
    objectives=(Objective("accuracy", "max", 0.0), Objective("cost", "min", 20.0)),
    constraints=(Constraint("accuracy", at_least=0.2),),
    budget=Budget(trials=30, epochs=EPOCHS),
    early_stopping=EarlyStopping("pareto_halving"),
    seed=7,
)


def scores_of(config: Mapping[str, Any], epoch: int) -> dict[str, float]:
    accuracy = 1 - abs(math.log10(config["rate"]) + 2.5) / 3 - config.get("share", 0.5) / 5
    return {"accuracy": accuracy * epoch / EPOCHS, "cost": config["depth"] + len(config["parts"]) + epoch / 10}


def nets() -> Nets:
    curves = [
        Curve(config, 0, (HOUR,) * EPOCHS, tuple(scores_of(config, epoch) for epoch in range(1, EPOCHS + 1)))
        for config in grid(STUDY.space, 0)
    ]
    return Nets(STUDY, curves)


def told(ended: list[Ended]) -> list[tuple[int, str]]:
    return [(one.configuration, one.state) for one in ended]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(*[st.sampled_from([0.0, 0.1, 0.25, 0.7, 3.0])] * 3), min_size=1, max_size=20))
def test_the_quick_priority_ends_with_the_row_that_the_published_one_ends_with(rows: list[Any]) -> None:
    scores = np.array(rows)
    quick, published = moasha.LastFirst()(scores), NonDominatedPriority()(scores)
    assert sorted(quick.tolist()) == list(range(len(rows)))
    assert quick[-1] == published[-1]


@pytest.mark.parametrize("reduction", [2, 3])
@pytest.mark.parametrize("grace", [1, 3])
def test_moasha_proposes_and_decides_as_when_run_by_hand(grace: int, reduction: int) -> None:
    """One worker; NumPy's global stream is seeded once here, and nothing else draws from it."""
    table, seed = nets(), derive(STUDY.seed, "peer") % 2**32
    space = {
        "rate": loguniform(1e-4, 1e-1),
        "depth": randint(0, 5),
        "kind": choice([0, 1]),
        "parts[0]": choice([False, True]),
        "parts[1]": choice([False, True]),
        "share": uniform(0.0, 1.0),
    }
    by_hand = MOASHA(
        space, ["accuracy", "cost"], time_attr="epoch", max_t=EPOCHS, grace_period=grace, reduction_factor=reduction
    )
    np.random.seed(seed)
    found = []
    for number in range(40):
        drawn = by_hand.suggest().config
        config = {"rate": drawn["rate"], "depth": int(drawn["depth"]), "kind": "ab"[drawn["kind"]]}
        config["parts"] = [part for part in (1, 2) if drawn[f"parts[{part - 1}]"]]
        config |= {"share": drawn["share"]} if config["parts"] else {}
        trial = Trial(number, drawn, datetime.datetime.min)
        by_hand.on_trial_add(trial)
        place = table._rounding.nearest(config)
        for epoch in range(1, EPOCHS + 1):
            scores = scores_of(table.configs[place], epoch)
            result = {"accuracy": -scores["accuracy"], "cost": scores["cost"], "epoch": epoch}
            if by_hand.on_trial_result(trial, result) == "STOP":
                break
        found.append((place, "complete" if epoch == EPOCHS else "stopped"))
    ended = replay(STUDY, table, 1, 40 * EPOCHS * HOUR, lambda study, clock: moasha.SyneTune(study, grace, reduction))
    assert told(ended)[:40] == found
    assert {state for _, state in found} == {"complete", "stopped"}


def test_moasha_leaves_the_global_stream_alone_and_searches_keep_their_own() -> None:
    table, horizon = nets(), 100 * HOUR
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    first = replay(STUDY, table, 4, horizon, moasha.by_default)
    assert np.random.get_state()[1].tolist() == before
    np.random.seed(2)
    assert replay(STUDY, table, 4, horizon, moasha.by_default) == first
    assert told(replay(STUDY.override(seed=8), table, 4, horizon, moasha.by_default)) != told(first)


def test_the_two_variants_of_moasha_differ_in_their_grace() -> None:
    table, horizon = nets(), 100 * HOUR
    study = Study(**{**vars(STUDY), "early_stopping": EarlyStopping("pareto_halving", grace=3)})
    ours, default = (replay(study, table, 1, horizon, one) for one in (moasha.as_ours, moasha.by_default))
    spent = [[len(ended), ended[0].epochs] for ended in (ours, default)]
    assert spent[0][0] < spent[1][0]
    assert default == replay(STUDY, table, 1, horizon, moasha.as_ours)


@pytest.mark.parametrize("name", ["tpe", "tpe_multivariate", "nsga2"])
def test_optuna_proposes_what_it_proposes_by_hand(name: str) -> None:
    table, seed = nets(), derive(STUDY.seed, "peer") % 2**32
    made = {
        "tpe": TPESampler(seed=seed, constant_liar=True),
        "tpe_multivariate": TPESampler(seed=seed, multivariate=True, constant_liar=True),
        "nsga2": NSGAIISampler(seed=seed, population_size=population_size(30)),
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    by_hand = optuna.create_study(directions=["maximize", "minimize"], sampler=made[name])
    found = []
    for _ in range(30):
        trial = by_hand.ask()
        config: dict[str, Any] = {
            "rate": trial.suggest_float("rate", 1e-4, 1e-1, log=True),
            "depth": trial.suggest_int("depth", 0, 5),
            "kind": "ab"[trial.suggest_categorical("kind", [0, 1])],
        }
        config["parts"] = [part for part in (1, 2) if trial.suggest_categorical(f"parts[{part - 1}]", [False, True])]
        if config["parts"]:
            config["share"] = trial.suggest_float("share", 0.0, 1.0)
        place = table._rounding.nearest(config)
        found.append(place)
        scores = scores_of(table.configs[place], EPOCHS)
        trial.set_constraint("0:accuracy", 0.2 - scores["accuracy"])
        by_hand.tell(trial, [scores["accuracy"], scores["cost"]])
    ended = replay(STUDY, table, 1, 30 * EPOCHS * HOUR, getattr(plain_optuna, name))
    assert told(ended) == [(place, "complete") for place in found]


@pytest.mark.parametrize("searcher", [plain_optuna.random, plain_optuna.nsga2, plain_optuna.tpe, moasha.by_default])
def test_a_net_that_fails_ends_its_trial_and_the_search_goes_on(searcher: Any) -> None:
    configs = grid(STUDY.space, 0)
    curves = [Curve(config, 0, (1.0,), (), "NONFINITE") for config in configs[::2]]
    curves += [
        Curve(config, 0, (1.0,) * EPOCHS, tuple(scores_of(config, epoch) for epoch in range(1, EPOCHS + 1)))
        for config in configs[1::2]
    ]
    ended = replay(STUDY, Nets(STUDY, curves), 4, 60.0, searcher)
    assert {one.state for one in ended} >= {"failed", "complete"}
    assert ended[-1].seconds > 55


def test_maxima_and_minima_are_both_told_as_what_is_to_be_small() -> None:
    assert losses(np.array([[0.25, 3.0]]), ["max", "min"]).tolist() == [[-0.25, 3.0]]
    searcher = moasha.SyneTune(STUDY, 1, 3)
    heard: list[dict[str, Any]] = []
    decide = searcher._scheduler.on_trial_result
    searcher._scheduler.on_trial_result = lambda trial, result: (heard.append(result), decide(trial, result))[1]
    number = searcher.next().number
    assert searcher.report(number, {"failure": None, "epoch": 1, "metrics": {"accuracy": 0.25, "cost": 3.0}})
    assert heard == [{"accuracy": -0.25, "cost": 3.0, "epoch": 1}]
