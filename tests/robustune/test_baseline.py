"""`--baseline-from` chooses the best whole trial of a finished study, by its ledger, or says in one line why not."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import records
from robustune import checks
from robustune.baseline import as_begun, with_baseline
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.settings import Settings
from search_spaces import Study, read_study
from trainables.preparation import data_step, step_address
from trainables.registry import vocabularies

THIN = {"width": 8, "stem": "strided"}
DATA = step_address(data_step("embedded-digits"), {})
Score = tuple[float, str]  # of the last epoch, and how the trial ended


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """Makes a classification study: a grid of two learning rates, two epochs, clean accuracy first."""

    def make(
        name: str,
        options: Mapping[str, Any] = THIN,
        metric: str = "clean_accuracy",
        space: str = "learning_rate = { log_uniform = [1e-4, 1e-2], points = [1e-3, 2e-3] }",
        trials: int = 5,
        extra: str = "",
    ) -> Study:
        held = "\n".join(f"{key} = {value!r}" for key, value in options.items())
        path = tmp_path / f"{name}.toml"
        path.write_text(
            f'trainer = "classification"\ndata = "embedded-digits"\n[options]\n{held}\n[space]\n{space}\n'
            f'[[objectives]]\nmetric = "{metric}"\ngoal = "max"\nreference = 0.1\n{extra}\n'
            f'[budget]\ntrials = {trials}\nepochs = 2\n[sampler]\nname = "grid"\n[early_stopping]\nname = "none"\n'
        )
        return read_study(path, vocabularies())

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Results in a folder of the test's own."""
    return Settings(str(tmp_path / "results"))


Make = Callable[..., Study]


def record(study: Study, settings: Settings, scores: list[float | str], data: str = DATA) -> Path:
    """Writes the ledger that a search would: a number is a complete trial's last score, a text how one ended."""
    folder = settings.results_folder / study.name
    (rates,) = (domain.grid() for domain in study.space.values())
    with Ledger.create(folder, study, {}, settings.segments) as ledger:
        ledger.record_set("data", data, {})
        for number, score in enumerate(scores):
            ledger.ask(number, {name: (rates or [0])[number] for name in study.space}, 1, {})
            if score == "failed":
                ledger.fail(number, "NONFINITE", "the loss is nan")
            elif score != "running":
                assert isinstance(score, float)
                metrics = dict.fromkeys(study.metrics, score)
                ledger.report(number, 1, dict.fromkeys(metrics, 0.99), 1.0, 0.1)
                ledger.report(number, 2, metrics, 1.0, 0.1, checkpoint(study, settings, number), "complete")
    return folder


def checkpoint(study: Study, settings: Settings, number: int) -> dict[str, Any]:
    path = Path(settings.checkpoints(study.name)) / f"{number:05d}" / "epoch-00002.safetensors"
    path.parent.mkdir(parents=True)
    content = f"weights of {study.name} {number}".encode()
    path.write_bytes(content)
    return {"path": str(path), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def refused(code: str, *told: str, study: Study, source: str, settings: Settings) -> None:
    with pytest.raises(Mistake) as raised:
        with_baseline(study, source, settings)
    assert raised.value.code == code
    assert "\n" not in raised.value.message
    for part in told:
        assert part in raised.value.message, raised.value.message


def test_the_best_complete_trial_by_its_last_epoch_is_frozen_into_the_study(study: Make, settings: Settings) -> None:
    folder = record(study("fine"), settings, [0.7, 0.9])
    said: list[str] = []
    made = with_baseline(study("joint"), "fine", settings, said.append)
    _, path, sha256 = records.checkpoints(folder)[1]
    assert made.options == {**THIN, "baseline_weights": path, "baseline_sha256": sha256}
    assert Path(path).is_absolute()
    assert said == ["baseline: trial 1 of fine, clean_accuracy 0.9000 (learning_rate 0.002)"]
    assert made.digest != study("joint").digest
    for name in ("results/fine", "fine.toml"):
        assert with_baseline(study("joint"), str(settings.results_folder.parent / name), settings) == made


def test_without_the_option_nothing_changes(study: Make, settings: Settings) -> None:
    plain = study("joint")
    assert with_baseline(plain, None, settings) is plain


def test_failed_and_infeasible_trials_are_passed_over_and_equals_go_to_the_first(
    study: Make, settings: Settings
) -> None:
    three = "learning_rate = { choice = [1e-3, 2e-3, 3e-3] }"
    bounded = '[[constraints]]\nmetric = "pgd_accuracy"\nat_most = 0.8'
    record(study("bounded", space=three, extra=bounded), settings, [0.8, 0.9, 0.8])
    said: list[str] = []
    with_baseline(study("joint"), "bounded", settings, said.append)
    record(study("failing", space=three), settings, [0.7, "failed", 0.7])
    with_baseline(study("joint"), "failing", settings, said.append)
    assert [line.split(",")[0] for line in said] == ["baseline: trial 0 of bounded", "baseline: trial 0 of failing"]


def test_a_study_that_gives_no_baseline_is_told_in_one_line(
    study: Make, settings: Settings, curves: Callable[..., Path]
) -> None:
    joint = study("joint")
    refused("STUDY_MISSING", "no study 'fine'", "none was begun there", study=joint, source="fine", settings=settings)
    record(study("half"), settings, [0.7, "running"])
    refused("STUDY_UNFINISHED", "half", "1 of its trials", "resume half", study=joint, source="half", settings=settings)
    record(study("begun"), settings, [0.7])
    refused("STUDY_UNFINISHED", "begun", study=joint, source="begun", settings=settings)
    record(study("bad"), settings, ["failed", "failed"])
    refused("BASELINE_UNFIT", "no trial of it spent", study=joint, source="bad", settings=settings)
    record(study("noisy", metric="weight_noise_accuracy"), settings, [0.7, 0.8])
    refused("BASELINE_UNFIT", "first objective is weight_noise", study=joint, source="noisy", settings=settings)
    record(study("older"), settings, [0.7, 0.8], data="00" * 32)
    refused("BASELINE_UNFIT", "'embedded-digits' has changed", study=joint, source="older", settings=settings)
    record(study("wide", options={"width": 16, "stem": "small"}), settings, [0.7, 0.8])
    refused(
        "BASELINE_UNFIT",
        "its trial 1",
        "width 16 instead of 8",
        "stem 'small' instead of 'strided'",
        study=joint,
        source="wide",
        settings=settings,
    )
    closed = read_study(curves(), vocabularies())
    refused("OPTION_INVALID", "closed-form trainer takes no", study=closed, source="older", settings=settings)
    named = study("named", options={**THIN, "baseline_weights": "mine.safetensors"})
    refused("OPTION_INVALID", "names options.baseline_weights", study=named, source="older", settings=settings)


def test_an_architecture_that_is_searched_is_held_against_the_first_one_tried(study: Make, settings: Settings) -> None:
    space = 'activation = { choice = ["relu", "gelu"] }'
    record(study("drawn", space=space), settings, [0.7, 0.9])
    refused(
        "BASELINE_UNFIT", "activation 'gelu' instead of 'own'", study=study("own"), source="drawn", settings=settings
    )
    searching = study("searching", space='activation = { choice = ["gelu", "relu"] }')
    assert with_baseline(searching, "drawn", settings).options["baseline_sha256"]


def test_a_checkpoint_that_is_gone_or_damaged_is_told(study: Make, settings: Settings) -> None:
    folder = record(study("fine"), settings, [0.7, 0.9])
    _, path, _ = records.checkpoints(folder)[1]
    Path(path).write_bytes(b"something else")
    refused("CKPT_CORRUPT", path, "trial 1 of fine", study=study("joint"), source="fine", settings=settings)
    Path(path).unlink()
    refused("CKPT_MISSING", path, "put it back", study=study("joint"), source="fine", settings=settings)


def test_a_results_folder_that_was_moved_still_gives_its_baseline(study: Make, settings: Settings) -> None:
    record(study("fine"), settings, [0.7, 0.9])
    moved = settings.results_folder.with_name("moved")
    settings.results_folder.rename(moved)
    there = with_baseline(study("joint"), str(moved / "fine"), replace(settings, results=str(moved)))
    assert Path(there.options["baseline_weights"]).is_relative_to(moved)
    other = with_baseline(study("joint"), str(moved / "fine"), replace(settings, results=str(moved.parent / "new")))
    assert other == there


def test_a_begun_study_goes_on_with_its_baseline_wherever_that_lies_now(study: Make, settings: Settings) -> None:
    folder = record(study("fine"), settings, [0.7, 0.9])
    frozen = with_baseline(study("joint"), "fine", settings)
    Ledger.create(settings.results_folder / "joint", frozen, {}).close()
    shutil.rmtree(folder / "checkpoints")  # the store has it
    assert with_baseline(study("joint"), "fine", settings) == frozen
    moved = settings.results_folder.with_name("moved")
    settings.results_folder.rename(moved)
    assert with_baseline(study("joint"), "fine", replace(settings, results=str(moved))) == frozen


def test_another_baseline_is_another_study(study: Make, settings: Settings) -> None:
    record(study("fine"), settings, [0.7, 0.9])
    record(study("finer"), settings, [0.95, 0.9])
    frozen = with_baseline(study("joint"), "fine", settings)
    Ledger.create(settings.results_folder / "joint", frozen, {}).close()
    for other in (study("joint"), with_baseline(study("joint"), "finer", settings)):
        with pytest.raises(Mistake) as raised:
            checks.check(other, settings)
        assert raised.value.code == "STUDY_MISMATCH"
        for name in ("baseline_weights", "baseline_sha256"):
            new = other.options.get(name)
            became = f'"{new}"' if new else "nothing"
            assert f'options.{name}: "{frozen.options[name]}" became {became}' in raised.value.message
        with pytest.raises(Mistake, match="STUDY_MISMATCH"):
            Ledger.create(settings.results_folder / "joint", other, {})


def test_a_study_that_only_the_storage_has_gives_its_baseline(study: Make, tmp_path: Path) -> None:
    settings = Settings(str(tmp_path / "results"), storage=str(tmp_path / "storage"))
    folder = record(study("fine"), settings, [0.7, 0.9])
    there = with_baseline(study("joint"), "fine", settings)
    before = {path: path.read_bytes() for path in (tmp_path / "storage").rglob("*.json")}
    shutil.rmtree(folder)
    assert with_baseline(study("joint"), "fine", settings) == there
    assert not folder.exists()
    assert {path: path.read_bytes() for path in (tmp_path / "storage").rglob("*.json")} == before
    refused("STUDY_MISSING", "storage", study=study("joint"), source="other", settings=settings)


def test_the_sets_of_a_begun_study_are_those_it_was_begun_with(study: Make, settings: Settings) -> None:
    record(study("fine"), settings, [0.7, 0.9])
    fresh, said = study("joint"), list[str]()
    path = str(settings.results_folder.parent / "joint.toml")
    assert as_begun(path, 3, None, settings, said.append) == replace(fresh, seed=3)
    frozen = with_baseline(fresh, "fine", settings).override(seed=3, trials=1)
    Ledger.create(settings.results_folder / "joint", frozen, {}).close()
    for seed, source in ((None, None), (3, None), (None, "fine"), (3, "fine")):
        assert as_begun(path, seed, source, settings, said.append) == frozen
    assert said[0] == f"joint as it was begun in {settings.results_folder / 'joint'}"
    record(study("finer"), settings, [0.95, 0.9])
    for seed, source in ((4, None), (None, "finer")):
        with pytest.raises(Mistake, match="STUDY_MISMATCH"):
            as_begun(path, seed, source, settings, said.append)
