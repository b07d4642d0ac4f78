"""Studies of the closed-form trainer, and real Ray nodes on loopback addresses of this machine."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustune.errors import EXIT_CODES

COMMAND = Path(sys.executable).with_name("robustune")
JOIN_SECONDS = 60.0


@pytest.fixture
def curves(tmp_path: Path) -> Callable[..., Path]:
    """Writes a study of learning curves in closed form and returns its path."""

    def write(
        name: str = "curves",
        trials: int = 8,
        epochs: int | str = 4,
        options: str = "",
        sampler: str = "tpe",
        early_stopping: str = "pareto_halving",
        rule: str = "",
    ) -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(
            f"""
            description = "Learning curves in closed form"
            trainer = "closed-form"
            data = "none"
            [options]
            {options}
            [space]
            angle = {{ uniform = [0, 1] }}
            loss = {{ uniform = [0, 1] }}
            [[objectives]]
            metric = "accuracy"
            goal = "max"
            reference = 0.0
            [[objectives]]
            metric = "robustness"
            goal = "max"
            reference = 0.0
            [budget]
            trials = {trials}
            epochs = {epochs}
            [sampler]
            name = "{sampler}"
            [early_stopping]
            name = "{early_stopping}"
            {rule}
            """
        )
        return path

    return write


@pytest.fixture
def command() -> Path:
    """The command of the environment that runs the tests."""
    return COMMAND


@pytest.fixture
def heeding_ctrl_c() -> Callable[[], object]:
    """For `preexec_fn`: a shell starts what runs in its background, these tests perhaps, with Ctrl-C ignored."""
    return lambda: signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def robustune(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command in an empty folder, as a user would."""

    def run(*arguments: str | Path, timeout: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def complained() -> Callable[..., None]:
    """Holds a run of the command to the law of complaints: `complained(ended, code, *told)`."""

    def hold(ended: subprocess.CompletedProcess[str], code: str, *told: str) -> None:
        """Documented status, one printable line on standard error that tells all this, nothing on standard output."""
        assert ended.returncode == EXIT_CODES[code], ended.stderr
        assert ended.stderr.startswith(f"{code}: ")
        assert ended.stderr.count("\n") == 1
        assert ended.stderr[:-1].isprintable()
        assert ended.stdout == ""
        for part in told:
            assert part in ended.stderr

    return hold


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The data library of the commands that a test runs."""
    monkeypatch.setenv("ROBUSTUNE_DATA", str(tmp_path / "library"))
    return tmp_path / "library"


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Twenty images of two sizes with a bright square each, and masks that say where it is."""
    root = tmp_path / "squares"
    generator = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(20):
        pixels = generator.integers(0, 90, ((32, 24) if number % 2 else (24, 32)) + (3,), np.uint8)
        mask = np.zeros(pixels.shape[:2], np.uint8)
        top, left = generator.integers(0, 12, 2)
        mask[top : top + 10, left : left + 10] = 1
        pixels[mask == 1] += 150
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")
    (root / "classes.txt").write_text("ground\nsquare\n")
    return root


@dataclass(frozen=True)
class Nodes:
    """A running cluster of two nodes: its address, each node's own working directory, and how to kill the second."""

    address: str
    folders: tuple[Path, Path]
    environment: dict[str, str]
    second: "subprocess.Popen[bytes]"


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Nodes]:
    """Starts a head on 127.0.0.2 and a second raylet on 127.0.0.3, one CPU each, with a token of their own."""
    # Not below tmp_path: Ray's sockets lie under it, and a socket's path ends at 107 bytes.
    root = Path(tempfile.mkdtemp(prefix="rt-two-", dir="/tmp"))
    token = root / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_USAGE_STATS_ENABLED": "0"}
    address = f"127.0.0.2:{_free_port('127.0.0.2')}"
    started = []
    try:
        head = (
            "--head",
            "--port",
            address.split(":")[1],
            "--include-dashboard",
            "false",
            "--temp-dir",
            str(root / "h"),
        )
        started.append(_node(root, "first", "127.0.0.2", environment, *head))
        _answers(address)
        started.append(_node(root, "second", "127.0.0.3", environment, "--address", address))
        _joined(address, environment, 2)
        yield Nodes(address, (root / "first", root / "second"), environment, started[1])
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(root, ignore_errors=True)


def _node(root: Path, name: str, ip: str, environment: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    folder = root / name
    folder.mkdir()
    with (root / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [COMMAND.with_name("ray"), "start", "--block", "--node-ip-address", ip, "--num-cpus", "1", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_port(ip: str) -> int:
    # Ray's workers take ports from 10002 to 19999.
    while True:
        with socket.socket() as probe:
            probe.bind((ip, 0))
            port: int = probe.getsockname()[1]
        if port >= 20000:
            return port


def _answers(address: str) -> None:
    host, port = address.split(":")
    until = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"no Ray head answered at {address}")


def _joined(address: str, environment: dict[str, str], nodes: int) -> None:
    """Asks from a process of its own, so that this one stays free to connect as it likes."""
    count = (
        "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR'); "
        "print(sum(node['Alive'] for node in ray.nodes()))"
    )
    until = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < until:
        asked = subprocess.run(
            [sys.executable, "-c", count, address],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=JOIN_SECONDS,
            check=False,
        )
        if asked.stdout.strip().endswith(str(nodes)):
            return
        time.sleep(0.5)
    pytest.fail(f"the cluster at {address} never had {nodes} nodes: {asked.stdout} {asked.stderr[-500:]}")
