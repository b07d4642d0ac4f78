"""A chosen network can be taken away: its folder needs PyTorch and this package, and says what the trial said."""

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from analysis import confirmation, records
from robustune.choosing import Rule, choose
from robustune.cli import app
from robustune.errors import Mistake
from robustune.settings import Settings
from search_spaces import Constraint, Objective
from trainables import exported
from trainables.data.store import read_images
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.registry import load_network

SCORES = (
    {"clean_accuracy": 0.95, "weight_noise_accuracy": 0.40},
    {"clean_accuracy": 0.93, "weight_noise_accuracy": 0.70},
    {"clean_accuracy": 0.60, "weight_noise_accuracy": 0.80},
)
ENDS = ("complete",) * 3
# What the bare machine of a user lacks: only torch, torchvision, Arrow, scikit-learn and safetensors are sure.
ALONE = """
import importlib.abc, runpy, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ray", "optuna", "mlflow", "pydantic", "robustune", "analysis", "search_spaces"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, search: Callable[..., Any]) -> Settings:
    """A classification study whose front has a knee."""
    settings = Settings(str(tmp_path_factory.mktemp("chosen") / "results"))
    search(settings, scores=SCORES, ends=ENDS)
    return settings


def ran(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, str(place / "example.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
    )


@pytest.fixture(scope="module")
def taken(searched: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the knee, moved to where nothing else of the study is."""
    done = choose("demo", Rule(knee=True), searched)
    assert done.trial == 1
    assert done.folder == searched.results_folder / "demo" / "chosen" / "trial-00001"
    assert {path.name for path in done.folder.iterdir()} == set(done.paths)
    place = tmp_path_factory.mktemp("taken") / "away"
    shutil.copytree(done.folder, place)
    return place


def test_the_example_runs_where_there_is_only_torch_and_this_package(taken: Path) -> None:
    found = ran(taken)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert len(lines) == 9
    assert all(any(f": {name} (" in line for name in ("none", "little", "much")) for line in lines[:8])
    assert float(lines[8].rpartition(" ")[2]) < 1e-5


def test_the_example_takes_images_of_a_users_own(
    taken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = runpy.run_path(str(taken / "example.py"))["main"]
    Image.new("L", (40, 30), 90).save(tmp_path / "grey.png")
    (tmp_path / "none.png").write_text("no image")
    main([str(tmp_path / "grey.png")])
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'grey.png'}: ")
    with pytest.raises(TrainableError, match=r"none\.png: .*; name an image file"):
        main([str(tmp_path / "none.png")])


def test_the_loaded_network_says_what_the_trials_own_says(
    taken: Path, searched: Settings, facts: Mapping[str, Any], options_of: Callable[[str], dict[str, Any]]
) -> None:
    folder = searched.results_folder / "demo"
    data = next(path.parent for path in searched.results_folder.rglob("validation.arrow"))
    images = read_images(data / "validation.arrow").images.clone()
    own = load_network("classification")(
        {**options_of("classification"), "batch_size": 8}, data, Path(records.checkpoints(folder)[1][1])
    ).cpu()
    with torch.no_grad():
        wanted = own(Normalisation.read(facts["mean"], facts["std"]).of(images))
        assert torch.equal(exported.load(taken)(images), wanted)
    first, scores = exported.examples(taken)
    assert torch.equal(first, images[:8])
    torch.testing.assert_close(scores, wanted[:8])
    options = json.loads((taken / "options.json").read_text())
    assert options["trainer"] == "classification"
    assert options["options"]["batch_size"] == 8
    assert options["options"]["unfrozen_layers"] == 5  # defaults are told too: a later version may have others
    told = json.loads((taken / "choice.json").read_text())
    assert (told["study"], told["trial"], told["rule"]["knee"]) == ("demo", 1, True)
    assert told["searched_scores"] == SCORES[1]


def test_a_changed_export_is_refused(taken: Path, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    shutil.copytree(taken, place)
    (place / "checkpoint.safetensors").write_bytes(b"torn")
    with pytest.raises(TrainableError, match="is not what was exported"):
        exported.load(place)
    (place / "checkpoint.safetensors").unlink()
    with pytest.raises(TrainableError, match="no whole export"):
        exported.load(place)


@pytest.mark.slow
def test_a_segmentation_network_can_be_taken_away(settings: Settings, search: Callable[..., Any]) -> None:
    search(settings, "segmentation", scores=[{"miou": 0.5, "noisy_miou": 0.3}, {"miou": 0.4, "noisy_miou": 0.2}])
    done = choose("demo", Rule(max_clean_drop=0.02), settings)
    assert (done.trial, done.scores) == (0, ["mIoU 0.5", "noisy mIoU 0.3"])
    found = ran(done.folder)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    shares = [float(part.rpartition(" ")[2].rstrip("%")) for part in lines[0].partition(": ")[2].split(", ")]
    assert sum(shares) == pytest.approx(100, abs=0.2)


def test_a_trainer_without_networks_exports_state_and_options(settings: Settings, search: Callable[..., Any]) -> None:
    search(settings, "closed-form")
    done = choose("demo", Rule(weights={"robustness": 1}), settings)
    assert set(done.paths) == {"checkpoint.safetensors", "options.json", "choice.json"}
    assert any("leaves no network" in note for note in done.notes)
    with pytest.raises(Mistake, match=r"no clean images; name one of its metrics by --clean \(accuracy, robustness\)"):
        choose("demo", Rule(max_clean_drop=0.1), settings)
    assert choose("demo", Rule(max_clean_drop=0.1, clean="accuracy"), settings).trial == 0


def test_the_command_tells_trial_reason_scores_and_files(searched: Settings) -> None:
    ended = CliRunner().invoke(app, ["choose", "demo", "--max-clean-drop", "0.02", "--results", searched.results])
    assert ended.exit_code == 0, ended.output
    first, *rest = ended.output.splitlines()
    assert first == (
        "trial 1: weight noise accuracy 0.7, the best of the 2 members (of 3) of the searched front whose clean "
        "accuracy is at most 0.02 below the best there, 0.95 of trial 0"
    )
    assert rest[:2] == ["  clean accuracy 0.93", "  weight noise accuracy 0.7"]
    assert "robustune confirm demo" in rest[2]
    assert f"example.py: {searched.results_folder / 'demo/chosen/trial-00001/example.py'}" in rest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no rule says which member"),
        (["--knee", "--weights", "clean_accuracy=1"], "give it alone"),
        (["--max-clean-drop", "-0.1"], "--max-clean-drop -0.1: expected 0 or a number above it"),
        (["--max-clean-drop", "nan"], "expected 0 or a number above it"),
        (["--max-clean-drop", "0.1", "--clean", "clean_acuracy"], "did you mean 'clean_accuracy'?"),
        (["--knee", "--clean", "clean_accuracy"], "--clean: it says how --max-clean-drop is measured"),
        (["--knee", "--against", "baseline"], "--against: it says how --max-clean-drop is measured"),
        (["--max-clean-drop", "0.1", "--against", "baseline"], "knows no clean_accuracy of a baseline"),
        (["--weights", "clean"], "'clean': expected METRIC=NUMBER, as mce=2"),
        (["--weights", "clean_accuracy=nan"], "expected METRIC=NUMBER"),
        (["--weights", "clean_accuracy=-1"], "the study's goals say which way"),
        (["--weights", "clean_accuracy=inf"], "a weight is 0 or above"),
        (["--weights", "clean_accuracy=0"], "all are 0"),
        (["--weights", "clean_accuracy=1,clean_accuracy=2"], "comes twice"),
        (["--weights", "weight_noise_acuracy=1"], "did you mean 'weight_noise_accuracy'?"),
        (
            ["--weights", "nothing\x1b[31m=1"],
            "is none of the study's objectives; there is clean_accuracy, weight_noise",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_line(searched: Settings, arguments: Sequence[str], told: str) -> None:
    ended = CliRunner().invoke(app, ["choose", "demo", "--results", searched.results, *arguments])
    assert isinstance(ended.exception, Mistake)
    assert ended.exception.code == "OPTION_INVALID"
    assert told in str(ended.exception)
    assert str(ended.exception).isprintable()


def refused(code: str, rule: Rule, settings: Settings, out: Path | None = None, study: str = "demo") -> str:
    with pytest.raises(Mistake) as raised:
        choose(study, rule, settings, out)
    assert raised.value.code == code
    assert "\n" not in raised.value.message
    return raised.value.message


def test_files_that_are_no_export_are_left_alone(searched: Settings, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "example.py").write_text("print('mine')")
    assert "holds files that are no export" in refused("FILES_EXIST", Rule(knee=True), searched, place)
    assert (place / "example.py").read_text() == "print('mine')"
    assert "is a file" in refused("FILES_EXIST", Rule(knee=True), searched, place / "example.py")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert choose("demo", Rule(knee=True), searched, empty).folder == empty
    assert choose("demo", Rule(max_clean_drop=0.0), searched, empty).trial == 0  # an earlier export is replaced
    assert json.loads((empty / "choice.json").read_text())["trial"] == 0
    (empty / "choice.json").unlink()
    refused("FILES_EXIST", Rule(knee=True), searched, empty)


@pytest.mark.parametrize("moved", [0, 2])
def test_an_export_that_was_killed_is_made_again(
    searched: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    """Killed while it wrote, or after it had put two files over those of an earlier export."""
    choose("demo", Rule(max_clean_drop=0.0), searched, tmp_path)
    whole, left = Path.replace, [moved]

    def killed(path: Path, target: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return whole(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            choose("demo", Rule(knee=True), searched, tmp_path)
    assert not (tmp_path / "choice.json").exists()  # of the earlier trial, beside files of the later one
    done = choose("demo", Rule(knee=True), searched, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(done.paths)
    exported.load(tmp_path)


def test_an_export_that_fails_leaves_the_earlier_one(
    searched: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose("demo", Rule(max_clean_drop=0.0), searched, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    refused("RESULTS_UNWRITABLE", Rule(knee=True), searched, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_study_without_front_or_checkpoint_is_told(settings: Settings, search: Callable[..., Any]) -> None:
    assert "no study 'demo'" in refused("STUDY_MISSING", Rule(knee=True), settings)
    folder = search(settings, scores=SCORES, ends=(*ENDS[:2], "running"), name="ends").folder
    done = choose("ends", Rule(max_clean_drop=0.0), settings)
    assert any("1 of its trials are still to run" in note for note in done.notes)
    Path(records.checkpoints(folder)[0][1]).write_bytes(b"torn")
    refused("CKPT_CORRUPT", Rule(max_clean_drop=0.0), settings, study="ends")
    Path(records.checkpoints(folder)[0][1]).unlink()
    refused("CKPT_MISSING", Rule(max_clean_drop=0.0), settings, study="ends")
    bound = (Constraint("clean_accuracy", at_least=0.99),)
    search(settings, scores=SCORES, ends=ENDS, name="bound", constraints=bound)
    assert "within the constraints" in refused("NO_FRONT", Rule(knee=True), settings, study="bound")


def test_the_confirmed_front_is_chosen_from_where_there_is_one(
    settings: Settings, search: Callable[..., Any], confirmation_of: Callable[..., Any]
) -> None:
    told = [{"accuracy": one["clean_accuracy"], "robustness": one["weight_noise_accuracy"]} for one in SCORES]
    found = search(settings, "closed-form", scores=told, ends=ENDS)
    made = confirmation_of(records.trials(found.folder), found.study, fallen=[1])
    confirmation.write(found.folder, found.study, made)
    wide = Rule(max_clean_drop=0.1, clean="accuracy")
    done = choose("demo", wide, settings)
    assert done.trial == 0
    assert "robustness 0.38, the only member (of 2) of the confirmed front whose accuracy is at most 0.1" in done.why
    assert done.scores[0].startswith("accuracy 0.93 (95 % 0.92 to 0.94, 5 seeds; the search promised 0.95)")
    assert any("means over fresh seeds" in note and "means with probability 0.9;" in note for note in done.notes)
    own = choose("demo", replace(wide, searched=True), settings)
    assert (own.trial, own.scores) == (1, ["accuracy 0.93", "robustness 0.7"])
    assert choose("demo", Rule(weights={"robustness": 1}), settings).trial == 2
    (found.folder / confirmation.FOLDER / confirmation.SCORES_FILE).write_bytes(b"torn")
    assert "--searched" in refused("STATE_CORRUPT", wide, settings)


def test_a_clean_score_that_is_not_recorded_is_asked_for(settings: Settings, search: Callable[..., Any]) -> None:
    noisy = (Objective("weight_noise_accuracy", "max", 0.0),)
    search(settings, scores=[{"weight_noise_accuracy": 0.4}] * 2, objectives=noisy)
    told = refused("OPTION_INVALID", Rule(max_clean_drop=0.1), settings)
    assert "records no clean_accuracy; name one of its metrics by --clean (weight_noise_accuracy)" in told
    assert choose("demo", Rule(knee=True), settings).trial == 0
