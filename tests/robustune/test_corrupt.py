"""The command `corrupt` as a user meets it: what it says, its exit statuses, and the set that can be made of it."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustune.cli import main
from robustune.errors import EXIT_CODES
from trainables.data.library import VARIABLE

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of two small pictures."""
    draws = np.random.default_rng(0)
    for name in ("n1/a.png", "n1/b.png", "n2/c.png", "n2/d.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(draws.integers(0, 255, (4, 4, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BICUBIC).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], photos: Path) -> Call:
    """Runs `robustune` in this process beside the pictures; returns its status and what it said on both streams."""
    monkeypatch.chdir(photos.parent)
    monkeypatch.setattr("signal.signal", lambda signum, handler: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["robustune", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_one_line_says_how_many_where_and_how_fast(call: Call, photos: Path) -> None:
    (photos / "notes.txt").write_text("no image")
    status, said, complained = call("corrupt", "photos", "--severity", "3", "--corruption", "fog", "--out", "made")
    assert (status, complained) == (0, "")
    told = r"4 images in made: 4 under 1 corruption at severity 3, [\d.,]+ images/s; files that are no images: 1\n"
    assert re.fullmatch(told, said)
    cell = photos.parent / "made" / "fog" / "3"
    there = {path.relative_to(cell).as_posix() for path in cell.rglob("*.png")}
    assert there == {"n1/a.png", "n1/b.png", "n2/c.png", "n2/d.png"}


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--severity", "0"], "OPTION_INVALID", ["severity is 0", "1 (weak) to 5"]),
        (["--severity", "6"], "OPTION_INVALID", ["severity is 6"]),
        (["--severity", "3", "--corruption", "fogg"], "OPTION_INVALID", ["did you mean 'fog'?"]),
        (["--severity", "3", "--constants", "imagenet"], "OPTION_INVALID", ["did you mean 'imagenet-c'?"]),
        (["--severity", "3", "--size", "16"], "OPTION_INVALID", ["size is 16", "32 to 512"]),
        (["--severity", "3", "--ice", "photos"], "OPTION_INVALID", ["--ice photos", "no picture of ice"]),
        (["--severity", "3", "--overwrite", "--resume"], "OPTION_INVALID", ["--resume"]),
        (["--severity", "3", "--out", "photos/made"], "OPTION_INVALID", ["photos/made", "elsewhere"]),
        (["--severity", "3", "--out", "taken/made"], "RESULTS_UNWRITABLE", ["taken", "--out"]),
        (["--severity", "3", "nothing"], "DATA_INVALID", ["nothing", "No such file"]),
        (["--severity", "3", "empty"], "DATA_INVALID", ["empty", "no image"]),
        (["--severity", "3", "small"], "IMAGES_UNREADABLE", ["1.png (is 31x31", "32 to 512", "--size N"]),
        (["--severity", "3", "--out", "before"], "FILES_EXIST", ["fog/3/n1/a.png", "--resume", "--overwrite"]),
    ],
)
def test_mistakes_end_in_one_line_and_leave_nothing(
    call: Call, photos: Path, options: Sequence[str], code: str, told: Sequence[str]
) -> None:
    root = photos.parent
    (root / "taken").write_text("a file")
    (root / "empty").mkdir()
    (root / "small").mkdir()
    Image.new("RGB", (31, 31)).save(root / "small" / "1.png")
    (root / "before/fog/3/n1").mkdir(parents=True)
    (root / "before/fog/3/n1/a.png").write_bytes(b"mine")
    before = sorted(root.rglob("*"))
    paths = [] if options[-1] in ("nothing", "empty", "small") else ["photos"]
    status, said, complained = call("corrupt", *options, *paths, *([] if "--out" in options else ["--out", "made"]))
    assert status == EXIT_CODES[code]
    assert said == ""
    assert complained.startswith(f"{code}: corrupt: ") or code == "RESULTS_UNWRITABLE"
    assert complained.count("\n") == 1
    assert complained[:-1].isprintable()
    for part in told:
        assert part in complained
    assert sorted(root.rglob("*")) == before


def test_the_result_can_be_added_as_a_corrupted_test_set(
    call: Call, monkeypatch: pytest.MonkeyPatch, photos: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(photos.parent / "library"))
    severities = [part for severity in range(1, 6) for part in ("--severity", str(severity))]
    names = ("fog", "contrast")
    chosen = [part for name in names for part in ("--corruption", name)]
    status, said, _ = call("corrupt", "photos", *severities, *chosen, "--format", "jpeg", "--out", "photos-c")
    assert status == 0
    assert "40 images in photos-c: 4 under 2 corruptions at severities 1, 2, 3, 4, 5" in said
    status, said, complained = call("data", "add", "imagenet-c", "photos-c", "--corruptions", ",".join(names))
    assert (status, complained) == (0, "")
    assert "corruptions: fog, contrast" in said


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_what_goes_on(
    command: Path, heeding_ctrl_c: Callable[[], object], photos: Path
) -> None:
    names = ("fog", "glass_blur", "zoom_blur", "spatter", "snow", "motion_blur")
    chosen = [part for name in names for part in ("--corruption", name)]
    options = ["--severity", "3", "--size", "512", "--workers", "1", "--out", "made"]
    arguments = [str(command), "corrupt", "photos", *chosen, *options]
    running = subprocess.Popen(
        arguments, cwd=photos.parent, stderr=subprocess.PIPE, text=True, preexec_fn=heeding_ctrl_c
    )
    until = time.monotonic() + 120
    while time.monotonic() < until and not list(photos.parent.glob("made/*/3/*/*.png")):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, complained = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "--resume" in complained
    assert "Traceback" not in complained
    made = list(photos.parent.glob("made/*/3/*/*"))
    assert 0 < len(made) < 4 * len(names)
    for path in made:
        with Image.open(path) as image:
            image.load()
    again = subprocess.run([*arguments, "--resume"], cwd=photos.parent, capture_output=True, text=True, check=True)
    assert f"already there: {len(made)}" in again.stdout
    assert len(list(photos.parent.glob("made/*/3/*/*.png"))) == 4 * len(names)
    assert json.loads((photos.parent / "made/fog/3.json").read_text())["size"] == 512
