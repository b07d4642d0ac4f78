"""What a confirmation has left is told whole: nets in flight among those to train, sets by their time, and scoring."""

from pathlib import Path

import pytest

from robustune.confirmation_cost import Cost
from robustune.confirmation_left import Left, left
from robustune.confirmation_nets import nets, retraining_of
from robustune.confirmation_sets import fresh_sets
from robustune.confirming import Asked, confirm, wanted
from robustune.ledger import Ledger
from robustune.preparation import addresses, steps
from robustune.running import versions
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.whole_trials import recorded
from search_spaces import Study, read_study, shipped
from search_spaces.domains import Uniform
from search_spaces.study import Budget, Objective
from trainables.registry import vocabularies

EPOCHS = 4
NOTHING = Cost(0, 0, 0.0, 2)


def curves(results: Path) -> Path:
    """Writes the ledger of a finished search of two trials that are both on its front."""
    study = Study(
        name="curves",
        trainer="closed-form",
        data="none",
        space={"angle": Uniform(0, 1)},
        objectives=(Objective("accuracy", "max", 0.0), Objective("robustness", "max", 0.0)),
        budget=Budget(2, EPOCHS),
    )
    with Ledger.create(results / "curves", study, versions()) as ledger:
        for number, score in enumerate((0.2, 0.8)):
            ledger.ask(number, {"angle": score}, 100 + number, {})
            for epoch in range(1, EPOCHS + 1):
                end = "complete" if epoch == EPOCHS else None
                ledger.report(number, epoch, {"accuracy": 1 - score, "robustness": score}, 0.5, 0.1, end=end)
    return results / "curves"


def test_a_net_that_was_in_flight_is_left_to_train_and_every_whole_one_to_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = curves(tmp_path / "results")
    with Ledger.create(folder / "confirmation", retraining_of(recorded(folder).study), versions()) as ledger:
        for number, one in enumerate(wanted(recorded(folder), {0: 2, 1: 2})):
            ledger.ask(number, one.config, one.seed, {"trial": one.trial, "replicate": one.replicate})
            for epoch in range(1, EPOCHS + 1 if number else 3):
                ledger.report(number, epoch, {}, 0.5, 0.1, end="complete" if epoch == EPOCHS else None)
    assert [net.state for net in nets(folder / "confirmation")] == ["running", *["complete"] * 3]
    confirm(str(folder), Asked(seeds=2, dry_run=True), Settings(str(folder.parent), concurrency=1), Screen(True))
    text = capsys.readouterr().out
    assert f"1 net to train, {EPOCHS - 2} epochs in all: about 0:01 with 1 at a time" in text
    assert "4 nets to score: how long that takes is known once the first are scored" in text


def test_sets_take_what_they_took_in_the_search_and_others_are_named(tmp_path: Path) -> None:
    study = read_study(shipped()["quickstart"], vocabularies())
    with Ledger.create(tmp_path / "quickstart", study, versions()) as ledger:
        ledger.ask(0, {name: domain.grid()[0] for name, domain in study.space.items() if domain.grid()}, 1, {})
        for name, digest in addresses(steps(study)).items():
            ledger.record_set(name, digest, {"seconds": 20.0 if name == "baseline" else 0.5})
    done = recorded(tmp_path / "quickstart")
    found = left(done, wanted(done, {0: 2}), [], fresh_sets(study), Settings(str(tmp_path)))
    assert found.sets["baseline"] == 20.0
    assert found.sets["set/hold-out"] is None
    shards = [name for name in addresses(steps(study)) if name.startswith("set/augmentation/fooling-20")]
    assert found.sets["set/augmentation/fooling-20"] == 0.5 * len(shards)
    assert found.scoring == 2
    _, making, _ = found.words
    assert (
        making.index("baseline")
        < making.index("one after the other, as in the search; ")
        < making.index("set/hold-out")
    )
    assert making.endswith(": how long is not known, since the search made no such")


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({}, "made anew of a fresh seed first: nothing, all of it is there"),
        ({"a": 50.0, "b": 15.0}, "first: a, b: about 1:05 one after the other, as in the search"),
        ({"a": None}, "first: a: how long is not known, since the search made no such"),
    ],
)
def test_the_time_of_sets_is_their_sum(sets: dict[str, float | None], said: str) -> None:
    assert Left(NOTHING, sets, 0, ()).words[1].endswith(said)


def test_scoring_takes_as_long_as_for_those_that_are_scored() -> None:
    assert Left(NOTHING, {}, 4, (20.0, 40.0)).words[2].startswith("4 nets to score: about 2:00 ")
    assert Left(NOTHING, {}, 0, (20.0,)).words[2] == "no net is left to score"


def test_the_time_of_training_says_that_it_is_not_all() -> None:
    assert Cost(3, 12, 6.0, 2).words.endswith("making sets and scoring nets come on top")
