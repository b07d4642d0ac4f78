"""The ledger's words in MLflow's: parameters, points, tags, data sets. Imports MLflow: for the thread alone."""

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from analysis.measuring import Ways, measured_alike
from analysis.records import Event
from analysis.tracked import EARLIER, ORDER_TAG
from robustune.relative import in_turn
from search_spaces import Study
from search_spaces.early_stopping import RULES

# A stopped trial did all that was asked of it, and MLflow's lists show FINISHED runs by default; KILLED is for runs
# that somebody ended from outside: those in flight when a search was interrupted.
STATUS: Final = {"complete": "FINISHED", "stopped": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
LONGEST_PARAMETER: Final = 6000
LONGEST_TAG: Final = 8000
LONGEST_DIGEST: Final = 36
MOST_NUMBERS: Final = 800
DATA: Final = "data"
SETS: Final = ("set/", "corrupted/")


def search_parameters(study: Study) -> list[Param]:
    """Returns what the search as a whole was told: budget, sampler, early stopping, seed and the options held fixed."""
    told = {
        "budget": {key: value for key, value in asdict(study.budget).items() if value is not None},
        "sampler": {"name": study.sampler.name, **study.sampler.options},
        "early_stopping": _early_stopping(study),
        "seed": study.seed,
        "options": study.options,
    }
    return parameters(told)


def trial_parameters(study: Study, event: Event) -> list[Param]:
    """Returns the options of a trial, those held fixed included, and its seed."""
    return parameters({**study.options, **event.config, "seed": event.seed})


def parameters(values: Mapping[str, Any], prefix: str = "") -> list[Param]:
    """Returns nested values as flat parameters `outer.inner`; a set of values reads "5+20", an empty one ""."""
    flat: list[Param] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat += parameters(value, f"{prefix}{name}.")
        else:
            flat.append(Param(f"{prefix}{name}", _text(value)[:LONGEST_PARAMETER]))
    return flat


def points(event: Event, ways: Ways, epochs: int) -> list[Metric]:
    """Returns the scores of one reported epoch, stamped with the time at which the ledger recorded them.

    A score that is not measured as at the study's last epoch has a name of its own, `until-epoch-8/mce`: MLflow shows
    the last value of a name, and one that was measured otherwise would stand in a column with those of other runs.

    Args:
        event: of kind "reported".
        ways: in which each metric is measured.
        epochs: of a trial that is never stopped.
    """
    trained, scored = event.seconds
    scores = {score_name(name, event.epoch, ways, epochs): value for name, value in event.metrics.items()}
    values = {**scores, "train_seconds": trained, "score_seconds": scored}
    return [Metric(name, value, milliseconds(event.recorded), event.epoch) for name, value in values.items()]


def score_name(metric: str, epoch: int, ways: Ways, epochs: int) -> str:
    """Returns the name under which MLflow has a metric of an epoch."""
    if measured_alike(ways, metric, epoch, epochs):
        return metric
    last = next(first for first, _ in ways[metric] if first > epoch) - 1
    return f"{EARLIER}{last}/{metric}"


def measured_tags(ways: Ways, epochs: int) -> dict[str, str]:
    """Returns for each relative metric in which ways it is measured, and in which epochs."""
    return {
        f"robustune.measured.{name}": "\n".join(in_turn(found, epochs))[:LONGEST_TAG] for name, found in ways.items()
    }


def search_tags(study: Study, search: str) -> dict[str, str]:
    """Returns the tags of a search's parent run; `search` tells this ledger from every other."""
    return {
        **_origin(),
        "robustune.search": search,
        "robustune.study": study.name,
        "robustune.study_digest": study.digest,
        "robustune.trainer": study.trainer,
        "robustune.data": study.data,
        "robustune.status": "running",
    }


def trial_tags(study: Study, parent: str, trial: int) -> dict[str, str]:
    """Returns the tags of a trial's run when it is made."""
    return {
        **_origin(),
        "mlflow.parentRunId": parent,
        "robustune.study": study.name,
        "robustune.trial": str(trial),
        "robustune.state": "running",
    }


def ending_tags(event: Event) -> list[RunTag]:
    """Returns how a trial ended; for a failed one also its code and reason."""
    said = {"robustune.state": event.state, "robustune.code": event.code, "robustune.reason": event.reason}
    return [RunTag(name, value[:LONGEST_TAG]) for name, value in said.items() if value]


def place_tags(
    order: tuple[Sequence[int], int, str | None], rungs: Sequence[int], bracket: int | None, reached: int
) -> list[RunTag]:
    """Returns what a table of trials has and MLflow no place for, and the rung of a trial: the epoch it was judged at.

    Args:
        order: as `analysis.records.order` tells it.
        rungs: epochs at which the trial is compared, its last one included.
        bracket: that it belongs to, from 0; None where there is but one.
        reached: epoch that the trial has reported; 0 leaves the rung as it is.
    """
    numbers, retries, checkpoint = order
    judged = max((rung for rung in rungs if rung <= reached), default=0)
    said = {
        ORDER_TAG: " ".join(map(str, numbers)) if len(numbers) < MOST_NUMBERS else "",
        "robustune.rung": str(judged) if judged else "",
        "robustune.bracket": "" if bracket is None else str(bracket),
        "robustune.retries": str(retries) if retries else "",
        "robustune.checkpoint": checkpoint or "",
    }
    return [RunTag(name, value[:LONGEST_TAG]) for name, value in said.items() if value]


def inputs(sets: Mapping[str, Mapping[str, Any]]) -> list[DatasetInput]:
    """Returns the data and the sets of a study as MLflow data sets.

    Left out is what is made on the way to them: weights such as the baseline's, and shards.
    """
    images = [name for name in sets if name == DATA or name.startswith(SETS)]
    whole = [name for name in images if name.rpartition("/")[0] not in images]
    return [DatasetInput(_data_set(name, sets[name]), [InputTag("mlflow.data.context", name)]) for name in whole]


def milliseconds(unix_time: float) -> int:
    """Returns a time as MLflow keeps it."""
    return round(unix_time * 1000)


def _data_set(name: str, told: Mapping[str, Any]) -> Dataset:
    profile = {key: value for key, value in told.items() if key != "digest"}
    return Dataset(
        name=name[:500],
        digest=str(told["digest"])[:LONGEST_DIGEST],
        source_type="robustune",
        source=json.dumps({"digest": told["digest"]}),
        profile=json.dumps(profile, sort_keys=True),
    )


def _origin() -> dict[str, str]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return {"mlflow.user": user, "mlflow.source.name": "robustune", "mlflow.source.type": "LOCAL"}


def _early_stopping(study: Study) -> dict[str, Any]:
    told = study.early_stopping
    keys = () if told.name == "none" else RULES[told.name]
    return {"name": told.name, **{key: getattr(told, key) for key in keys}}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(_text(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value)
