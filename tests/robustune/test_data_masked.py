"""Images with masks from the command to a front: added, listed, checked, built, searched, refused where they end."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis import records
from robustune import checks
from robustune import data as data_command
from robustune.errors import Mistake

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Complained = Callable[..., None]

pytestmark = pytest.mark.usefixtures("library")

STUDY = """
description = "Squares on noise"
trainer = "segmentation"
data = "squares"
[options]
encoder = "resnet18"
encoder_width = 4
decoder_width = 2
stem = "small"
evaluation_noise_draws = 1
[space]
learning_rate = { log_uniform = [1e-3, 1e-2] }
[[objectives]]
metric = "miou"
goal = "max"
reference = 0.0
[[objectives]]
metric = "noisy_miou"
goal = "max"
reference = 0.0
[budget]
trials = 2
epochs = 1
[sampler]
name = "random"
"""


@pytest.mark.slow
def test_images_with_masks_are_added_listed_checked_built_and_removed(
    robustune: Run, squares: Path, tmp_path: Path
) -> None:
    added = robustune("data", "add", "image-masks", squares)
    assert (added.returncode, added.stderr) == (0, "")
    lines = added.stdout.splitlines()
    assert lines[0].startswith("squares: 2 classes, 3x32x32, digest ")
    assert lines[1:] == [
        "  train: 14 images from 14 sources: what is left of all images",
        "  validation: 2 images from 2 sources: 0.1 of all images, by content",
        "  test: 2 images from 2 sources: 0.1 of all images, by content",
        "  holdout: 2 images from 2 sources: 0.1 of all images, by content",
        "  25.0% of the pixels are padding, void in the masks: images of several sizes",
        'a study names it: trainer = "segmentation", data = "squares"',
    ]
    told = "image-masks, with masks, 3x32x32, 2 classes; 14 train, 2 validation, 2 test, 2 holdout"
    assert any(line.startswith("squares ") and line.endswith(told) for line in data_command.listed())
    (tmp_path / "study.toml").write_text(STUDY)
    checked = robustune("check", "study.toml")
    assert checked.stdout.splitlines()[-1:] == ["ok"], checked.stderr
    built = robustune("data", "build", "squares")
    assert "  train: 14 images from 14 sources" in built.stdout, built.stderr
    again = data_command.add("image-masks", squares, None, {})
    assert again[0] == f"{lines[0]}, was there already"
    data_command.remove("squares")
    with pytest.raises(Mistake, match="'squares'"):
        checks.read(str(tmp_path / "study.toml"))


def test_each_trainer_refuses_the_other_ones_sets(squares: Path, tmp_path: Path) -> None:
    data_command.add("image-masks", squares, None, {})
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "dog").mkdir()
    for number, path in enumerate(sorted((squares / "images").iterdir())):
        path.rename(tmp_path / "pets" / ("cat", "dog")[number % 2] / path.name)
    data_command.add("image-folder", tmp_path / "pets", None, {"size": 16})
    study = tmp_path / "study.toml"
    study.write_text(STUDY.replace('"squares"', '"pets"'))
    with pytest.raises(Mistake, match="data: 'pets': it has no masks; trainer = 'classification' takes it"):
        checks.read(str(study))
    head = 'description = "x"\ntrainer = "classification"\ndata = "squares"\n'
    space = "[space]\nlearning_rate = { log_uniform = [1e-3, 1e-2] }\n"
    objectives = STUDY[STUDY.index("[[objectives]]") :].replace("noisy_miou", "loss").replace("miou", "clean_accuracy")
    study.write_text(head + space + objectives)
    with pytest.raises(Mistake, match="data: 'squares': its pixels have classes"):
        checks.read(str(study))


def test_a_corrupted_test_set_is_not_looked_for_among_masks(squares: Path, tmp_path: Path) -> None:
    from trainables.data.corrupted import corrupted_step
    from trainables.errors import TrainableError

    data_command.add("image-masks", squares, None, {})
    with pytest.raises(TrainableError, match="'squares' is a data set of clean images") as caught:
        corrupted_step("squares")
    assert caught.value.code == "DATA_INVALID"


def test_a_mask_that_does_not_fit_ends_in_one_line_with_its_name(
    robustune: Run, squares: Path, library: Path, complained: Complained
) -> None:
    Image.fromarray(np.full((24, 32), 2, np.uint8)).save(squares / "masks" / "4.png")
    told = ("1 of 20", "images/4.png (the mask masks/4.png has the value 2; classes are 0 to 1, and 255 is void)")
    complained(robustune("data", "add", "image-masks", squares), "IMAGES_UNREADABLE", *told)
    (squares / "masks" / "4.png").unlink()
    complained(robustune("data", "add", "image-masks", squares), "DATA_INVALID", "images/4.png")
    assert not list(library.glob("*.json"))


@pytest.mark.ray
def test_a_search_on_images_with_masks_ends_with_a_front(robustune: Run, squares: Path, tmp_path: Path) -> None:
    data_command.add("image-masks", squares, None, {})
    (tmp_path / "study.toml").write_text(STUDY)
    ended = robustune("search", "study.toml", "--cpus-per-trial", "0.5")
    assert ended.returncode == 0, ended.stderr
    rows = records.trials(tmp_path / "results" / "study").to_pylist()
    assert [row["state"] for row in rows] == ["complete", "complete"]
    assert all(0 < row["metrics.miou"] <= 1 for row in rows)
