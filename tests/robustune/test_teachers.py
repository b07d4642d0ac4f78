"""Finished studies teach a new one what it could have run itself, alike after a kill, or are refused with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import records, schema
from robustune import checks
from robustune.driver import Driver
from robustune.errors import Mistake
from robustune.extending import extended
from robustune.ledger import Ledger
from robustune.settings import Settings
from robustune.teachers import lessons, wanting
from search_spaces import Study

Curves = Callable[..., Path]


def run_out(ledger: Ledger, reborn: bool = False) -> list[dict[str, Any]]:
    """Runs the budget one trial at a time; scores are the options themselves."""
    driver = Driver(ledger, lambda: None)
    while (proposal := driver.next()) is not None:
        metrics = {"accuracy": proposal.config["angle"], "robustness": 1 - proposal.config["loss"]}
        report = {"failure": None, "metrics": metrics, "checkpoint": None, "train_seconds": 0.1, "score_seconds": 0.1}
        for epoch in (1, 2):
            driver.report(proposal.number, {**report, "epoch": epoch})
        if reborn:
            driver = Driver(ledger, lambda: None)
    return [dict(event.config) for event in records.events(ledger.folder) if event.kind == "asked"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(str(tmp_path / "results"))


@pytest.fixture
def teacher(curves: Curves, settings: Settings) -> Path:
    """A finished study of 12 trials."""
    study = checks.read(curves("teacher", trials=12, epochs=2, sampler="random", early_stopping="none"))
    with Ledger.create(settings.results_folder / "teacher", study, {}) as ledger:
        run_out(ledger)
    return ledger.folder


def pupil(curves: Curves, old: str = "", new: str = "", **more: Any) -> Study:
    path = curves("pupil", **{"trials": 20, "epochs": 2, "early_stopping": "none", **more})
    text = 'warm_start_from = ["teacher"]\n' + path.read_text()
    assert old in text
    path.write_text(text.replace(old, new) if old else text)
    return checks.read(path)


def refused(study: Study, settings: Settings) -> str:
    with pytest.raises(Mistake) as told:
        lessons(study, settings)
    return str(told.value)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3"])
def test_a_taught_search_is_the_same_after_a_kill_and_another_than_without(
    curves: Curves, settings: Settings, teacher: Path, tmp_path: Path, sampler: str
) -> None:
    study = pupil(curves, sampler=sampler)
    drawn = []
    for reborn in (False, True):
        with Ledger.create(tmp_path / str(reborn), study, {}) as ledger:
            ledger.teach(lessons(study, settings).rows)
            drawn.append(run_out(ledger, reborn))
        schema.check(ledger.folder)
    assert drawn[0] == drawn[1]
    with Ledger.create(tmp_path / "untaught", study, {}) as ledger:
        assert run_out(ledger)[0] != drawn[0][0]  # twelve rows are more than TPE's start, or one generation


def test_only_trials_inside_the_space_teach_and_the_others_are_told(
    curves: Curves, settings: Settings, teacher: Path
) -> None:
    whole = lessons(pupil(curves), settings)
    assert whole.told == ("warm start from teacher: 12 of 12 trials teach the sampler",)
    half = lessons(pupil(curves, "angle = { uniform = [0, 1] }", "angle = { uniform = [0, 0.5] }"), settings)
    inside = [row for row in whole.rows if row["config"]["angle"] <= 0.5]
    assert list(half.rows) == inside
    assert f"{len(inside)} of 12 trials" in half.told[0]
    assert f"({12 - len(inside)} lie outside the domain of angle)" in half.told[0]


def test_an_option_that_is_fixed_here_has_to_be_that_there(curves: Curves, settings: Settings, teacher: Path) -> None:
    told = refused(pupil(curves, "angle = { uniform = [0, 1] }", "").override(), settings)
    assert told.startswith("WARM_START_UNFIT: pupil: warm_start_from[0]: ")
    assert "teaches nothing: 0 of 12 trials teach the sampler (12 have another angle than " in told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("angle = { uniform = [0, 1] }", "angle = { uniform = [0.9999, 1] }", "12 lie outside the domain of angle"),
        ("epochs = 2", "epochs = 3", "its trials train 2 epochs, this study's 3"),
        ('["teacher"]', '["nobody"]', "STUDY_MISSING"),
        ('["teacher"]', '["pupil"]', "cannot learn from itself"),
    ],
)
def test_a_teacher_of_which_nothing_can_be_learned_is_refused(
    curves: Curves, settings: Settings, teacher: Path, old: str, new: str, said: str
) -> None:
    assert said in refused(pupil(curves, old, new), settings)


def test_an_unfinished_teacher_is_refused(curves: Curves, settings: Settings) -> None:
    study = checks.read(curves("teacher", trials=3, epochs=2))
    Ledger.create(settings.results_folder / "teacher", study, {}).close()
    assert "STUDY_UNFINISHED" in refused(pupil(curves), settings)


def test_what_was_taught_outlives_its_teacher(curves: Curves, settings: Settings, teacher: Path) -> None:
    study = pupil(curves)
    taught = wanting(study, settings)
    assert taught is not None
    with Ledger.create(settings.results_folder / "pupil", study, {}, str(settings.results_folder / "shared")) as ledger:
        assert wanting(study, settings) is not None  # killed before it was taught, it is to be taught still
        ledger.teach(taught.rows)
        for file in teacher.iterdir():
            file.unlink()
        assert wanting(study, settings) is None
        held = records.taught(ledger.folder)
    assert held == [(row["config"], row["metrics"]) for row in taught.rows]
    (ledger.folder / "ledger.sqlite").unlink()
    Ledger.rebuild(ledger.folder, str(settings.results_folder / "shared"))
    assert records.taught(ledger.folder) == held


def test_an_extended_search_keeps_what_it_was_taught_whatever_became_of_its_teacher(
    curves: Curves, settings: Settings, teacher: Path, tmp_path: Path
) -> None:
    study = pupil(curves, trials=12)
    rows = lessons(study, settings).rows
    with Ledger.create(tmp_path / "whole" / "pupil", study, {}) as ledger:
        ledger.teach(rows)
        whole = run_out(ledger)
    fewer = study.override(trials=8)
    with Ledger.create(settings.results_folder / "pupil", fewer, {}) as ledger:
        ledger.teach(rows)
        assert run_out(ledger) == whole[:8]
    with Ledger.open(teacher) as changed:  # it has gone on since, by another's hand
        changed.extend(extended(teacher, changed.study, trials=3))
    with Ledger.open(settings.results_folder / "pupil") as ledger:
        ledger.extend(extended(ledger.folder, ledger.study, trials=4))
        assert wanting(ledger.study, settings) is None
        assert run_out(ledger) == whole


def test_a_changed_lesson_is_found(curves: Curves, settings: Settings, teacher: Path) -> None:
    study = pupil(curves)
    with Ledger.create(settings.results_folder / "pupil", study, {}) as ledger:
        ledger.teach(lessons(study, settings).rows)
        ledger._connection.execute("UPDATE taught SET config = '{}' WHERE number = 3")
    with pytest.raises(schema.LedgerError, match="what other studies taught"):
        schema.check(ledger.folder)
