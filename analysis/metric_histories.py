"""Every point of many runs' metrics, asked of MLflow for a hundred runs at a time."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, Final

from analysis import records

RUNS_AT_ONCE: Final = 100
"""As many as a server takes in one question."""
POINTS_AT_ONCE: Final = 25_000
"""As many as it answers at most; what is beyond them it leaves out without a word."""
_QUESTIONS_AT_ONCE: Final = 8
_BULK: Final = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"


def histories(client: Any, runs: Iterable[Any]) -> dict[str, dict[str, list[Any]]]:
    """Returns the points of each metric by run and name, as many as `client.get_metric_history` gives.

    Asking each metric of each run, as MLflow's client does, takes 11,000 questions for 500 trials of 22 metrics; this
    takes 110. Metrics of the machine are left out.

    Args:
        client: of MLflow.
        runs: of trials, with their last metrics.
    """
    having: dict[str, list[str]] = {}
    for run in runs:
        for name in run.data.metrics:
            if not name.startswith("system/"):
                having.setdefault(name, []).append(run.info.run_id)
    questions = [(name, part) for name, there in having.items() for part in _parts(there)]
    found: dict[str, dict[str, list[Any]]] = {}
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        for (name, _), told in zip(questions, pool.map(lambda one: _asked(client, *one), questions), strict=True):
            for run, points in told.items():
                found.setdefault(run, {})[name] = points
    return found


def _parts(runs: Sequence[str]) -> Iterable[Sequence[str]]:
    return (runs[first : first + RUNS_AT_ONCE] for first in range(0, len(runs), RUNS_AT_ONCE))


def _asked(client: Any, name: str, runs: Sequence[str]) -> dict[str, list[Any]]:
    """The points of one metric by run; those that one answer may lack are asked again, of fewer runs."""
    points = _at_once(client, runs, name) if len(runs) > 1 else None
    if points is not None and len(points) >= POINTS_AT_ONCE:
        half = len(runs) // 2
        return {**_asked(client, name, runs[:half]), **_asked(client, name, runs[half:])}
    told: dict[str, list[Any]] = {}
    for point in points or ():
        told.setdefault(point.run_id, []).append(point)
    return {run: told.get(run) or client.get_metric_history(run, name) for run in runs}


def _at_once(client: Any, runs: Sequence[str], name: str) -> list[Any] | None:
    """Points with their run_id, as MLflow's own pages ask for them; None where this MLflow does not know the question.

    It is no part of MLflow's client.
    """
    store = client._tracking_client.store
    if hasattr(store, "get_metric_history_bulk"):
        return list(store.get_metric_history_bulk(list(runs), name, POINTS_AT_ONCE))
    if not hasattr(store, "get_host_creds"):
        return None
    wanted = {"run_id": list(runs), "metric_key": name, "max_results": POINTS_AT_ONCE}
    answer = records.asked(store.get_host_creds(), _BULK, wanted)
    try:
        return [SimpleNamespace(**point) for point in answer.json()["metrics"]] if answer.ok else None
    except (ValueError, KeyError, TypeError):
        return None  # a proxy's page, say
