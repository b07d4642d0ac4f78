"""The Gaussian process draws beside the search, and what it draws follows from what was known when it was asked."""

import threading
import time

import pytest

from robustune.sampler import Sampler
from robustune.teaching import Teaching
from search_spaces.study import Study

SPACE = {
    "x": {"uniform": [0.0, 1.0]},
    "sets": {"subset": [1, 2]},
    "share": {"uniform": [0.0, 1.0], "when": {"sets": "nonempty"}},
}


def study(**more):
    return Study(
        name="toy",
        trainer="none",
        data="none",
        space=SPACE,
        objectives=[
            {"metric": "accuracy", "goal": "max", "reference": 0.0},
            {"metric": "cost", "goal": "min", "reference": 9.0},
        ],
        constraints=[{"metric": "accuracy", "at_least": 0.1}],
        budget={"trials": 30, "epochs": 1},
        sampler={"name": "gp", "options": {"startup_trials": 3}},
        **more,
    )


def scores(config):
    return {"accuracy": 1 - (config["x"] - 0.3) ** 2, "cost": config["x"] + config.get("share", 0.0)}


def searched(sampler, first, last, ahead=False):
    """Runs trials one by one, the third of them failing by its options, and returns what the ledger would hold."""
    kept = []
    for number in range(first, last):
        if ahead:
            while not sampler.ready(number):
                time.sleep(0.01)
        config = sampler.ask(number)
        kept.append((number, config, sampler.attributes(number)))
        state, told = ("failed", None) if number == 3 else ("complete", scores(config))
        sampler.end(number, state, told)
    return kept


def test_drawn_ahead_or_when_asked_for_or_after_a_kill_it_is_the_same():
    whole = searched(Sampler(study(), (1,)), 0, 7)
    assert searched(Sampler(study(), (1,)), 0, 7, ahead=True) == whole
    again = Sampler(study(), (1,))
    for number, config, attributes in whole[:5]:
        again.restore(number, config, attributes)
        again.end(number, "failed" if number == 3 else "complete", None if number == 3 else scores(config))
    assert searched(again, 5, 7) == whole[5:]


def test_what_happens_while_it_draws_changes_nothing_and_waits_for_nothing():
    def drawn(disturbed):
        sampler = Sampler(study(), (1,))
        searched(sampler, 0, 4)
        running = sampler.ask(4)
        assert not sampler.ready(5)
        if disturbed:
            began = time.monotonic()
            sampler.end(4, "complete", scores(running))
            assert time.monotonic() - began < 5.0
        return sampler.ask(5)

    assert drawn(disturbed=True) == drawn(disturbed=False)


def test_random_starts_and_first_points_are_ready_at_once():
    sampler = Sampler(study(first=({"x": 0.3, "sets": ()},)), (1,))
    before = threading.active_count()
    assert all(sampler.ready(number) for number in range(3))
    assert threading.active_count() == before
    assert sampler.ask(0) == {"x": 0.3, "sets": []}


def test_conditional_options_are_modelled_and_left_out_where_they_are_not_drawn():
    drawn = [config for _, config, _ in searched(Sampler(study(seed=3), (1,)), 0, 8)]
    assert all(("share" in config) == bool(config["sets"]) for config in drawn)


def test_it_learns():
    """Twelve trials on a smooth bowl: the late ones lie nearer to its front than chance has them, 0.5 on average."""
    late = [config for _, config, _ in searched(Sampler(study(seed=1), (1,)), 0, 12)][6:]
    assert sum(config.get("share", 0.0) for config in late) / len(late) < 0.35


@pytest.mark.parametrize("rows", [0, 2])
def test_a_failed_trial_is_told_the_worst_scores_so_far_if_there_are_any(rows):
    asked = study()
    teaching = Teaching(asked, (1,), enough=1, imputes=True)
    for number in range(rows):
        teaching.give(number, {}, {}, None)
        teaching.tell(number, 1, {"accuracy": 0.5 - number, "cost": 3.0 - number})
    teaching.give(9, {}, {}, None)
    teaching.close(9, blamed=True)
    told = teaching.trials(10)
    assert len(told) == (rows and rows + 1)
    if rows:
        assert told[-1].values == [-0.5, 3.0]
        assert list(told[-1].constraints.values()) == [pytest.approx(0.6)]
        assert teaching.rows(10) == rows
