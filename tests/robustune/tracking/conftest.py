"""Real ledgers, and an empty MLflow database made once: migrating a fresh one takes seconds."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from robustune.ledger import Ledger
from robustune.tracking import Tracking, probe
from search_spaces import Budget, Choice, EarlyStopping, LogUniform, Objective, Study, Subset


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    from robustune.tracking import environment

    environment.settle()
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def results(tmp_path, empty_database) -> Path:
    folder = tmp_path / "re sults"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    return folder


@pytest.fixture
def study() -> Study:
    return Study(
        name="demo",
        description="hostile <script>alert(1)</script> [x](http://evil)",
        trainer="classification",
        data="digits",
        options={"model": "resnet18"},
        space={
            "learning_rate": LogUniform(low=1e-5, high=1e-2),
            "fooling_rates": Subset(values=(5, 20)),
            "batch_size": Choice(values=(8, 16)),
        },
        objectives=(
            Objective(metric="clean_accuracy", goal="max", reference=0.0),
            Objective(metric="mce", goal="min", reference=1.2),
        ),
        budget=Budget(trials=4, epochs=2),
        early_stopping=EarlyStopping(name="pareto_halving"),
        seed=7,
        source='trainer = "classification"\n',
    )


@pytest.fixture
def begun(results, study) -> Callable[[], Ledger]:
    """Opens the ledger of the study."""
    return lambda: Ledger.create(results / study.name, study, {"python": "3"})


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def server():
    """Runs a real server inside a `with`."""
    return _serving


@contextmanager
def _serving(results, port):
    """Runs MLflow's server over the results' database, and kills it at the end."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{results}/mlflow.db", "--artifacts-destination", f"{results}/served"]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (results / "server.log").open("ab") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + 90
        while probe(f"http://127.0.0.1:{port}") is not None:
            assert time.monotonic() < deadline, (results / "server.log").read_text()
            time.sleep(0.2)
        yield running
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@pytest.fixture
def uri(results: Path) -> str:
    return f"sqlite:///{results / 'mlflow.db'}"


@pytest.fixture
def searched(begun: Callable[[], Ledger], uri: str) -> Path:
    """A study whose search MLflow has: one trial complete, one in flight."""
    scores = {"clean_accuracy": 0.9, "mce": 0.8}
    with begun() as ledger:
        for number in (0, 1):
            config = {"learning_rate": 1e-3, "fooling_rates": [5], "batch_size": 8}
            ledger.ask(number, config, number, {})
        ledger.report(0, 1, scores, 1.0, 0.1)
        ledger.report(0, 2, scores, 1.0, 0.1, end="complete")
        tracking = Tracking(ledger.folder, uri)
        tracking.start()
        assert tracking.settle(300.0)
        tracking.abandon()  # as a driver that is still at work would leave it
        return ledger.folder
