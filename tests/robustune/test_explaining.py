"""Whole trials of one architecture are explained; whatever stands against it is told in one line."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from analysis import plot_activations, plot_cka, plot_feature_maps, plot_filters, plot_learning_curves, plot_weights
from analysis.explain.explaining import Asked
from analysis.explained import FOLDER
from analysis.figure_files import KINDS, figure_files
from robustune.checkpoints import digest_of
from robustune.cli import app
from robustune.errors import Mistake
from robustune.explaining import explain
from robustune.ledger import Ledger
from robustune.screen import Screen
from robustune.settings import Settings
from search_spaces import Study, read_study, shipped
from search_spaces.domains import Choice
from trainables.classification.facts import architecture_of
from trainables.classification.starts import save_weights
from trainables.data.images import write_images
from trainables.data.store import Store
from trainables.models import build
from trainables.preparation import data_step, step_address
from trainables.registry import vocabularies
from trainables.seeds import generator

CLASSES = list("abc")
ENDS = ("complete", "complete", "stopped", "failed", "running")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(str(tmp_path / "results"))


def a_study(**changes: Any) -> Study:
    study = read_study(shipped()["smoke"], vocabularies())
    options = {**study.options, "width": 4}
    return Study(
        **{**{name: getattr(study, name) for name in study.__dataclass_fields__}, "options": options, **changes}
    )


def begin(
    settings: Settings, ends: Sequence[str] = ENDS, drawn: Sequence[Mapping[str, Any]] = (), **changes: Any
) -> Path:
    """Writes the ledger of a study whose trials ended so, with checkpoints of untrained nets, and its data."""
    study = a_study(**changes)
    folder = settings.results_folder / study.name
    with Ledger.create(folder, study, {}) as ledger:
        ledger.record_set("data", _data(settings), {"validation": 24})
        for number, end in enumerate(ends):
            config = {"learning_rate": 1e-3, "noise_scale": 0.0, **(drawn[number] if drawn else {})}
            ledger.ask(number, config, 1, {})
            if end == "failed":
                ledger.fail(number, "NONFINITE", "the loss is nan")
                continue
            scores = dict.fromkeys(study.metrics, 0.3 + 0.1 * number)
            ledger.report(number, 1, scores, 1.0, 0.1, end="stopped" if end == "stopped" else None)
            if end == "complete":
                kept = _checkpoint(folder, number, {**study.options, **config})
                ledger.report(number, 2, scores, 1.0, 0.1, kept, end="complete")
    return folder


def _checkpoint(folder: Path, number: int, options: Mapping[str, Any]) -> dict[str, Any]:
    path = folder / "checkpoints" / f"{number:05d}" / "epoch-00002.safetensors"
    path.parent.mkdir(parents=True)
    held = architecture_of(options)
    save_weights(build(held, len(CLASSES), (3, 32, 32), number), path, held)
    return {"path": str(path), "sha256": digest_of(str(path), folder), "bytes": path.stat().st_size}


def _data(settings: Settings) -> str:
    digest = step_address(data_step("embedded-digits"), {})

    def write(folder: Path) -> None:
        images = torch.randint(256, (24, 3, 32, 32), generator=generator("test"), dtype=torch.uint8)
        write_images(folder / "validation.arrow", images, torch.arange(24) % 3, [str(row) for row in range(24)])
        facts = {"classes": CLASSES, "mean": [0.5] * 3, "std": [0.25] * 3, "image_shape": [3, 32, 32]}
        (folder / "data.json").write_text(json.dumps(facts))

    Store(settings.store).publish(digest, write, {"kind": "data"})
    return digest


def refused(
    settings: Settings, code: str, *told: str, trials: Sequence[int] = (), study: str = "smoke", **asked: Any
) -> None:
    with pytest.raises(Mistake) as raised:
        explain(study, trials, Asked(**asked), settings, Screen(False))
    assert raised.value.code == code
    assert "\n" not in raised.value.message
    for part in told:
        assert part in raised.value.message, raised.value.message


@pytest.mark.slow
def test_figures_tables_and_page_of_two_trials_come_while_others_still_run(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begin(settings, description="<b>bold</b>")
    done = explain("smoke", [1, 0], Asked(images=24), settings, Screen(False))
    assert done.trials == [1, 0]
    assert "no baseline" in done.notes[0]
    assert {path.parent for path in done.paths.values()} == {folder / FOLDER}
    assert all(path.is_file() for path in done.paths.values())
    page = done.paths["explanation.html"].read_text()
    assert "<b>bold" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert len(re.findall(r'src="data:image/svg', page)) == sum(name.endswith(".svg") for name in done.paths)
    before = {name: path.read_bytes() for name, path in done.paths.items() if path.suffix[1:] in KINDS}
    for script in (plot_activations, plot_cka, plot_weights, plot_filters, plot_feature_maps):
        assert script.main([str(folder)]) == 0
    told = capsys.readouterr().out.split()
    assert {Path(path).name for path in told} | set(figure_files("learning-curves")) == set(before)
    assert all(Path(path).read_bytes() == before[Path(path).name] for path in told)
    assert plot_learning_curves.main([str(folder), "--trial", "1"]) == 0


def test_the_best_of_the_front_by_each_objective_is_taken_where_none_is_asked_for(settings: Settings) -> None:
    begin(settings)
    done = explain("smoke", (), Asked(images=8), settings, Screen(False))
    assert done.trials == [1]


def test_trials_that_are_not_whole_are_told_all_at_once(settings: Settings) -> None:
    begin(settings)
    refused(
        settings,
        "OPTION_INVALID",
        "--trials 2: it was stopped after 1 of 2 epochs",
        "--trials 3: it failed",
        "--trials 4: it is running, after 1 of 2",
        "--trials 17: there is none of that number",
        "trials with their full epochs: 0, 1",
        trials=[2, 3, 4, 17, 0],
    )
    refused(settings, "OPTION_INVALID", "--trials 17", trials=[17])


def test_a_study_without_whole_trials_or_without_a_folder_is_told(settings: Settings) -> None:
    refused(settings, "STUDY_MISSING", "no study 'smoke'")
    begin(settings, ["stopped", "running"])
    refused(settings, "NO_FRONT", "no trial of it spent its full epochs")


def test_checkpoints_that_are_gone_or_damaged_are_told(settings: Settings) -> None:
    folder = begin(settings)
    path = folder / "checkpoints" / "00000" / "epoch-00002.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    refused(settings, "CKPT_CORRUPT", "trial 0 of smoke", trials=[0])
    path.unlink()
    refused(settings, "CKPT_MISSING", "trial 0 of smoke", trials=[0, 1])


def test_pictures_that_are_none_are_told(settings: Settings, tmp_path: Path) -> None:
    begin(settings)
    refused(settings, "IMAGES_UNREADABLE", "frog.png", trials=[0], image=tmp_path / "frog.png")
    (tmp_path / "frog.png").write_text("a frog")
    refused(settings, "IMAGES_UNREADABLE", "no image of a known format", trials=[0], image=tmp_path / "frog.png")


def test_nets_of_several_architectures_are_told_with_what_differs(settings: Settings) -> None:
    study = a_study()
    space = {**study.space, "activation": Choice(("relu", "gelu"))}
    begin(settings, ["complete"] * 2, [{"activation": "relu"}, {"activation": "gelu"}], space=space)
    refused(
        settings,
        "OPTION_INVALID",
        "trial 1 has another architecture than trial 0: activation 'gelu' instead of 'relu'",
        trials=[0, 1],
    )


def test_too_many_trials_and_a_trainer_without_networks_are_told(
    settings: Settings, curves: Callable[..., Path]
) -> None:
    begin(settings, ["complete"] * 6)
    refused(settings, "OPTION_INVALID", "6 trials; 5 at most", trials=range(6))
    study = read_study(curves(epochs=9), vocabularies())
    Ledger.create(settings.results_folder / study.name, study, {}).close()
    refused(settings, "OPTION_INVALID", "closed-form trainer has no network", study=study.name)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--perturbation", "motion_blurr"], "did you mean motion_blur?"),
        (
            ["--perturbation", "x"],
            "there is fooling-RATE, as fooling-20, gaussian, and of corruptions gaussian_no",
        ),
        (["--perturbation", "fooling"], "fooling images have a rate above 0, as fooling-20"),
        (["--perturbation", "fooling-0"], "fooling images have a rate above 0, as fooling-20"),
        (["--perturbation", "fooling-20", "--severity", "3"], "--severity 3: fooling-20 has none; leave it out"),
        (["--trials", "3", "seventeen"], "seventeen: the study comes first"),
        (["17"], "17: the study comes first, then numbers after --trials"),
    ],
)
def test_mistakes_on_the_command_line_are_told_without_a_study(arguments: list[str], told: str) -> None:
    found = CliRunner().invoke(app, ["explain", "smoke", *arguments])
    assert isinstance(found.exception, Mistake)
    assert told in found.exception.message


def test_numbers_after_trials_are_trials(settings: Settings) -> None:
    begin(settings, ["stopped"] * 3)
    asked = ["explain", "smoke", "--trials", "0", "2", "--results", settings.results]
    found = CliRunner().invoke(app, asked)
    assert isinstance(found.exception, Mistake)
    assert "--trials 0: it was stopped" in found.exception.message
    assert "--trials 2: it was stopped" in found.exception.message
