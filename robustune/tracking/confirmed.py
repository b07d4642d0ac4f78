"""Sends a confirmation to MLflow, once it is on the disk: a run for each net under the study's own, and its files."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analysis.confirmation import FOLDER, Confirmation, failures
from robustune.confirmation_nets import Net
from robustune.surroundings import IMPORTING
from robustune.tracking import environment
from robustune.tracking.attaching import place
from robustune.tracking.destination import printable, probe
from robustune.tracking.sheets import log_file

PREFIX: Final = "confirmed/"
"""Begins the name of a score on images that no search saw: no search's metric is called so."""
TAG: Final = "robustune.confirmation"
"""Of a net's run: its trial and replicate."""
MOST_SECONDS: Final = 60.0
_STATES: Final = {"complete": "FINISHED", "failed": "FAILED", "running": "RUNNING"}


@dataclass(frozen=True)
class Sent:
    """What MLflow is told of: the study's name, each net with its scores, the tables, and the files by name."""

    study: str
    nets: Sequence[tuple[Net, Mapping[str, Any], Mapping[str, float]]]
    found: Confirmation
    paths: Sequence[Path]


def send(folder: Path, uri: str, sent: Sent, say: Callable[[str], None], most_seconds: float = MOST_SECONDS) -> bool:
    """Returns whether MLflow has all of it; waits no longer than that, and nothing is sent twice.

    Where MLflow does not know the search, nothing is sent and nothing said.

    Args:
        folder: of the study.
        uri: tracking URI.
        sent: what there is.
        say: takes one line for the user where MLflow took none of it, or not all.
        most_seconds: to wait.
    """
    where = place(folder, uri)
    if where is None:
        return False
    trouble = [f"did not answer within {most_seconds:g} s"]
    thread = threading.Thread(target=lambda: trouble.__setitem__(0, _send(uri, *where, sent)), daemon=True)
    thread.start()
    thread.join(most_seconds)
    if trouble[0]:
        say(
            f"MLflow did not take all of the confirmation ({printable(trouble[0])}); it is in the study's folder, and "
            "the same command sends the rest"
        )
    return not trouble[0]


def _send(uri: str, experiment: str, parent: str, sent: Sent) -> str:
    """What went wrong, "" for nothing."""
    if (down := probe(uri)) is not None:
        return down
    environment.settle()
    with IMPORTING:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SQLAlchemyError

        environment.silence_this_thread()
    try:
        client = MlflowClient(tracking_uri=uri)
        known = _known(client, experiment, parent)
        for net, options, scores in sent.nets:
            _send_net(client, experiment, parent, known, sent.study, net, options, scores)
        _send_summary(client, parent, sent)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        return str(error)
    return ""


def _known(client: Any, experiment: str, parent: str) -> dict[str, Any]:
    """The runs of nets that are there, by their tag."""
    found, token = {}, None
    while True:
        page = client.search_runs(
            [experiment], f"tags.`mlflow.parentRunId` = '{parent}'", max_results=500, page_token=token
        )
        found.update({run.data.tags[TAG]: run for run in page if TAG in run.data.tags})
        token = page.token
        if not token:
            return found


def _send_net(
    client: Any,
    experiment: str,
    parent: str,
    known: Mapping[str, Any],
    study: str,
    net: Net,
    options: Mapping[str, Any],
    scores: Mapping[str, float],
) -> None:
    from mlflow.entities import Metric, RunTag

    from robustune.tracking.translation import milliseconds, parameters

    name = f"{net.trial}/{net.replicate}"
    run = known.get(name)
    if run is None:
        tags = {
            "mlflow.parentRunId": parent,
            "robustune.study": study,
            TAG: name,
            "robustune.confirmed_trial": str(net.trial),
        }
        title = f"confirmation of trial {net.trial}, seed {net.replicate}"
        run = client.create_run(experiment, milliseconds(net.started), tags, run_name=title)
    elif _is_there(run, net, scores):
        return
    at = milliseconds(net.ended or net.started)
    # Of two values of one step MLflow shows the later one: a score that changed since must be later than the old.
    when = at if not run.data.metrics else milliseconds(time.time())
    points = [Metric(name, value, when, net.epochs) for name, value in _news(run, net, scores).items()]
    said = {"state": net.state, "code": net.code, "reason": net.reason[:8000], "checkpoint": net.checkpoint}
    # A net whose worker was lost may have failed before: what was said of that goes.
    ending = [RunTag(f"robustune.{key}", value) for key, value in said.items() if value or name in known]
    client.log_batch(run.info.run_id, metrics=points, params=parameters({**options, "seed": net.seed}), tags=ending)
    client.set_terminated(run.info.run_id, _STATES[net.state], at)


def _is_there(run: Any, net: Net, scores: Mapping[str, float]) -> bool:
    """Whether a run was ended as the net did, and has its scores."""
    ended = run.info.status == _STATES[net.state] and run.data.tags.get("robustune.state") == net.state
    return ended and not _news(run, net, scores)


def _news(run: Any, net: Net, scores: Mapping[str, float]) -> dict[str, float]:
    """What a run does not have yet, by its name there."""
    whole = {**{f"{PREFIX}{metric}": value for metric, value in scores.items()}, "train_seconds": net.train_seconds}
    return {name: value for name, value in whole.items() if run.data.metrics.get(name) != value}


def _send_summary(client: Any, parent: str, sent: Sent) -> None:
    """The hypervolumes, the confirmed front and the files, on the study's own run."""
    from mlflow.entities import Metric, RunTag

    from robustune.tracking.translation import milliseconds

    at = milliseconds(max(net.ended or net.started for net, _, _ in sent.nets))
    volume = sent.found.hypervolume.to_pylist()[0]
    told = {"hypervolume": "corrected", "hypervolume_low": "low", "hypervolume_high": "high", "gap": "gap"}
    points = [Metric(f"{PREFIX}{name}", volume[column], at, len(sent.nets)) for name, column in told.items()]
    failed = failures(vars(net) for net, _, _ in sent.nets)
    lost = [one.trial for one in failed if one.whole]
    fronts = {"confirmed_front": sent.found.front, "fell": sent.found.fallen, "not_confirmed": lost}
    tags = [RunTag(f"robustune.{name}", json.dumps(list(trials))) for name, trials in fronts.items()]
    client.log_batch(parent, metrics=points, tags=tags)
    for path in sent.paths:
        log_file(client, parent, path, FOLDER)
