"""A driver that comes back to a long search works in proportion to what it finds there."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from benchmarks.histories import a_study, write
from robustune.driver import Driver
from robustune.record import Past
from robustune.replay import Memory


class Found(Memory):
    """A record of what a ledger holds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(records.read_study(folder))
        self.folder = folder

    def past(self) -> Past:
        return Past(events=records.events(self.folder))


def calls_of(act: Callable[[], Any]) -> int:
    """Functions that are called meanwhile, those of C included: unlike seconds, the same on every machine."""
    count = 0

    def called(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


@pytest.fixture(params=["tpe", "nsga2"])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> list[Path]:
    """Ledgers of 50, 100 and 150 finished trials."""
    made = [tmp_path / str(count) / "history" for count in (50, 100, 150)]
    for count, folder in zip((50, 100, 150), made, strict=True):
        write(a_study(request.param, 150), count, folder)
    return made


def test_coming_back_takes_work_in_proportion_to_the_trials(folders: list[Path]) -> None:
    for folder in folders[:1]:
        Driver(Found(folder), lambda: None)  # imports and caches
    few, some, many = (calls_of(lambda one=folder: Driver(Found(one), lambda: None)) for folder in folders)
    assert many - some < 1.2 * (some - few)


def test_a_driver_that_came_back_goes_on(folders: list[Path]) -> None:
    proposal = Driver(Found(folders[0]), lambda: None).next()
    assert proposal is not None
    assert proposal.number == 50


def test_the_first_event_is_had_without_the_others(folders: list[Path]) -> None:
    few, many = (calls_of(lambda one=folder: next(records.events(one))) for folder in (folders[0], folders[2]))
    assert few == many


def test_every_event_of_a_trial_has_its_configuration(folders: list[Path]) -> None:
    asked: dict[int, Any] = {}
    for event in records.events(folders[0]):
        assert event.config == asked.setdefault(event.trial, event.config)
    late = list(records.events(folders[0], after=5))
    assert [one.config for one in late] == [asked[one.trial] for one in late]
