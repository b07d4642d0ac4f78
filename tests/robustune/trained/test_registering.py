"""Registered networks: `mlflow.pytorch.load_model` gives, without pickle, nets that say what the trials' own say."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from analysis import records
from robustune import registering
from robustune.errors import Mistake
from robustune.settings import Settings
from trainables.data.store import read_images
from trainables.images import Normalisation
from trainables.registry import load_network

pytestmark = pytest.mark.slow  # torch's exporter takes ten seconds to import

TRAINERS = ("classification", "segmentation")
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


@pytest.fixture(autouse=True)
def _no_pickle(monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


def client_of(settings):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=settings.tracking)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_is_loaded_says_what_the_trials_net_says(trainer, settings, tmp_path, search, facts, options_of):
    import numpy as np

    found = search(settings, trainer)
    folder, data, (metric, *_) = found.folder, found.data, found.study.metrics
    done = registering.register("demo", [1], settings)
    assert [(one.trial, one.version, one.uri, one.new) for one in done] == [(1, "1", "models:/demo/1", True)]
    images = read_images(data / "validation.arrow").images.clone()
    np.save(tmp_path / "images.npy", images.numpy())
    where = [settings.tracking, "models:/demo@trial-1", str(tmp_path / "images.npy"), str(tmp_path / "said.npy")]
    subprocess.run([sys.executable, "-W", "ignore", "-c", LOADS, *where], check=True, cwd=tmp_path)
    said = torch.from_numpy(np.load(tmp_path / "said.npy"))
    options = {**options_of(trainer), "batch_size": 8}
    own = load_network(trainer)(options, data, Path(records.checkpoints(folder)[1][1])).cpu()
    with torch.no_grad():
        wanted = own(Normalisation.read(facts["mean"], facts["std"]).of(images))
    torch.testing.assert_close(said, wanted, rtol=1e-5, atol=1e-6)
    if trainer == "classification":
        right = (said.argmax(1) == torch.arange(24) % 3).double().mean()
        assert float(right) == pytest.approx(records.trials(folder)["metrics.clean_accuracy"][1].as_py(), abs=1e-6)
    version = client_of(settings).get_model_version("demo", "1")
    run = client_of(settings).get_run(version.run_id)
    assert (version.tags["robustune.trial"], version.tags["robustune.study"]) == ("1", "demo")
    assert metric in version.tags
    assert run.data.tags["robustune.trial"] == "1"
    assert run.info.status == "FINISHED"
    (model,) = client_of(settings).search_logged_models([run.info.experiment_id])
    assert (model.name, model.source_run_id, str(model.status)) == ("trial-1", run.info.run_id, "READY")
    assert len(client_of(settings).get_metric_history(run.info.run_id, metric)) == 1


def test_a_checkpoint_is_registered_once(settings, search):
    search(settings)
    first = registering.register("demo", "all", settings)
    again = registering.register("demo", "all", settings)
    assert [one.new for one in first + again] == [True, True, False, False]
    assert [one.uri for one in first] == [one.uri for one in again]
    assert len(client_of(settings).search_model_versions("name = 'demo'")) == 2


def test_what_cannot_be_registered_is_one_line(settings, search):
    folder = search(settings).folder
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
    Path(records.checkpoints(folder)[0][1]).write_bytes(b"torn")
    with pytest.raises(Mistake) as refused:
        registering.register("demo", [0], settings)
    assert refused.value.code == "CKPT_CORRUPT"
