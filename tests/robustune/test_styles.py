"""The command that trains AdaIN's decoder, on crops of real photographs.

Published VGG-19 weights are not to be had where tests run: a file with torchvision's names holds random ones.
"""

import io
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision.models.vgg as vgg
from PIL import Image
from rich.console import Console
from sklearn.datasets import load_sample_images

from robustune.errors import EXIT_CODES, Mistake
from robustune.styles import train_decoder
from trainables.models import own_randomness
from trainables.perturbations.stylisation.adain import load_decoder, vgg19_encoder
from trainables.perturbations.stylisation.decoder_options import DecoderTraining

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUICK = DecoderTraining(steps=3, batch=1, size=16)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `content` and `styles`, crops of two photographs, and `vgg.pth`."""
    root = tmp_path_factory.mktemp("decoder")
    for name, photograph in zip(("content", "styles"), load_sample_images().images, strict=True):
        (root / name).mkdir()
        for left in range(0, 600, 200):
            Image.fromarray(photograph[100:300, left : left + 200]).save(root / name / f"{left}.png")
    with own_randomness(0, torch.device("cpu")):
        features = vgg.make_layers(vgg.cfgs["E"][:13])
        for layer in features:
            if isinstance(layer, torch.nn.Conv2d):  # torch's own initial weights fade to nothing in nine layers
                torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    torch.save({f"features.{name}": value for name, value in features.state_dict().items()}, root / "vgg.pth")
    return root


@pytest.fixture
def train(place: Path) -> Callable[..., str]:
    """Trains a decoder in this process, and returns what was said."""

    def train(out: Path, options: DecoderTraining = QUICK, overwrite: bool = False, **changes: Any) -> str:
        console = Console(file=io.StringIO(), width=200, highlight=False)
        folders = (changes.get("content", place / "content"), changes.get("styles", place / "styles"))
        encoder = str(changes.get("encoder", place / "vgg.pth"))
        train_decoder(folders, out, overwrite, encoder, options, changes.get("seed", 0), console)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return train


@pytest.mark.slow
def test_the_loss_falls_on_photographs_and_the_decoder_fits_its_encoder(
    train: Callable[..., str], place: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "decoder.safetensors"
    options = DecoderTraining(steps=20, batch=2, size=32, learning_rate=1e-4)
    heading, *steps, last = train(out, options).splitlines()
    assert heading == "3 content images and 3 styles of 32x32 pixels"
    assert last == f"decoder: {out}"
    assert steps[0].startswith("step 1 of 20: content loss ")
    assert len(steps) == 20
    totals = [float(line.split()[6].rstrip(",")) + 10 * float(line.split()[9]) for line in steps]
    assert sum(totals[-5:]) < 0.5 * sum(totals[:5])
    decoder = load_decoder(out, encoder=vgg19_encoder(str(place / "vgg.pth")))
    assert all(value.isfinite().all() for value in decoder.parameters())


def test_equal_seeds_give_equal_files_and_others_do_not(train: Callable[..., str], tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    train(one), train(two), train(three, seed=1)
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()
    with pytest.raises(Mistake, match=r"--out .*one: is there already; name another file, or give --overwrite"):
        train(one)
    train(one, seed=1, overwrite=True)
    assert one.read_bytes() == three.read_bytes()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"content": "nowhere"}, "OPTION_INVALID", "--content: .*nowhere: there is no such folder"),
        ({"styles": "empty"}, "OPTION_INVALID", "--styles: .*empty: no picture is in it; put some there"),
        ({"styles": "torn"}, "OPTION_INVALID", r"--styles: .*torn\.jpg: no picture can be read from it"),
        ({"encoder": "nowhere"}, "WEIGHTS_MISSING", r"AdaIN needs vgg19-.*\.pth, which is not at .*nowhere"),
        ({"encoder": "torn/torn.jpg"}, "CKPT_CORRUPT", "no file of tensors alone"),
        ({"out": "empty"}, "OPTION_INVALID", "--out .*empty: is a folder"),
        ({"out": "torn/torn.jpg/decoder"}, "RESULTS_UNWRITABLE", "cannot be written"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    train: Callable[..., str], tmp_path: Path, changes: dict[str, str], code: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    before = sorted(tmp_path.rglob("*"))
    given = {name: tmp_path / value for name, value in changes.items()}
    with pytest.raises(Mistake, match=words) as caught:
        train(**{"out": tmp_path / "decoder.safetensors", **given})
    assert caught.value.code == code
    assert sorted(tmp_path.rglob("*")) == before


def test_unlawful_numbers_are_told_together_by_the_command(robustune: Run, place: Path, tmp_path: Path) -> None:
    files = ["--content", str(place / "content"), "--styles", str(place / "styles"), "--out", str(tmp_path / "d")]
    numbers = ["--steps", "0", "--batch", "0", "--size", "36", "--learning-rate", "nan", "--style-weight", "-1"]
    ended = robustune("styles", "train-decoder", *files, *numbers)
    assert ended.returncode == EXIT_CODES["OPTION_INVALID"]
    assert ended.stderr.startswith("OPTION_INVALID: styles train-decoder: ")
    assert ended.stderr.count("\n") == 1
    for part in (
        "steps: 0",
        "batch: 0",
        "size: 36: expected a multiple of 8",
        "learning_rate: nan",
        "style_weight: -1",
    ):
        assert part in ended.stderr


@pytest.mark.slow
def test_an_interruption_leaves_nothing(
    command: Path, heeding_ctrl_c: Callable[[], object], place: Path, tmp_path: Path
) -> None:
    files = ["--content", place / "content", "--styles", place / "styles", "--encoder", place / "vgg.pth"]
    options = ["--out", tmp_path / "decoder", "--size", "16", "--batch", "1", "--steps", "100000"]
    arguments = [str(part) for part in (command, "styles", "train-decoder", *files, *options)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heeding_ctrl_c
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("3 content images")
        assert running.stdout.readline().startswith("step 1 of 100,000")
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.strip() == "interrupted; nothing was written"
    assert not list(tmp_path.iterdir())
