"""What the ledger has, MLflow has: once, with the ledger's times, whatever happened on the way."""

import json
import socket
import subprocess
import sys
import time
from urllib.parse import parse_qs

import pytest

from analysis import records, report
from analysis.figure_files import figure_files
from robustune.ledger import Ledger
from robustune.tracking import Tracking


@pytest.fixture
def uri(results):
    return f"sqlite:///{results / 'mlflow.db'}"


@pytest.fixture
def client(uri):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


def ask(ledger, number, **config):
    ledger.ask(number, {"learning_rate": 1e-3 * (number + 1), "fooling_rates": (5, 20), **config}, 100 + number, {})


def score(ledger, number, epoch, end=None, accuracy=0.5):
    ledger.report(number, epoch, {"clean_accuracy": accuracy, "mce": 0.5 + 0.1 * number}, 2.0, 0.5, None, end)


def search(ledger):
    """A whole search: two finish, one is stopped, one fails."""
    ledger.record_set("data", "ab" * 32, {"images": 9})
    for weights in ("pretext", "baseline", "sources/train"):  # on the way to the sets, and no data set
        ledger.record_set(weights, "89" * 32, {"images": 3})
    ledger.record_set("set/augmentation/fooling-20", "cd" * 32, {"images": 3})
    ledger.record_set("set/augmentation/fooling-20/0", "ef" * 32, {"images": 3})
    for number in range(4):
        ask(ledger, number)
        if number < 3:
            score(ledger, number, 1, "stopped" if number == 2 else None, 0.2 + number / 10)
        else:
            ledger.fail(number, "NONFINITE", "loss was \x1b[31mnan\x1b[0m in epoch 1")
    for number in range(2):
        score(ledger, number, 2, "complete", 0.6 + number / 10)


def send(folder, uri, interrupted=False, timeout=60.0):
    warnings = []
    tracking = Tracking(folder, uri, warnings.append)
    tracking.start()
    sent = tracking.finish(timeout, interrupted)
    tracking.close()
    return sent, warnings, tracking


def runs(client, name="demo"):
    """The parent runs, and the children by trial."""
    found = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    parents = [run for run in found if "robustune.search" in run.data.tags]
    children = [run for run in found if "robustune.trial" in run.data.tags]
    by_trial = {int(run.data.tags["robustune.trial"]): run for run in children}
    assert len(by_trial) == len(children)
    return parents, by_trial


def points(client, run, metric):
    return [(point.step, point.value, point.timestamp) for point in client.get_metric_history(run.info.run_id, metric)]


def expected_points(folder, trial, metric):
    rows = [row for row in records.epochs(folder).to_pylist() if row["trial"] == trial]
    return [(row["epoch"], row[f"metrics.{metric}"], round(row["recorded"] * 1000)) for row in rows]


def assert_told_once(client, folder):
    _, children = runs(client)
    assert sorted(children) == records.trials(folder)["number"].to_pylist()
    for trial, run in children.items():
        for metric in ("clean_accuracy", "mce"):
            assert points(client, run, metric) == expected_points(folder, trial, metric)


def test_a_search_is_recorded_whole(begun, uri, client, study):
    with begun() as ledger:
        search(ledger)
        report.write(ledger.folder)
        sent, warnings, tracking = send(ledger.folder, uri)
    assert sent
    assert warnings == []
    assert_told_once(client, ledger.folder)
    (parent,), children = runs(client)
    assert {trial: (run.info.status, run.data.tags["robustune.state"]) for trial, run in children.items()} == {
        0: ("FINISHED", "complete"),
        1: ("FINISHED", "complete"),
        2: ("FINISHED", "stopped"),
        3: ("FAILED", "failed"),
    }
    assert children[3].data.tags["robustune.code"] == "NONFINITE"
    rungs = {trial: run.data.tags.get("robustune.rung") for trial, run in children.items()}
    assert rungs == {0: "2", 1: "2", 2: "1", 3: None}
    assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in children.values())
    assert children[1].data.params == {
        "model": "resnet18",
        "learning_rate": "0.002",
        "fooling_rates": "5+20",
        "seed": "101",
    }
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["robustune.study_digest"] == study.digest
    assert parent.data.tags["robustune.status"] == "complete"
    told = parent.data.params
    assert (told["budget.trials"], told["sampler.name"], told["seed"]) == ("4", "tpe", "7")
    assert told["early_stopping.name"] == "pareto_halving"
    for run in (parent, children[0]):
        data = {(one.dataset.name, one.dataset.digest) for one in run.inputs.dataset_inputs}
        assert data == {("data", "ab" * 18), ("set/augmentation/fooling-20", "cd" * 18)}
    files = {file.path for file in client.list_artifacts(parent.info.run_id)}
    shown = {"front.parquet", "front.png", "report.html"}
    assert files == {"study.toml", "record.json", "front.csv", *figure_files("front"), "fronts", *shown}
    kept = {file.path for file in client.list_artifacts(parent.info.run_id, "fronts/after-00004-trials")}
    assert kept == {f"fronts/after-00004-trials/{name}" for name in ("front.csv", *shown)}
    assert tracking.compare_fragment is not None


def test_hypervolume_is_a_curve_over_finished_trials_from_none(begun, uri, client):
    with begun() as ledger:
        search(ledger)
        send(ledger.folder, uri)
        history = records.trials(ledger.folder)
    (parent,), _ = runs(client)
    curve = points(client, parent, "hypervolume")
    assert [step for step, _, _ in curve] == list(range(len(curve)))
    assert curve[0][1] == 0
    # Both points dominate the reference (0, 1.2): 0.6 x 0.7, and beyond it 0.1 x 0.6 of the second one.
    assert curve[-1][1] == pytest.approx(0.6 * 0.7 + 0.1 * 0.6)
    assert curve[-1][2] == round(max(history["ended"].to_pylist()[:2]) * 1000)


def test_the_note_leads_to_the_runs_of_the_front_and_holds_no_markup_of_users(begun, uri, client):
    with begun() as ledger:
        search(ledger)
        _, _, tracking = send(ledger.folder, uri)
    (parent,), children = runs(client)
    note = parent.data.tags["mlflow.note.content"]
    assert f"({tracking.compare_fragment})" in note
    query = parse_qs(tracking.compare_fragment.partition("?")[2])
    assert set(json.loads(query["runs"][0])) == {children[trial].info.run_id for trial in (0, 1)}
    assert json.loads(query["experiments"][0]) == [parent.info.experiment_id]
    assert "<script>" not in note
    assert "[x](" not in note


def test_sending_all_of_it_again_changes_nothing(begun, uri, client):
    with begun() as ledger:
        search(ledger)
        send(ledger.folder, uri)
        before = runs(client)
        for file in ledger.folder.glob("tracking.sqlite*"):
            file.unlink()
        assert send(ledger.folder, uri)[0]
        after = runs(client)
        assert_told_once(client, ledger.folder)
    assert [run.info.run_id for run in before[0]] == [run.info.run_id for run in after[0]]
    assert {n: run.info.run_id for n, run in before[1].items()} == {n: run.info.run_id for n, run in after[1].items()}
    assert len(after[1][0].inputs.dataset_inputs) == 2
    curve = points(client, after[0][0], "hypervolume")
    assert len(curve) == len({step for step, _, _ in curve})


def test_a_damaged_cursor_is_set_aside_and_nothing_is_doubled(begun, uri, client):
    with begun() as ledger:
        search(ledger)
        send(ledger.folder, uri)
        (ledger.folder / "tracking.sqlite").write_bytes(b"no database" * 1000)
        assert send(ledger.folder, uri)[0]
        assert (ledger.folder / "tracking.sqlite.damaged").exists()
        assert_told_once(client, ledger.folder)


def test_a_running_search_is_told_as_it_goes(begun, uri, client):
    with begun() as ledger:
        tracking = Tracking(ledger.folder, uri)
        tracking.start()
        ask(ledger, 0)
        score(ledger, 0, 1)
        tracking.wake()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if client.get_experiment_by_name("demo") and runs(client)[1]:
                break
        assert runs(client)[1][0].info.status == "RUNNING"
        tracking.close()
        assert runs(client)[1][0].info.status == "KILLED"


def test_an_interrupted_search_leaves_nothing_running_and_goes_on_in_the_same_runs(begun, uri, client):
    with begun() as ledger:
        ask(ledger, 0)
        score(ledger, 0, 1)
        send(ledger.folder, uri, interrupted=True)
        (parent,), children = runs(client)
        assert (parent.info.status, children[0].info.status) == ("KILLED", "KILLED")
        assert children[0].data.tags["robustune.state"] == "interrupted"
        first = children[0].info.run_id
    with Ledger.open(ledger.folder) as again:
        again.requeue()
        score(again, 0, 1)
        score(again, 0, 2, "complete")
        send(again.folder, uri)
    (parent,), children = runs(client)
    assert (parent.info.status, children[0].info.status) == ("FINISHED", "FINISHED")
    assert children[0].info.run_id == first
    assert children[0].data.tags["robustune.state"] == "complete"


def test_an_epoch_that_a_resumed_trial_repeats_stays_one_point(begun, uri, client):
    with begun() as ledger:
        ask(ledger, 0)
        score(ledger, 0, 1, accuracy=0.5)
        send(ledger.folder, uri, interrupted=True)
        (first,) = expected_points(ledger.folder, 0, "clean_accuracy")
    with Ledger.open(ledger.folder) as again:
        again.requeue()
        time.sleep(0.01)
        score(again, 0, 1, accuracy=0.5)
        send(again.folder, uri)
        _, children = runs(client)
        assert points(client, children[0], "clean_accuracy") == [first]
        assert len(points(client, children[0], "train_seconds")) == 1


def test_an_epoch_that_comes_out_otherwise_after_a_resume_shows_its_new_score(begun, uri, client):
    with begun() as ledger:
        ask(ledger, 0)
        score(ledger, 0, 1, accuracy=0.9)
        send(ledger.folder, uri, interrupted=True)
    with Ledger.open(ledger.folder) as again:
        again.requeue()
        time.sleep(0.01)
        score(again, 0, 1, accuracy=0.4)
        send(again.folder, uri)
    assert runs(client)[1][0].data.metrics["clean_accuracy"] == 0.4


def test_another_search_of_the_same_name_is_another_parent_run(results, study, uri, client, begun):
    with begun() as ledger:
        search(ledger)
        send(ledger.folder, uri)
    with Ledger.create(results / "elsewhere", study.override(seed=8), {}) as other:
        ask(other, 0)
        score(other, 0, 2 - 1, "stopped")
        send(other.folder, uri)
    found = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    parents = [run for run in found if "robustune.search" in run.data.tags]
    assert len({run.data.tags["robustune.study_digest"] for run in parents}) == 2
    assert sum("robustune.trial" in run.data.tags for run in found) == 5


def test_an_experiment_that_the_user_deleted_stays_deleted(begun, uri, client):
    with begun() as ledger:
        ask(ledger, 0)
        score(ledger, 0, 1, "stopped")
        send(ledger.folder, uri)
        client.delete_experiment(client.get_experiment_by_name("demo").experiment_id)
        sent, (warning,), _ = send(ledger.folder, uri)
    assert sent
    assert "demo was deleted" in warning
    assert client.get_experiment_by_name("demo").lifecycle_stage == "deleted"
    assert list(runs(client, "demo-2")[1]) == [0]


def test_a_run_that_the_user_deleted_stays_deleted_and_holds_up_no_other(begun, uri, client):
    with begun() as ledger:
        for number in range(2):
            ask(ledger, number)
            score(ledger, number, 1)
        send(ledger.folder, uri, interrupted=True)
        client.delete_run(runs(client)[1][0].info.run_id)
        for number in range(2):
            score(ledger, number, 2, "complete")
        sent, (warning,), _ = send(ledger.folder, uri)
    assert not sent
    assert "trial 0" in warning
    _, children = runs(client)
    assert list(children) == [1]
    assert children[1].info.status == "FINISHED"


def test_a_database_begun_anew_gets_everything(begun, uri, client, results, empty_database):
    with begun() as ledger:
        search(ledger)
        send(ledger.folder, uri)
        other = results / "other.db"
        other.write_bytes(empty_database.read_bytes())
        (results / "mlflow.db").rename(results / "old.db")
        other.rename(results / "mlflow.db")
        elsewhere = f"sqlite:///{results}/../{results.name}/mlflow.db"
        assert send(ledger.folder, elsewhere)[0]
        from mlflow.tracking import MlflowClient

        assert_told_once(MlflowClient(tracking_uri=elsewhere), ledger.folder)


def test_without_a_server_nothing_waits_nothing_is_lost_and_one_warning_is_given(begun, uri, client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    warnings = []
    with begun() as ledger:
        tracking = Tracking(ledger.folder, f"http://user:secret@127.0.0.1:{port}", warnings.append)
        tracking.start()
        slowest = 0.0
        for number in range(4):
            ask(ledger, number)
            began = time.perf_counter()
            tracking.wake()
            slowest = max(slowest, time.perf_counter() - began)
        began = time.monotonic()
        assert not tracking.finish(3.0)
        assert time.monotonic() - began < 5
        tracking.close()
        assert slowest < 0.1
        assert len(warnings) == 1
        assert f"127.0.0.1:{port}" in warnings[0]
        assert "secret" not in warnings[0]
        assert send(ledger.folder, uri, interrupted=True)[0]
        assert_told_once(client, ledger.folder)


def test_importing_tracking_imports_no_mlflow():
    said = "import sys, robustune.tracking, robustune.ui; print([m for m in sys.modules if m.startswith('mlflow')])"
    ended = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_sending_says_nothing_on_the_terminal(begun, uri, capfd):
    with begun() as ledger:
        search(ledger)
        send(ledger.folder, uri)
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_double_of_a_run_whose_answer_came_too_late_is_deleted(begun, uri, client):
    with begun() as ledger:
        ask(ledger, 0)
        score(ledger, 0, 1)
        send(ledger.folder, uri, interrupted=True)
        (parent,), children = runs(client)
        for run in (parent, children[0]):
            client.create_run(run.info.experiment_id, tags=run.data.tags, start_time=run.info.start_time + 1)
        score(ledger, 0, 2, "complete")
        assert send(ledger.folder, uri)[0]
        assert [run.info.run_id for run in runs(client)[0]] == [parent.info.run_id]
        assert runs(client)[1][0].info.run_id == children[0].info.run_id
        assert_told_once(client, ledger.folder)


def test_a_server_that_hangs_holds_up_the_end_no_longer_than_asked(begun):
    warnings = []
    with socket.socket() as silent, begun() as ledger:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        tracking = Tracking(ledger.folder, f"http://127.0.0.1:{silent.getsockname()[1]}", warnings.append)
        tracking.start()
        ask(ledger, 0)
        began = time.monotonic()
        assert not tracking.finish(1.0)
        tracking.close()
        assert time.monotonic() - began < 2
    assert len(warnings) == 1
