"""A user's own images from the command to a front: added, listed, checked, searched; mistakes in one line."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from analysis import records
from robustune import checks
from robustune import data as data_command
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.settings import Settings
from trainables.preparation import data_step, step_address

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Complained = Callable[..., None]

pytestmark = pytest.mark.usefixtures("library")

STUDY = """
description = "Two kinds of stripes"
trainer = "classification"
data = "stripes"
[options]
model = "resnet18"
width = 8
stem = "small"
evaluation_noise_draws = 1
[space]
learning_rate = { log_uniform = [1e-3, 1e-2] }
[[objectives]]
metric = "clean_accuracy"
goal = "max"
reference = 0.0
[[objectives]]
metric = "weight_noise_accuracy"
goal = "max"
reference = 0.0
[budget]
trials = 2
epochs = 1
[sampler]
name = "random"
"""


UNDER_CORRUPTION = (
    STUDY.replace("[space]", 'corruption_test_data = "NAMED"\n[space]')
    .replace("weight_noise_accuracy", "mce")
    .replace('"max"\nreference = 0.0\n[budget]', '"min"\nreference = 2.0\n[budget]')
)


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """Twenty PNG files of each of two classes, 16x16: stripes across and stripes along, over noise."""
    root = tmp_path / "stripes"
    generator = np.random.default_rng(0)
    for name in ("across", "along"):
        (root / name).mkdir(parents=True)
        for number in range(20):
            pixels = generator.integers(0, 120, (16, 16, 3), np.uint8)
            pixels[::2] += 120
            turned = pixels if name == "across" else pixels.transpose(1, 0, 2)
            Image.fromarray(np.ascontiguousarray(turned)).save(root / name / f"{number}.png")
    return root


def test_images_of_ones_own_are_added_listed_checked_and_built(
    robustune: Run, stripes: Path, tmp_path: Path, complained: Complained
) -> None:
    added = robustune("data", "add", "image-folder", stripes)
    assert (added.returncode, added.stderr) == (0, "")
    lines = added.stdout.splitlines()
    assert lines[0].startswith("stripes: 2 classes, 3x16x16, digest ")
    assert lines[1] == "  train: 28 images from 28 sources: what is left of all images"
    assert lines[2] == "  validation: 4 images from 4 sources: 0.1 of all images, class by class"
    assert lines[-1] == 'a study names it: data = "stripes"'
    listed = robustune("data", "list").stdout
    assert "stripes          image-folder, 3x16x16, 2 classes; 28 train, 4 validation, 4 test, 4 holdout" in listed
    (tmp_path / "study.toml").write_text(STUDY)
    checked = robustune("check", "study.toml")
    assert checked.stdout.splitlines()[-1] == "ok", checked.stderr
    built = robustune("data", "build", "stripes")
    assert "  train: 28 images from 28 sources" in built.stdout, built.stderr
    again = robustune("data", "add", "image-folder", stripes)
    assert again.stdout.splitlines()[0] == f"{lines[0]}, was there already"
    assert robustune("data", "remove", "stripes").returncode == 0
    complained(robustune("check", "study.toml"), "STUDY_INVALID", "'stripes'")
    complained(robustune("data", "remove", "stripes"), "DATA_UNKNOWN", "'stripes'")
    complained(robustune("data", "remove", "embedded-digits"), "OPTION_INVALID", "embedded-digits")


def test_a_study_never_goes_on_with_other_images_under_the_same_name(stripes: Path, tmp_path: Path) -> None:
    data_command.add("image-folder", stripes, None, {})
    (tmp_path / "study.toml").write_text(STUDY)
    settings = Settings(str(tmp_path / "results"))
    study = checks.read(str(tmp_path / "study.toml"))
    with Ledger.create(settings.results_folder / study.name, study, {}) as ledger:
        ledger.record_set("data", step_address(data_step("stripes"), {}), {})
    checks.check(study, settings)
    data_command.remove("stripes")
    with pytest.raises(Mistake, match="there is no data set 'stripes'") as caught:
        checks.check(study, settings)
    assert caught.value.code == "DATA_UNKNOWN"
    data_command.add("image-folder", stripes, None, {"size": 8})
    with pytest.raises(Mistake, match="begun on other images") as caught:
        checks.check(study, settings)
    assert caught.value.code == "STUDY_MISMATCH"
    data_command.remove("stripes")
    data_command.add("image-folder", stripes, None, {})
    checks.check(study, settings)


@pytest.mark.ray
def test_a_search_on_images_of_ones_own_ends_with_a_front(robustune: Run, stripes: Path, tmp_path: Path) -> None:
    assert robustune("data", "add", "image-folder", stripes).returncode == 0
    (tmp_path / "study.toml").write_text(STUDY)
    ended = robustune("search", "study.toml", "--cpus-per-trial", "0.5")
    assert ended.returncode == 0, ended.stderr
    rows = records.trials(tmp_path / "results" / "study").to_pylist()
    assert [row["state"] for row in rows] == ["complete", "complete"]
    assert all(0 <= row["metrics.clean_accuracy"] <= 1 for row in rows)


def test_mistakes_end_in_one_line_and_leave_nothing(
    robustune: Run, stripes: Path, library: Path, complained: Complained
) -> None:
    complained(robustune("data", "add", "image-folder", "--name=\x1b[31m", stripes), "OPTION_INVALID", "\\x1b")
    complained(robustune("data", "add", "tiny-imagenet", stripes), "DATA_INVALID", "val_annotations.txt")
    assert not list(library.glob("*.json"))


@pytest.mark.parametrize(
    ("layout", "folder", "choices", "code", "told"),
    [
        ("image-folder", "nowhere", {}, "DATA_INVALID", "nowhere"),
        ("voc", "stripes", {}, "OPTION_INVALID", "image-folder"),
        ("two\nlines", "stripes", {}, "OPTION_INVALID", "image-folder"),
        ("image-folder", "stripes", {"shares": {"test": 0.9}}, "OPTION_INVALID", "shares of all images"),
        ("image-folder", "stripes", {"classes": ("across", "cat")}, "DATA_INVALID", "cat"),
    ],
)
def test_mistakes_have_their_codes(
    stripes: Path, library: Path, layout: str, folder: str, choices: dict[str, object], code: str, told: str
) -> None:
    with pytest.raises(Mistake, match=told) as caught:
        data_command.add(layout, stripes.with_name(folder), None, choices)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert not list(library.glob("*.json"))


def test_names_and_paths_with_a_leading_dash_are_names_and_paths(
    robustune: Run, stripes: Path, complained: Complained
) -> None:
    stripes.rename(stripes.with_name("-rf"))
    complained(robustune("data", "add", "image-folder", "--", "-rf"), "OPTION_INVALID", "'-rf'", "--name")
    assert robustune("data", "add", "image-folder", "--name", "fine", "--", "-rf").returncode == 0


def test_unreadable_images_are_counted_in_the_end(
    robustune: Run, stripes: Path, library: Path, complained: Complained
) -> None:
    (stripes / "along" / "cut.png").write_bytes((stripes / "along" / "0.png").read_bytes()[:-100])
    complained(robustune("data", "add", "image-folder", stripes), "IMAGES_UNREADABLE", "1 of 41", "along/cut.png")
    assert "along/cut.png" in (library / "stripes.unreadable.txt").read_text()
    added = robustune("data", "add", "image-folder", stripes, "--skip-unreadable")
    assert "  1 images left out that cannot be read" in added.stdout


def test_a_hostile_archive_writes_nothing(robustune: Run, tmp_path: Path, complained: Complained) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("../evil.jpg"), io.BytesIO())
    complained(robustune("data", "add", "image-folder", "x.tar"), "ARCHIVE_UNSAFE", "'../evil.jpg'")
    assert not list(tmp_path.parent.glob("evil*"))


def test_a_terminal_gets_bars_and_other_outputs_nothing(stripes: Path) -> None:
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
        data_command.add("image-folder", stripes, f"name{terminal}", {"workers": 1}, console)
        assert isinstance(console.file, io.StringIO)
        assert ("reading images" in console.file.getvalue()) == terminal
        assert ("writing images" in console.file.getvalue()) == terminal


@pytest.mark.parametrize(
    ("path", "name"),
    [("photos", "photos"), ("photos.tar.gz", "photos"), ("a/b.v2.zip", "b.v2"), ("x.TGZ", "x"), ("y/", "y")],
)
def test_a_folder_gives_its_name(path: str, name: str, monkeypatch: pytest.MonkeyPatch, library: Path) -> None:
    with pytest.raises(Mistake) as caught:
        data_command.add("image-folder", Path(path), None, {"size": 0})
    assert "size 0" in str(caught.value)  # the name passed before
    assert data_command._stem(Path(path)) == name


def test_damaged_records_are_listed_harmlessly(robustune: Run, library: Path) -> None:
    library.mkdir()
    (library / "evil.json").write_text(
        '{"name": "evil", "description": "\\u001b[31mred", "digest": "' + "0" * 64 + '"}'
    )
    (library / "torn.json").write_text("{")
    listed = robustune("data", "list")
    assert listed.returncode == 0
    assert "\\x1b[31mred" in listed.stdout
    assert "torn             damaged: " in listed.stdout
    assert robustune("check", "smoke").stdout.splitlines()[-1] == "ok"


# Corrupted test sets


@pytest.fixture
def snowed(tmp_path: Path) -> Path:
    """ImageNet-C's layout with one corruption and three classes, 16x16."""
    generator = np.random.default_rng(0)
    for level in range(1, 6):
        for wordnet in ("n01443537", "n01484850", "n01494475"):
            path = tmp_path / "imagenet-c" / "weather" / "snow" / str(level) / wordnet / "ILSVRC2012_val_00000001.JPEG"
            path.parent.mkdir(parents=True)
            Image.fromarray(generator.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return tmp_path / "imagenet-c"


def test_a_corrupted_test_set_is_added_listed_and_removed(robustune: Run, snowed: Path, complained: Complained) -> None:
    wrong = robustune("data", "add", "imagenet-c", snowed, "--corruptions=snow", "--test=0.1", "--no-flips")
    complained(wrong, "OPTION_INVALID", "--test: it is not divided", "--no-flips: nothing is trained on it")
    added = robustune("data", "add", "imagenet-c", snowed, "--corruptions=snow", "--classes=goldfish,n01484850")
    assert (added.returncode, added.stderr) == (0, "")
    lines = added.stdout.splitlines()
    assert lines[0].startswith("imagenet-c: corrupted test images, 2 classes, 3x16x16, digest ")
    assert lines[1:] == [
        "  2 images under 5 corruptions and severities, 10 in all",
        "  corruptions: snow; constants imagenet-c",
        "  without speckle_noise, gaussian_blur, spatter, saturate",
        'a study names it in [options]: corruption_test_data = "imagenet-c"',
    ]
    told = "corrupted test images, imagenet-c, 3x16x16, 2 classes; 2 under 1 corruptions at severities 1-5"
    assert any(line.endswith(told) for line in data_command.listed())
    with pytest.raises(Mistake, match="nothing to build") as caught:
        data_command.build("imagenet-c", Settings("results"))
    assert caught.value.code == "DATA_INVALID"
    data_command.remove("imagenet-c")
    assert not any(told in line for line in data_command.listed())
    with pytest.raises(Mistake, match=r"14 of 15 corruptions are missing: gaussian_noise, .* and 9 more") as caught:
        data_command.add("imagenet-c", snowed, None, {})
    assert caught.value.code == "DATA_INVALID"


def test_sets_are_named_where_they_belong(stripes: Path, snowed: Path, tmp_path: Path) -> None:
    data_command.add("image-folder", stripes, None, {"size": 32})
    data_command.add("imagenet-c", snowed, "snowed", {"corruptions": ("snow",)})
    study = tmp_path / "study.toml"
    study.write_text(STUDY.replace('"stripes"', '"snowed"'))
    with pytest.raises(Mistake, match="data: 'snowed': it holds corrupted test images") as caught:
        checks.read(str(study))
    assert 'corruption_test_data = "snowed"' in str(caught.value)
    for name, code, told in (
        ("stripes", "DATA_INVALID", "'stripes' is a data set of clean images"),
        ("snow", "DATA_UNKNOWN", "did you mean 'snowed'?"),
        ("snowed", "DATA_INVALID", "lacks 2 of 2 classes: across, along"),
    ):
        study.write_text(UNDER_CORRUPTION.replace("NAMED", name))
        with pytest.raises(Mistake, match=told) as caught:
            checks.check(checks.read(str(study)), Settings(str(tmp_path / "results")))
        assert caught.value.code == code
