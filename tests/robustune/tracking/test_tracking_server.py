"""A real MLflow server that is late, dies or loses answers, and senders that are killed: every point arrives once."""

import http.client
import http.server
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.request import urlopen

import pytest

from analysis import records
from robustune.tracking import Tracking, probe

pytestmark = pytest.mark.slow

SENDS_AND_DIES = """
import os, signal, sys
from pathlib import Path
from robustune.tracking import Tracking
from robustune.tracking.cursor import Cursor

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(Cursor, sys.argv[3], die)
tracking = Tracking(Path(sys.argv[1]), sys.argv[2])
tracking.start()
tracking.finish(60)
"""


@pytest.fixture
def client(results):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{results}/mlflow.db")


def ask(ledger, number):
    ledger.ask(number, {"learning_rate": 1e-3, "fooling_rates": (5,), "batch_size": 8}, number, {})


def score(ledger, number, epoch, end=None):
    ledger.report(number, epoch, {"clean_accuracy": 0.1 * epoch, "mce": 0.5}, 1.0, 0.1, None, end)


def whole_trial(ledger, number):
    ask(ledger, number)
    score(ledger, number, 1)
    score(ledger, number, 2, "complete")


def assert_told_once(client, folder):
    found = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    children = [run for run in found if "robustune.trial" in run.data.tags]
    assert sum("robustune.search" in run.data.tags for run in found) == 1
    epochs = records.epochs(folder).to_pylist()
    assert len(children) == len({row["trial"] for row in epochs})
    assert all(run.info.status == "FINISHED" for run in found)
    for run in children:
        expected = [
            (row["epoch"], row["metrics.clean_accuracy"], round(row["recorded"] * 1000))
            for row in epochs
            if row["trial"] == int(run.data.tags["robustune.trial"])
        ]
        told = client.get_metric_history(run.info.run_id, "clean_accuracy")
        assert [(point.step, point.value, point.timestamp) for point in told] == expected


def test_a_server_that_starts_late_gets_every_point_once(begun, results, port, client, server):
    warnings = []
    with begun() as ledger:
        tracking = Tracking(ledger.folder, f"http://127.0.0.1:{port}", warnings.append)
        tracking.start()
        whole_trial(ledger, 0)
        tracking.wake()
        time.sleep(6)
        with server(results, port):
            whole_trial(ledger, 1)
            tracking.wake()
            assert tracking.finish(60)
            files = {file.path for file in served_files(port)}
        assert len(warnings) == 1
        assert files == {"study.toml", "record.json", "front.csv", "fronts"}
        assert_told_once(client, ledger.folder)


def served_files(port):
    from mlflow.tracking import MlflowClient

    asked = MlflowClient(tracking_uri=f"http://127.0.0.1:{port}")
    (experiment,) = [one for one in asked.search_experiments() if one.name == "demo"]
    (parent,) = asked.search_runs([experiment.experiment_id], "tags.`robustune.status` = 'complete'")
    return asked.list_artifacts(parent.info.run_id)


def test_a_server_killed_on_the_way_and_started_again_gets_every_point_once(begun, results, port, client, server):
    warnings = []
    with begun() as ledger:
        tracking = Tracking(ledger.folder, f"http://127.0.0.1:{port}", warnings.append)
        with server(results, port):
            tracking.start()
            whole_trial(ledger, 0)
            ask(ledger, 1)
            score(ledger, 1, 1)
            tracking.wake()
            time.sleep(3)
            for number in range(2, 12):
                whole_trial(ledger, number)
                tracking.wake()
            time.sleep(0.4)
        for number in range(12, 20):
            whole_trial(ledger, number)
            tracking.wake()
        score(ledger, 1, 2, "complete")
        time.sleep(2)
        with server(results, port):
            assert tracking.finish(90)
        assert len(warnings) == 1
        assert_told_once(client, ledger.folder)


@pytest.mark.parametrize("where", ["advance", "adopt", "settle", "advance_hypervolume"])
def test_a_sender_killed_between_sending_and_remembering_sends_nothing_twice(begun, results, client, where):
    uri = f"sqlite:///{results}/mlflow.db"
    with begun() as ledger:
        for number in range(3):
            whole_trial(ledger, number)
        ended = subprocess.run([sys.executable, "-c", SENDS_AND_DIES, str(ledger.folder), uri, where], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert client.get_experiment_by_name("demo") is not None
        tracking = Tracking(ledger.folder, uri)
        tracking.start()
        assert tracking.finish(60)
        assert_told_once(client, ledger.folder)


class Losing(http.server.BaseHTTPRequestHandler):
    """Passes every request on, and loses the answer to each third one that changes something."""

    protocol_version = "HTTP/1.1"
    behind = 0
    changes = 0
    lost = 0

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        onward = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=30)
        onward.request(self.command, self.path, body, {"Content-Type": self.headers.get("Content-Type", "")})
        answer = onward.getresponse()
        said = answer.read()
        if self.command == "POST" and "/search" not in self.path:
            type(self).changes += 1
            if self.changes % 3 == 0:
                type(self).lost += 1
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_PATCH = pass_on  # noqa: N815

    def log_message(self, *_):
        pass


def test_answers_lost_on_the_way_double_nothing(begun, results, port, client, server):
    with server(results, port), begun() as ledger:
        Losing.behind = port
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Losing)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        tracking = Tracking(ledger.folder, f"http://127.0.0.1:{proxy.server_address[1]}")
        tracking.start()
        for number in range(2):
            whole_trial(ledger, number)
            tracking.wake()
        deadline = time.monotonic() + 60
        while Losing.lost < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        proxy.shutdown()
        proxy.server_close()
        tracking.close()
        assert Losing.lost >= 3
        last = Tracking(ledger.folder, f"http://127.0.0.1:{port}")
        last.start()
        assert last.finish(60)
        assert_told_once(client, ledger.folder)


def test_the_health_of_a_real_server_is_no_complaint(results, port, server):
    with server(results, port):
        assert probe(f"http://127.0.0.1:{port}") is None
        assert probe(f"http://127.0.0.1:{port}/") is None
        with urlopen(f"http://127.0.0.1:{port}/version", timeout=5) as answer:
            assert answer.status == 200
