"""Puts trained networks of a finished search into MLflow's model registry, for `mlflow.pytorch.load_model`.

They are saved as exported graphs (`pt2`): loading one runs no pickled code and needs nothing but torch and MLflow.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal

from robustune import checks, whole_trials
from robustune.errors import Mistake, readable
from robustune.settings import Settings
from robustune.standing import trials_left
from robustune.tracking import Tracking, environment
from robustune.tracking.cursor import Cursor
from robustune.tracking.destination import printable, probe, redacted
from robustune.whole_trials import Recorded
from trainables.errors import TrainableError
from trainables.registry import load_network

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

SENDING_SECONDS: Final = 120.0
_DIGITS: Final = 6
_FORBIDDEN: Final = frozenset("/:'\"")


@dataclass(frozen=True)
class Registered:
    """A version of a registered model: the trial it is of, its address for `load_model`, and whether it is new."""

    trial: int
    version: str
    uri: str
    new: bool


def register(
    study: str,
    wanted: Sequence[int] | Literal["all"],
    settings: Settings,
    name: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Registered]:
    """Registers networks of a finished study, each checkpoint once; a study that MLflow lacks is recorded there first.

    A version bears the trial, its scores, its study and the checkpoint's digest as tags, and the alias `trial-NUMBER`.

    Args:
        study: name, study file or folder of a study that was begun.
        wanted: numbers of trials, or all that spent their full epochs; none means those of the front.
        settings: where results, checkpoints and MLflow are.
        name: of the registered model; None for the study's.
        say: takes one line for the user.

    Raises:
        Mistake: STUDY_MISSING, STUDY_UNFINISHED, NO_FRONT, OPTION_INVALID, CKPT_MISSING, CKPT_CORRUPT, CACHE_MISSING
            for data that the store lacks, TRACKING_UNREACHABLE.
    """
    if name is not None and (bad := sorted(set(name) & _FORBIDDEN)):
        raise Mistake("OPTION_INVALID", f"--name {name!r}: MLflow takes no {bad[0]} there; letters and - would do")
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = _finished(folder)
        numbers = whole_trials.picked(done, wanted, "--trial")
    if complaint := probe(settings.tracking):
        raise Mistake("TRACKING_UNREACHABLE", complaint)
    runs = _runs(folder, settings.tracking, numbers, say)
    environment.settle()
    from mlflow.exceptions import MlflowException

    try:
        return [_register(done, number, runs[number], settings, name or done.study.name, say) for number in numbers]
    except MlflowException as error:
        where = printable(redacted(settings.tracking))
        raise Mistake("TRACKING_UNREACHABLE", f"{where}: took no model ({printable(str(error))})") from error


def _finished(folder: Path) -> Recorded:
    done = whole_trials.recorded(folder)
    try:
        load_network(done.study.trainer)
    except TrainableError as error:
        raise Mistake.of(error, done.study.name, "OPTION_INVALID") from error
    if left := trials_left(folder):
        raise Mistake(
            "STUDY_UNFINISHED",
            f"{folder}: {left} of its trials are still to run, and its front may change; go on with it first: "
            f"`robustune resume {done.study.name}`",
        )
    return done


def _runs(folder: Path, uri: str, numbers: Sequence[int], say: Callable[[str], None]) -> Mapping[int, str]:
    """The run of each trial; where MLflow lacks one, the study is sent."""
    found = _known(folder, uri)
    if set(numbers) <= found.keys():
        return found
    tracking = Tracking(folder, uri, say)
    tracking.start()
    tracking.finish(SENDING_SECONDS)
    tracking.close()
    found = _known(folder, uri)
    if absent := sorted(set(numbers) - found.keys()):
        raise Mistake(
            "TRACKING_UNREACHABLE",
            f"{printable(redacted(uri))}: has no run of trial {absent[0]} ({tracking.trouble or 'it was deleted'})",
        )
    return found


def _known(folder: Path, uri: str) -> dict[int, str]:
    cursor = Cursor(folder, redacted(uri))
    try:
        return cursor.runs
    finally:
        cursor.close()


def _register(
    done: Recorded, number: int, run: str, settings: Settings, name: str, say: Callable[[str], None]
) -> Registered:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=settings.tracking, registry_uri=settings.tracking)
    tags = _tags(done, number)
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.tags.get("robustune.checkpoint") == tags["robustune.checkpoint"]:
            return Registered(number, str(known.version), f"models:/{name}/{known.version}", new=False)
    say(f"exporting trial {number}")
    made = _saved(client, done, number, run, settings, name, tags)
    client.set_registered_model_alias(name, f"trial-{number}", made)
    client.update_model_version(name, made, _described(done, number, tags))
    return Registered(number, made, f"models:/{name}/{made}", new=True)


def _saved(
    client: "MlflowClient", done: Recorded, number: int, run: str, settings: Settings, name: str, tags: dict[str, str]
) -> str:
    """Exports the network, hangs it on the trial's run, and returns its version in the registry."""
    import mlflow
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    from trainables import deployment

    with TemporaryDirectory(prefix="robustune-") as aside, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter tells of its own insides
        data = whole_trials.data_of(done, settings)
        net = _network(done, number, data, whole_trials.here(done, number, settings, Path(aside)))
        model = deployment.Deployed(net, data)
        images = deployment.example(data)
        scores = deployment.outputs(model, images)
        taken = TensorSpec(images.dtype, (-1, *images.shape[1:]))
        given = TensorSpec(scores.dtype, (-1, *scores.shape[1:]))
        mlflow.set_tracking_uri(settings.tracking)
        mlflow.set_registry_uri(settings.tracking)
        told = client.get_run(run)
        # Made here: without an active run MLflow would put it into the experiment "Default".
        logged = client.create_logged_model(
            told.info.experiment_id, f"trial-{number}", source_run_id=run, tags=tags, params=told.data.params
        )
        info = Model.log(
            artifact_path=None,
            flavor=mlflow.pytorch,
            model_id=logged.model_id,
            run_id=run,
            step=done.study.budget.epochs,
            registered_model_name=name,
            await_registration_for=0,
            tags=tags,
            metadata={"classes": deployment.classes(data), "study": done.study.name, "trial": number},
            pytorch_model=model,
            signature=ModelSignature(Schema([taken]), Schema([given])),
            input_example=images,
            serialization_format="pt2",
            pip_requirements=[f"{package}=={version(package)}" for package in ("mlflow", "torch")],
            validate_serving_input=False,  # it loads the model once more, which takes seconds
        )
    return str(info.registered_model_version)


def _network(done: Recorded, number: int, data: Path, checkpoint: Path) -> Any:
    try:
        return load_network(done.study.trainer)(whole_trials.options_of(done, number), data, checkpoint)
    except TrainableError as error:
        raise Mistake.of(error, f"trial {number} of {done.study.name}", "CKPT_CORRUPT") from error


def _tags(done: Recorded, number: int) -> dict[str, str]:
    row = next(row for row in done.trials.to_pylist() if row["number"] == number)
    _, sha256 = whole_trials.checkpoint_of(done, number)
    scores = {metric: row[f"metrics.{metric}"] for metric in done.study.metrics}
    told = {metric: f"{value:.{_DIGITS}g}" for metric, value in scores.items() if value is not None}
    # The scores first: MLflow's list of versions shows tags in the order in which they came.
    return {
        **told,
        "robustune.study": done.study.name,
        "robustune.study_digest": done.study.digest,
        "robustune.trial": str(number),
        "robustune.checkpoint": sha256,
        "robustune.data": done.study.data,
    }


def _described(done: Recorded, number: int, tags: Mapping[str, str]) -> str:
    scores = ", ".join(f"{one.metric} {tags.get(one.metric, '?')}" for one in done.study.objectives)
    return (
        f"Trial {number} of {done.study.name} ({scores}). It takes uint8 images and says class scores before softmax."
    )
