"""Where in MLflow a search belongs: its experiment, its parent run, and the runs that its trials have already."""

from collections.abc import Callable
from itertools import chain, count
from typing import Any

from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from robustune.tracking.destination import artifact_root

# Without it MLflow 3 shows the experiment in its pages for language models, which have no charts of metrics.
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}


def experiment(client: MlflowClient, uri: str, name: str, warn: Callable[[str], None], description: str = "") -> str:
    """Returns the id of the experiment `name`, made if need be; searches of other content may be in it too.

    What the user deleted stays deleted: then `name-2` is used, and the user is told how to get `name` back.
    """
    for candidate in chain([name], (f"{name}-{number}" for number in count(2))):
        found = client.get_experiment_by_name(candidate)
        if found is None:
            if candidate != name:
                warn(
                    f"the MLflow experiment {name} was deleted; this search is recorded as {candidate} "
                    f"(to have it back: mlflow experiments restore, or mlflow gc to be rid of it)"
                )
            return _created(client, candidate, artifact_root(uri, candidate), description)
        if found.lifecycle_stage == "active":
            return str(found.experiment_id)
    raise AssertionError("unreachable")


def parent(client: MlflowClient, experiment_id: str, tags: dict[str, str], start: int) -> Run:
    """Returns the run of the search itself, made only where none bears its `robustune.search` tag."""
    found = sorted(_tagged(client, experiment_id, "robustune.search", tags["robustune.search"]), key=_age)
    _discard(client, found[1:])
    if found:
        return found[0]
    return client.create_run(experiment_id, start_time=start, tags=tags, run_name=f"search {tags['robustune.study']}")


def children(client: MlflowClient, experiment_id: str, parent_id: str, known: dict[int, str]) -> dict[int, Run]:
    """Returns the run of every trial that has one, and deletes the doubles.

    A double comes of a request whose answer was lost on the way: we never learnt its id, so it holds nothing.
    """
    by_trial: dict[int, list[Run]] = {}
    for run in _tagged(client, experiment_id, "mlflow.parentRunId", parent_id):
        number = run.data.tags.get("robustune.trial", "")
        if number.isdigit():
            by_trial.setdefault(int(number), []).append(run)
    kept: dict[int, Run] = {}
    for trial, runs in by_trial.items():
        runs.sort(key=lambda run: (run.info.run_id != known.get(trial), *_age(run)))
        _discard(client, runs[1:])
        kept[trial] = runs[0]
    return kept


def _created(client: MlflowClient, name: str, artifacts: str | None, description: str) -> str:
    tags = {**_EXPERIMENT_TAGS, **({"mlflow.note.content": description} if description else {})}
    try:
        return str(client.create_experiment(name, artifact_location=artifacts, tags=tags))
    except MlflowException as error:
        made_meanwhile = client.get_experiment_by_name(name)
        if error.error_code != "RESOURCE_ALREADY_EXISTS" or made_meanwhile is None:
            raise
        return str(made_meanwhile.experiment_id)


def _tagged(client: MlflowClient, experiment_id: str, key: str, value: str) -> list[Run]:
    found: list[Run] = []
    token: Any = None
    while True:
        page = client.search_runs([experiment_id], f"tags.`{key}` = '{value}'", max_results=500, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _discard(client: MlflowClient, doubles: list[Run]) -> None:
    for run in doubles:
        client.delete_run(run.info.run_id)


def _age(run: Run) -> tuple[int, str]:
    return run.info.start_time, str(run.info.run_id)
