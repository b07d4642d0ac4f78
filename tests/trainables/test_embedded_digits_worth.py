"""`embedded-digits` is worth a trade-off: quickly learnt, and hurt by input noise."""

import json

import pytest
import torch

from trainables.classification.trainer import ClassificationTrainer
from trainables.data.registry import build
from trainables.data.store import Store, address, read_images
from trainables.images import Normalisation

EPOCHS = 9
THIN = {"model": "resnet18", "width": 16, "stem": "strided", "learning_rate": 4e-3, "batch_size": 32}


@pytest.mark.slow
def test_a_thin_net_learns_it_and_gaussian_noise_costs_it_ten_points(tmp_path):
    store = Store(str(tmp_path))
    entry = store.publish(address("data", {"name": "embedded-digits"}), lambda to: build("embedded-digits", to), {})
    trainer = ClassificationTrainer(THIN, {"data": entry.digest}, store, ("clean_accuracy",), 0, EPOCHS, threads=1)
    for _ in range(EPOCHS):
        trainer.train_epoch()
    clean = trainer.score()["clean_accuracy"]
    facts = json.loads((entry.path / "data.json").read_text())
    found = read_images(entry.path / "validation.arrow")
    noise = 0.2 * torch.randn(found.images.shape, generator=torch.Generator().manual_seed(0))
    noisy = Normalisation.read(facts["mean"], facts["std"]).of_floats((found.images / 255 + noise).clamp(0, 1))
    trainer.net.eval()
    with torch.no_grad():
        disturbed = (trainer.net(noisy).argmax(1) == found.labels).float().mean().item()
    assert clean >= 0.85
    assert disturbed <= clean - 0.10
