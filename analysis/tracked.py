"""Reads a search from MLflow: its parent run, the runs of its trials, and the files that hang on it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from analysis.confirmation.record import FOLDER, NETS_FILE, TABLES
from analysis.evaluated import EVALUATION_FILE, OTHER_FILES
from analysis.ledger_copy import EpochCopy, TrialCopy, option
from analysis.metric_histories import histories
from analysis.schema import LedgerError
from search_spaces.study import Study

RECORD_FILE: Final = "record.json"
"""The artifact of a parent run that holds what `analysis.records.context` gives."""
ORDER_TAG: Final = "robustune.order"
"""Of a trial's run: the numbers of its events in the ledger's order, asked, each epoch, ended."""
SECONDS: Final = ("train_seconds", "score_seconds")
EARLIER: Final = "until-epoch-"
"""Begins the name of a score that was not measured as at the last epoch: `until-epoch-8/mce`."""


def search(client: Any, name: str | None, uri: str) -> tuple[dict[str, Any], list[TrialCopy], Any]:
    """Returns context, trials and parent run of one search.

    Args:
        client: of MLflow.
        name: of the study or its experiment, or the id of the parent run; None where there is but one study.
        uri: for messages.

    Raises:
        LedgerError: there is no such search, or several and no name, or its context was never sent.
    """
    parent = _parent(client, name, uri)
    context = _context(client, parent, uri)
    study = Study.from_json(json.dumps(context["study"]))
    runs = _pages(client, parent.info.experiment_id, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    children = [run for run in runs if run.data.tags.get("robustune.trial", "").isdigit()]
    told = histories(client, children)
    return context, [_trial(run, study, told.get(run.info.run_id, {})) for run in children], parent


def fetch_tables(client: Any, parent: Any, into: Path) -> None:
    """Copies what `robustune evaluate` and `robustune confirm` left, as far as MLflow has it, into a folder."""
    there = {file.path for file in client.list_artifacts(parent.info.run_id)}
    if FOLDER in there:
        there |= {file.path for file in client.list_artifacts(parent.info.run_id, FOLDER)}
    for name in (EVALUATION_FILE, *OTHER_FILES, *(f"{FOLDER}/{table}" for table in (*TABLES, NETS_FILE))):
        if name in there:
            target = into / name
            target.parent.mkdir(exist_ok=True)
            # A disk's artifacts come without their folder, a server's with it: what is returned is where they are.
            found = Path(client.download_artifacts(parent.info.run_id, name, str(target.parent)))
            found.replace(target)


def _parent(client: Any, name: str | None, uri: str) -> Any:
    experiments = {one.experiment_id: one.name for one in client.search_experiments()}
    found = [run for one in experiments for run in _pages(client, one, "tags.`robustune.search` != ''")]
    names = sorted({run.data.tags.get("robustune.study", "") for run in found})
    if name is None and len(names) == 1:
        name = names[0]
    known = [
        run
        for run in found
        if name in (run.info.run_id, run.data.tags.get("robustune.study"), experiments[run.info.experiment_id])
    ]
    if known:
        return max(known, key=lambda run: run.info.start_time)
    listed = ", ".join(names) or "none"
    wanted = "several studies are recorded there; say by --study which" if name is None else f"there is no study {name}"
    raise LedgerError(f"{uri}: {wanted}; recorded: {listed}", missing=True)


def _context(client: Any, parent: Any, uri: str) -> dict[str, Any]:
    name = parent.data.tags.get("robustune.study", "")
    if uri.startswith("sqlite:") and parent.info.artifact_uri.startswith("mlflow-artifacts:"):
        would = "give the server's address, as http://127.0.0.1:5000"
        raise LedgerError(f"{uri}: the files of {name} lie with the server that it was recorded through; {would}")
    if RECORD_FILE not in {file.path for file in client.list_artifacts(parent.info.run_id)}:
        raise LedgerError(f"{uri}: has no {RECORD_FILE} of {name}; `robustune resume {name}` sends it", missing=True)
    with TemporaryDirectory(prefix="robustune-") as folder:
        path = Path(client.download_artifacts(parent.info.run_id, RECORD_FILE, folder))
        found: dict[str, Any] = json.loads(path.read_text())
    return found


def _pages(client: Any, experiment: str, condition: str) -> list[Any]:
    found: list[Any] = []
    token: Any = None
    while True:
        page = client.search_runs([experiment], condition, max_results=500, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _trial(run: Any, study: Study, told: Mapping[str, list[Any]]) -> TrialCopy:
    tags = run.data.tags
    state = tags.get("robustune.state", "running")
    state = "running" if state == "interrupted" else state
    order = [int(number) for number in tags.get(ORDER_TAG, "").split()]
    asked, ended = order[:1], order[-1:] if state != "running" else []
    reported = order[1 : len(order) - len(ended)]
    epochs = _epochs(told, reported)
    return TrialCopy(
        number=int(tags["robustune.trial"]),
        state=state,
        config={name: option(study.space[name], told) for name, told in run.data.params.items() if name in study.space},
        epochs=epochs,
        started=run.info.start_time / 1000,
        ended=run.info.end_time / 1000 if state != "running" else None,
        asked_seq=asked[0] if asked else None,
        ended_seq=ended[0] if ended else None,
        seed=int(run.data.params.get("seed", "0")),
        retries=int(tags.get("robustune.retries", "0")),
        code=tags.get("robustune.code"),
        reason=tags.get("robustune.reason"),
        checkpoint=tags.get("robustune.checkpoint"),
    )


def _epochs(told: Mapping[str, list[Any]], reported: list[int]) -> list[EpochCopy]:
    scores: dict[int, dict[str, float]] = {}
    times: dict[int, float] = {}
    for name, points in told.items():
        for step, point in _last_by_step(points).items():
            metric = name.partition("/")[2] if name.startswith(EARLIER) else name
            scores.setdefault(step, {})[metric] = point.value
            times[step] = point.timestamp / 1000
    # What a resumed trial took back stays in MLflow until it is reported again.
    kept = [step for step in sorted(scores) if not reported or step <= len(reported)]
    return [_epoch(step, scores[step], times[step], reported) for step in kept]


def _epoch(step: int, scores: Mapping[str, float], recorded: float, reported: list[int]) -> EpochCopy:
    metrics = {name: value for name, value in scores.items() if name not in SECONDS}
    trained, scored = (scores.get(name, 0.0) for name in SECONDS)
    return EpochCopy(step, metrics, trained, scored, recorded, reported[step - 1] if reported else None)


def _last_by_step(points: Iterable[Any]) -> dict[int, Any]:
    return {point.step: point for point in sorted(points, key=lambda one: one.timestamp)}
