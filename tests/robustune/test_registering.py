"""Registered networks: `mlflow.pytorch.load_model` gives, without pickle, nets that say what the trials' own say."""

import json
import subprocess
import sys
from hashlib import sha256

import pytest
import torch

from analysis import records
from robustune import registering
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.settings import Settings
from search_spaces import Budget, Choice, EarlyStopping, Objective, Study
from trainables.data.images import write_images
from trainables.data.masked_images import write_masked
from trainables.data.store import Store, address, read_images
from trainables.images import Normalisation
from trainables.registry import load_network, load_trainer
from trainables.seeds import generator

pytestmark = pytest.mark.slow  # torch's exporter takes ten seconds to import

FACTS = {
    "classes": ["none", "little", "much"],
    "mean": [0.4, 0.5, 0.6],
    "std": [0.2, 0.25, 0.3],
    "image_shape": [3, 16, 16],
    "flips_keep_labels": True,
    "lineage_columns": [],
}
TRAINERS = {
    "classification": (
        {"model": "resnet18", "width": 4, "stem": "small", "activation": "silu", "input_size": 24},
        ("clean_accuracy",),
    ),
    "segmentation": ({"encoder_width": 4, "decoder_width": 1, "stem": "strided"}, ("miou",)),
}
LOADS = """
import sys, json, numpy, mlflow, torch
mlflow.set_tracking_uri(sys.argv[1])
assert not [name for name in sys.modules if name.startswith(("trainables", "robustune"))]
net = mlflow.pytorch.load_model(sys.argv[2])
images = numpy.load(sys.argv[3])
with torch.no_grad():
    numpy.save(sys.argv[4], net(torch.from_numpy(images)).numpy())
said = mlflow.pyfunc.load_model(sys.argv[2]).predict(images[:3])
assert said.shape == (3, *said.shape[1:]) and said.dtype == numpy.float32
"""


def write_data(directory, masked):
    draw = generator("registering", masked)
    for split in ("train", "validation", "test", "holdout"):
        images = torch.randint(0, 256, (24, 3, 16, 16), dtype=torch.uint8, generator=draw)
        lineage = [f"{split} {row}" for row in range(24)]
        if masked:
            masks = torch.randint(0, 3, (24, 16, 16), dtype=torch.uint8, generator=draw)
            write_masked(directory / f"{split}.arrow", images, masks, lineage)
        else:
            write_images(directory / f"{split}.arrow", images, torch.arange(24) % 3, lineage)
    (directory / "data.json").write_text(json.dumps(FACTS))


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    return Settings(str(tmp_path / "results"))


def finished(trainer, settings, name="demo"):
    """A study of two trials that spent their one epoch, each with the checkpoint of a real trainer."""
    options, metrics = TRAINERS[trainer]
    digest = address("data", {"name": trainer})
    Store(settings.store).publish(digest, lambda to: write_data(to, trainer == "segmentation"), {"kind": "data"})
    study = Study(
        name=name,
        trainer=trainer,
        data="made-up",
        options=options,
        space={"batch_size": Choice((4, 8))},
        objectives=(Objective(metrics[0], "max", 0.0),),
        budget=Budget(2, 1),
        early_stopping=EarlyStopping("none"),
        source="",
    )
    with Ledger.create(settings.results_folder / name, study, {}) as ledger:
        ledger.record_set("data", digest, {"images": 24})
        for number, batch_size in enumerate((4, 8)):
            config = {"batch_size": batch_size}
            ledger.ask(number, config, number, {})
            trial = load_trainer(trainer)(
                {**options, **config}, {"data": digest}, Store(settings.store), metrics, number, 1, 1
            )
            trial.train_epoch()
            path = ledger.folder / f"trial-{number}.safetensors"
            trial.save(path)
            told = {"path": str(path), "sha256": sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
            ledger.report(number, 1, trial.score(), 1.0, 0.1, told, "complete")
    return ledger.folder, Store(settings.store).open(digest).path


def client_of(settings):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=settings.tracking)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_is_loaded_says_what_the_trials_net_says(trainer, settings, tmp_path):
    import numpy as np

    folder, data = finished(trainer, settings)
    done = registering.register("demo", [1], settings)
    assert [(one.trial, one.version, one.uri, one.new) for one in done] == [(1, "1", "models:/demo/1", True)]
    images = read_images(data / "validation.arrow").images.clone()
    np.save(tmp_path / "images.npy", images.numpy())
    where = [settings.tracking, "models:/demo@trial-1", str(tmp_path / "images.npy"), str(tmp_path / "said.npy")]
    subprocess.run([sys.executable, "-W", "ignore", "-c", LOADS, *where], check=True, cwd=tmp_path)
    said = torch.from_numpy(np.load(tmp_path / "said.npy"))
    options = {**TRAINERS[trainer][0], "batch_size": 8}
    own = load_network(trainer)(options, data, folder / "trial-1.safetensors").cpu()
    with torch.no_grad():
        wanted = own(Normalisation.read(FACTS["mean"], FACTS["std"]).of(images))
    torch.testing.assert_close(said, wanted, rtol=1e-5, atol=1e-6)
    if trainer == "classification":
        right = (said.argmax(1) == torch.arange(24) % 3).double().mean()
        assert float(right) == pytest.approx(records.trials(folder)["metrics.clean_accuracy"][1].as_py(), abs=1e-6)
    version = client_of(settings).get_model_version("demo", "1")
    run = client_of(settings).get_run(version.run_id)
    assert (version.tags["robustune.trial"], version.tags["robustune.study"]) == ("1", "demo")
    assert TRAINERS[trainer][1][0] in version.tags
    assert run.data.tags["robustune.trial"] == "1"
    assert run.info.status == "FINISHED"
    (model,) = client_of(settings).search_logged_models([run.info.experiment_id])
    assert (model.name, model.source_run_id, str(model.status)) == ("trial-1", run.info.run_id, "READY")
    metric = client_of(settings).get_metric_history(run.info.run_id, TRAINERS[trainer][1][0])
    assert len(metric) == 1


def test_a_checkpoint_is_registered_once(settings):
    finished("classification", settings)
    first = registering.register("demo", "all", settings)
    again = registering.register("demo", "all", settings)
    assert [one.new for one in first + again] == [True, True, False, False]
    assert [one.uri for one in first] == [one.uri for one in again]
    assert len(client_of(settings).search_model_versions("name = 'demo'")) == 2


def test_what_cannot_be_registered_is_one_line(settings, tmp_path):
    folder, _ = finished("classification", settings)
    for code, arguments in {
        "OPTION_INVALID": ("demo", [7], settings),
        "STUDY_MISSING": ("nothing", (), settings),
        "TRACKING_UNREACHABLE": ("demo", (), Settings(settings.results, tracking_uri="http://127.0.0.1:9")),
    }.items():
        with pytest.raises(Mistake) as refused:
            registering.register(*arguments)
        assert refused.value.code == code
    with pytest.raises(Mistake, match=r"MLflow takes no / there"):
        registering.register("demo", (), settings, "a/b")
    (folder / "trial-0.safetensors").write_bytes(b"torn")
    with pytest.raises(Mistake) as refused:
        registering.register("demo", [0], settings)
    assert refused.value.code == "CKPT_CORRUPT"
