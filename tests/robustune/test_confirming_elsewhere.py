"""A confirmation that another machine goes on with, from what the storage holds."""

from pathlib import Path

import pytest

from robustune.confirmation_nets import nets, retraining_of
from robustune.confirming import Asked, confirm
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.running import versions
from robustune.screen import Screen
from robustune.settings import Settings
from search_spaces import Study
from search_spaces.domains import Uniform
from search_spaces.study import Budget, Objective
from trainables.storage import below


def a_study() -> Study:
    return Study(
        name="curves",
        trainer="closed-form",
        data="none",
        space={"angle": Uniform(0, 1), "loss": Uniform(0, 1)},
        objectives=(Objective("accuracy", "max", 0.0), Objective("robustness", "max", 0.0)),
        budget=Budget(1, 1),
    )


@pytest.mark.parametrize("then", [{}, {"torch": "1.0"}])
def test_nets_that_another_machine_trained_are_known_before_anything_is_told(
    tmp_path: Path, then: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    study, results = a_study(), tmp_path / "results"
    settings = Settings(str(results), storage=str(tmp_path / "shared"))
    assert settings.segments is not None
    with Ledger.create(results / "curves", study, versions(), settings.segments) as search:
        search.ask(0, {"angle": 0.5, "loss": 0.0}, 9, {})
        search.report(0, 1, {"accuracy": 0.7, "robustness": 0.7}, 0.5, 0.1, end="complete")
    there = tmp_path / "elsewhere" / "confirmation"
    begun = below(settings.segments, "curves")
    with Ledger.create(there, retraining_of(study), {**versions(), **then}, begun) as ledger:
        ledger.ask(0, {"angle": 0.5, "loss": 0.0}, 77, {"trial": 0, "replicate": 0})
        ledger.report(0, 1, {}, 0.5, 0.0, end="complete")
    asked = Asked(seeds=3, dry_run=True)
    if then:
        with pytest.raises(Mistake, match="of the confirmation as it was begun: torch") as caught:
            confirm("curves", asked, settings, Screen(False))
        assert caught.value.code == "STUDY_CHANGED"
        return
    assert confirm("curves", asked, settings, Screen(True)) is None
    assert "2 nets to train, 2 epochs in all" in capsys.readouterr().out
    assert [net.key for net in nets(results / "curves" / "confirmation")] == [(0, 0)]
