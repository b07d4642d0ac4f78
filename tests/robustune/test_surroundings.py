"""A search leaves the process it ran in as it was, and nothing of its own on the disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robustune.aside import make_folder, own_folder, remove_left_over
from robustune.surroundings import environment, termination_handled_as_before


def test_the_environment_is_put_back_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROBUSTUNE_THERE", "before")
    monkeypatch.delenv("ROBUSTUNE_ABSENT", raising=False)
    before = dict(os.environ)

    def fails() -> None:
        with environment({"ROBUSTUNE_THERE": "inside", "ROBUSTUNE_ABSENT": "inside"}, ("ROBUSTUNE_OTHER",)):
            os.environ["ROBUSTUNE_OTHER"] = "by somebody else"
            assert os.environ["ROBUSTUNE_THERE"] == "inside"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert dict(os.environ) == before


def test_the_handler_of_sigterm_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with termination_handled_as_before():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGTERM) == before


def test_folders_of_killed_processes_go_and_those_of_living_ones_stay() -> None:
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal; from robustune.aside import make_folder; "
            "print(make_folder('ray'), flush=True); os.kill(os.getpid(), signal.SIGKILL)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    with own_folder("tune") as mine:
        assert mine.stat().st_mode & 0o077 == 0
        remove_left_over()
        assert not left.exists()
        assert mine.is_dir()
    assert not mine.exists()


def test_a_process_that_ends_takes_its_folders_along() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from robustune.aside import make_folder; print(make_folder('token'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip()
    assert not Path(done.stdout.strip()).exists()
    assert make_folder("token").is_dir()  # this process's own goes at its end
