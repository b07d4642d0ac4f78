"""A confirmation in MLflow: a run of each net, ended as the net did, once, whenever the sending was interrupted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis import records
from analysis.confirmation import Confirmation
from robustune.confirmation_nets import Net
from robustune.tracking.attaching import place
from robustune.tracking.confirmed import PREFIX, TAG, Sent, send
from search_spaces import Study


def net(trial: int, replicate: int, state: str = "complete") -> Net:
    failure = ("NONFINITE", "the loss is nan") if state == "failed" else ("", "")
    return Net(replicate, trial, replicate, 7 + replicate, state, 2, 1.5, "", "", *failure, 10.0, 20.0)


def told(study: Study, found: Confirmation, nets: list[Net]) -> Sent:
    scores = {"clean_accuracy": 0.8, "test": 0.8}
    rows = [(one, {"batch_size": 8}, scores if one.state == "complete" else {}) for one in nets]
    return Sent(study.name, rows, found, [])


def runs(folder: Path, uri: str) -> dict[str, Any]:
    with records.tracking(uri) as client:
        where = place(folder, uri)
        assert where is not None
        found = [run for run in client.search_runs([where[0]]) if TAG in run.data.tags]
        parent = client.get_run(where[1])
    by = {run.data.tags[TAG]: run for run in found}
    assert len(by) == len(found)
    return {**by, "parent": parent}


def test_a_sending_that_was_cut_off_is_made_whole_and_nothing_is_there_twice(
    searched: Path, uri: str, study: Study, confirmation_of: Callable[..., Confirmation]
) -> None:
    from mlflow.tracking import MlflowClient

    found = confirmation_of(records.trials(searched), study)
    said: list[str] = []
    sent = told(study, found, [net(0, 0), net(0, 1), net(1, 0, "failed")])
    assert send(searched, uri, sent, said.append)
    there = runs(searched, uri)
    client = MlflowClient(tracking_uri=uri)
    client.update_run(there["0/0"].info.run_id, status="RUNNING")  # killed between its scores and its end
    client.set_tag(there["0/1"].info.run_id, "robustune.state", "failed")  # a lost worker, before it was tried again
    client.set_tag(there["0/1"].info.run_id, "robustune.code", "WORKER_LOST")
    assert send(searched, uri, sent, said.append)
    again = runs(searched, uri)
    assert {name: run.info.run_id for name, run in again.items()} == {name: r.info.run_id for name, r in there.items()}
    assert {name: again[name].info.status for name in ("0/0", "0/1", "1/0")} == {
        "0/0": "FINISHED",
        "0/1": "FINISHED",
        "1/0": "FAILED",
    }
    assert not again["0/1"].data.tags["robustune.code"]
    assert len(client.get_metric_history(again["0/0"].info.run_id, f"{PREFIX}test")) == 1
    assert said == []


def test_scores_that_changed_take_the_place_of_those_of_before_and_lost_trials_are_named(
    searched: Path, uri: str, study: Study, confirmation_of: Callable[..., Confirmation]
) -> None:
    found = confirmation_of(records.trials(searched), study)
    sent = told(study, found, [net(0, 0), net(1, 0, "failed"), net(1, 1, "failed")])
    assert send(searched, uri, sent, str)
    assert json.loads(runs(searched, uri)["parent"].data.tags["robustune.not_confirmed"]) == [1]
    changed = [(one, options, dict.fromkeys(scores, 0.7)) for one, options, scores in sent.nets]
    assert send(searched, uri, Sent(study.name, changed, found, []), str)
    assert runs(searched, uri)["0/0"].data.metrics[f"{PREFIX}test"] == 0.7
