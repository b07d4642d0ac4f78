import json
import os
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustune.errors import Mistake
from robustune.grid import grid
from robustune.halving import ParetoHalving, rungs
from robustune.makers import population_size
from robustune.sampler import Sampler
from search_spaces.domains import active
from search_spaces.samplers import SAMPLERS as VOCABULARY
from search_spaces.study import Study

SPACE = {
    "batch_size": {"choice": [8, 16, 32, 64]},
    "learning_rate": {"log_uniform": [1e-5, 1e-2]},
    "noise_scale": {"uniform": [0.0, 0.2]},
    "unfrozen_layers": {"whole": [0, 5]},
    "width": {"log_whole": [4, 64]},
    "fooling_rates": {"subset": [5, 20, 100]},
    "extra_share": {"uniform": [0.1, 1.0], "when": {"fooling_rates": "nonempty"}},
    "momentum": {"uniform": [0.0, 0.9], "when": {"batch_size": [8, 16]}},
}
FINITE = {
    "model": {"choice": ["thin", "wide"]},
    "sets": {"subset": ["gaussian", "stylised"]},
    "share": {"uniform": [0.1, 1.0], "points": [0.1, 0.5, 1.0], "when": {"sets": "nonempty"}},
    "layers": {"whole": [0, 2], "when": {"model": "wide"}},
}
SAMPLERS = {
    "random": {},
    "qmc": {"sequence": "halton"},
    "tpe": {"startup_trials": 4, "candidates": 8},
    "nsga2": {"population_size": 4},
    "nsga3": {"population_size": 4},
}
BREEDING = {
    "population_size": 3,
    "mutation_probability": 0.4,
    "crossover_probability": 0.5,
    "swapping_probability": 0.2,
}
EVERY_OPTION = {
    "random": {},
    "grid": {},
    "qmc": {"sequence": "halton"},
    "tpe": {"startup_trials": 2, "candidates": 3},
    "nsga2": BREEDING,
    "nsga3": {**BREEDING, "divisions": 12},
    "gp": {"startup_trials": 2},
}


def study(sampler="tpe", space=None, trials=30, halving=True, objectives=2, seed=7, **options):
    return Study(
        name="toy",
        trainer="none",
        data="none",
        space=SPACE if space is None else space,
        objectives=[
            {"metric": "accuracy", "goal": "max", "reference": 0.0},
            {"metric": "cost", "goal": "min", "reference": 9.0},
        ][:objectives],
        constraints=[{"metric": "accuracy", "at_least": 0.2}],
        budget={"trials": trials, "epochs": 9},
        sampler={"name": sampler, "options": options},
        early_stopping={"name": "pareto_halving" if halving else "none"},
        seed=seed,
    )


def scores(config, epoch):
    """Smooth in every option, so that a sampler that learns has something to learn."""
    share = config.get("extra_share", 0.0)
    accuracy = (1 - (config["noise_scale"] - 0.1) ** 2 * 50) * (1 - 0.8 / epoch) - 0.3 * share
    return {"accuracy": accuracy, "cost": config["unfrozen_layers"] + config["learning_rate"] * 100 + 1 / epoch}


class Search:
    """Runs a study with a number of slots and keeps the events as the ledger would."""

    def __init__(self, study, slots=1):
        self.study, self.slots = study, slots
        self.rungs = rungs(study.early_stopping, study.budget.epochs)
        self.events, self.configs = [], {}
        self.running = []
        self.rebuild()

    def rebuild(self):
        self.sampler = Sampler(self.study, self.rungs)
        self.halving = ParetoHalving(self.study)
        for kind, number, *rest in json.loads(json.dumps(self.events)):
            if kind == "reported":
                self.halving.report(number, *rest)
            replay = {"asked": self.sampler.restore, "reported": self.sampler.observe, "ended": self.sampler.end}
            replay[kind](number, *rest)

    def run(self, rebuild_every=None):
        for number in range(self.study.budget.trials):
            if rebuild_every and number % rebuild_every == 0:
                self.rebuild()
            config = self.sampler.ask(number)
            self.configs[number] = config
            self.events.append(["asked", number, config, self.sampler.attributes(number)])
            self.running.append((number, 0))
            while len(self.running) >= self.slots:
                self.step()
        return self.configs

    def step(self):
        number, done = self.running.pop(0)
        epoch = self.rungs[done]
        if number % 7 == 6:
            return self.end(number, "failed", None)
        metrics = scores(self.configs[number], epoch)
        self.events.append(["reported", number, epoch, metrics])
        goes_on = self.halving.report(number, epoch, metrics)
        self.sampler.observe(number, epoch, metrics)
        if epoch == self.rungs[-1] or not goes_on:
            return self.end(number, "complete" if epoch == self.rungs[-1] else "stopped", metrics)
        return self.running.append((number, done + 1))

    def end(self, number, state, metrics):
        self.events.append(["ended", number, state, metrics])
        self.sampler.end(number, state, metrics)


@pytest.mark.parametrize("halving", [False, True])
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("name", SAMPLERS)
def test_rebuilt_from_its_record_after_any_trial_it_draws_the_same(name, slots, halving):
    asked = study(name, halving=halving, trials=24, **SAMPLERS[name])
    uninterrupted = Search(asked, slots).run()
    for every in (1, 5):
        assert Search(asked, slots).run(rebuild_every=every) == uninterrupted


def test_one_objective_is_rebuilt_alike_too():
    asked = study("tpe", objectives=1, trials=20, **SAMPLERS["tpe"])
    assert Search(asked, 2).run(rebuild_every=1) == Search(asked, 2).run()


@pytest.mark.slow
def test_python_hash_seeds_change_nothing():
    """Another process hashes strings otherwise, and so orders sets of names otherwise."""
    load = f"import runpy; told = runpy.run_path({__file__!r})"
    told = "; ".join(f"print(told['Search'](told['study']({name!r}, trials=20)).run())" for name in SAMPLERS)
    drawn = [
        subprocess.run(
            [sys.executable, "-c", f"{load}; {told}"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert drawn[0] == drawn[1] != ""


@pytest.mark.parametrize("name", SAMPLERS)
def test_configurations_are_lawful_plain_data_and_of_active_options_alone(name):
    asked = study(name, **SAMPLERS[name])
    for config in Search(asked).run().values():
        assert json.loads(json.dumps(config)) == config
        assert list(config) == [option for option in asked.space if active(asked.space, config, option)]
        for option, value in config.items():
            assert asked.space[option].contains(value)


@pytest.mark.parametrize("name", VOCABULARY)
def test_every_sampler_and_option_that_a_study_may_name_is_heeded(name):
    assert set(EVERY_OPTION[name]) == set(VOCABULARY[name])
    space = FINITE if name == "grid" else SPACE
    Search(study(name, space=space, **EVERY_OPTION[name])).sampler.ask(0)
    if name not in ("random", "grid"):
        trials = 4 if name == "gp" else 20  # one draw takes it tenths of a second
        plain = Search(study(name, trials=trials, halving=False)).run()
        for option, value in EVERY_OPTION[name].items():
            assert Search(study(name, trials=trials, halving=False, **{option: value})).run() != plain, option


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws_depend_on_the_study_seed_and_the_number(name):
    first, other = Sampler(study(name), (9,)), Sampler(study(name, seed=8), (9,))
    assert first.ask(0) != other.ask(0)
    assert first.ask(1) != first.ask(2)
    late = Sampler(study(name), (9,))
    assert late.ask(1) == Sampler(study(name), (9,)).ask(1)


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
def test_a_sampler_that_learns_draws_nearer_to_the_front_than_chance(name):
    def late(sampler):
        gaps = []
        for seed in range(2):
            configs = list(Search(study(sampler, trials=60, halving=False, seed=seed)).run().values())[30:]
            gaps += [abs(config["noise_scale"] - 0.1) / 0.1 + config["unfrozen_layers"] / 5 for config in configs]
        return sum(gaps) / len(gaps)

    assert late(name) < 0.85 * late("random")


@pytest.mark.parametrize("name", SAMPLERS)
def test_scores_that_are_missing_or_not_finite_are_survived(name):
    sampler = Sampler(study(name, **SAMPLERS[name]), (1, 3, 9))
    broken = [{}, {"accuracy": 0.5}, {"accuracy": float("nan"), "cost": 1.0}, {"accuracy": 0.5, "cost": float("inf")}]
    for number in range(12):
        sampler.ask(number)
        sampler.observe(number, 1, broken[number % 4])
        sampler.end(number, "complete", broken[number % 4])
    assert sampler.ask(12) is not None


def test_nsga2_inherits_conditional_options():
    """Under a crossover of common options alone, a conditional one would be drawn afresh nearly every time."""
    space = {
        "sets": {"choice": ["none", "gaussian"]},
        "share": {"uniform": [0.0, 1.0], "when": {"sets": "gaussian"}},
    }
    asked = study("nsga2", space=space, trials=60, halving=False, population_size=8)
    sampler, shares = Sampler(asked, (9,)), []
    for number in range(60):
        config = sampler.ask(number)
        share = config.get("share", 0.0)
        shares.append(share)
        sampler.end(number, "complete", {"accuracy": share, "cost": 1.0 - share})
    assert len(set(shares[8:]) - {0.0}) < 40


@pytest.mark.parametrize("trials", [1, 10, 16, 48, 200, 5000])
def test_populations_leave_room_for_generations(trials):
    size = population_size(trials)
    assert 4 <= size <= 50
    assert trials < 16 or trials // size >= 4


def test_a_grid_holds_every_active_configuration_once():
    asked = study("grid", space=FINITE)
    sampler = Sampler(asked, (9,))
    configs = []
    while (config := sampler.ask(len(configs))) is not None:
        configs.append(config)
    assert sampler.ask(len(configs)) is None
    # thin: one branch; wide: three layers. No sets: one branch; three non-empty subsets: three shares each.
    assert len(configs) == (1 + 3) * (1 + 3 * 3)
    assert len({json.dumps(config, sort_keys=True) for config in configs}) == len(configs)
    for config in configs:
        assert list(config) == [option for option in asked.space if active(asked.space, config, option)]
        assert all(asked.space[option].contains(value) for option, value in config.items())


def test_a_grid_needs_no_record_and_its_order_is_the_seeds():
    asked = study("grid", space=FINITE)
    first, resumed = Sampler(asked, (9,)), Sampler(asked, (9,))
    configs = [first.ask(number) for number in range(40)]
    assert [resumed.ask(number) for number in range(20, 40)] == configs[20:]
    other = Sampler(study("grid", space=FINITE, seed=8), (9,))
    assert [other.ask(number) for number in range(40)] != configs


def test_a_grid_that_cannot_be_enumerated_is_the_users_mistake():
    with pytest.raises(Mistake, match=r"space\.learning_rate, space\.noise_scale.*points"):
        Sampler(study("grid"), (9,))
    with pytest.raises(Mistake, match="at most 100,000"):
        Sampler(study("grid", space={"a": {"whole": [0, 999]}, "b": {"whole": [0, 999]}}), (9,))


@st.composite
def spaces(draw):
    """Small finite spaces whose options may ask for any earlier one."""
    space = {}
    for place in range(draw(st.integers(1, 4))):
        domain = {"choice": list(range(draw(st.integers(1, 3))))} if draw(st.booleans()) else {"subset": [0, 1]}
        if space and draw(st.booleans()):
            cause = draw(st.sampled_from(sorted(space)))
            domain["when"] = {cause: "nonempty" if "subset" in space[cause] else 0}
        space[f"option{place}"] = domain
    return space


@given(spaces())
@settings(max_examples=60, deadline=None)
def test_a_grid_is_what_random_draws_can_reach(space):
    asked = study("random", space=space)
    whole = {json.dumps(config, sort_keys=True) for config in grid(asked.space, seed=0)}
    chance = random.Random(0)
    for _ in range(20):
        config = {}
        for name, domain in asked.space.items():
            if active(asked.space, config, name):
                value = chance.choice(domain.grid())
                config[name] = list(value) if isinstance(value, tuple) else value
        assert json.dumps(config, sort_keys=True) in whole


@pytest.mark.parametrize(("state", "learns"), [("failed", True), ("lost", False)])
def test_tpe_leaves_a_region_where_trials_fail_by_their_options(state, learns):
    """Ignored failures draw TPE into the region; a lost worker is no failure of the options and stays ignored."""
    space = {name: {"uniform": [0.0, 1.0]} for name in "xy"}
    asked = []
    for seed in range(4):
        made = Study(
            name="toy",
            trainer="none",
            data="none",
            space=space,
            objectives=[
                {"metric": "accuracy", "goal": "max", "reference": 0.0},
                {"metric": "cost", "goal": "min", "reference": 9.0},
            ],
            budget={"trials": 40, "epochs": 1},
            sampler={"name": "tpe", "options": {}},
            seed=seed,
        )
        asked += [x > 0.7 for x in drawn_after_startup(made, state)]
    share = sum(asked) / len(asked)
    assert (share < 0.2) == learns  # 0.3 of the space fails


def drawn_after_startup(study, state):
    sampler, drawn = Sampler(study, (1,)), []
    for number in range(study.budget.trials):
        config = sampler.ask(number)
        drawn.append(config["x"])
        if config["x"] > 0.7:
            sampler.end(number, state, None)
        else:
            sampler.end(number, "complete", {"accuracy": config["y"], "cost": config["y"] ** 2})
    return drawn[15:]
