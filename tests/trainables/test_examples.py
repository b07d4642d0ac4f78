import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from trainables.classification.examples import _Film, _moments, _spread
from trainables.classification.planner import examples_step
from trainables.data.store import Store, read_images
from trainables.preparation import run_step

TENSORS = ("clean", "perturbed", "frames")


def drawn(prepared: Any, store: Store, store_root: str, name: str, **how: int) -> pa.RecordBatch:
    step = examples_step(prepared.step(f"set/{name}"), **how)
    digest, told = run_step(step, store_root, prepared.digests, threads=1)
    batch = pa.ipc.open_file(pa.memory_map(str(store.open(digest).path / "examples.arrow"))).get_batch(0)
    assert told["images"] == len(batch)
    return batch


@pytest.mark.parametrize("name", ["hold-out", "out-of-distribution", "augmentation/gaussian"])
def test_examples_show_what_the_set_holds_and_how_it_came_about(
    prepared: Any, store: Store, store_root: str, name: str
) -> None:
    batch = drawn(prepared, store, store_root, name, count=3, frames=4)
    clean, perturbed, frames = (batch.column(column).to_numpy_ndarray() for column in TENSORS)
    assert frames.shape == (3, 4, 3, 16, 16)
    assert np.array_equal(frames[:, -1], perturbed)
    split = "train" if name.startswith("augmentation") else "holdout"
    source = read_images(store.open(prepared.digests["data"]).path / f"{split}.arrow")
    made = read_images(store.open(prepared.digests[f"set/{name}"]).path / "images.arrow")
    found = dict(zip(made.columns["row"].to_pylist(), made.images.numpy(), strict=True))
    for place, row in enumerate(batch.column("row").to_pylist()):
        assert np.array_equal(clean[place], source.images[row].numpy())
        assert np.array_equal(perturbed[place], found[row])
        assert batch.column("lineage")[place].as_py() == source.lineage[row]
        assert batch.column("label")[place].as_py() == int(source.labels[row])
    if name != "augmentation/gaussian":  # whose first point is noise
        assert np.array_equal(frames[:, 0], clean)
    change = np.abs(perturbed.astype(int) - clean.astype(int)).reshape(3, -1)
    assert np.allclose(batch.column("linf").to_numpy(), change.max(1))
    assert np.allclose(batch.column("l2").to_numpy(), np.sqrt((change**2).sum(1)))
    assert all(fooled.as_py() for fooled in batch.column("fooled"))


def test_classes_are_told_by_name_and_the_set_by_its_attack(prepared: Any, store: Store, store_root: str) -> None:
    batch = drawn(prepared, store, store_root, "hold-out", count=2, frames=2)
    told = {key.decode(): value.decode() for key, value in batch.schema.metadata.items()}
    assert (told["set"], told["attack"], told["split"]) == ("hold-out", "fooling-0.5", "holdout")
    classes = json.loads(told["classes"])
    for key in ("label", "target", "predicted"):
        numbers, names = (batch.column(name).to_pylist() for name in (key, f"{key}_name"))
        assert [classes[number] for number in numbers] == names
    assert batch.column("predicted").to_pylist() == batch.column("target").to_pylist()
    steps, moments = batch.column("steps").to_pylist(), batch.column("frame_steps").to_pylist()
    assert moments == [[0, count] for count in steps]


def test_examples_are_spread_over_the_classes() -> None:
    labels = torch.tensor([0] * 90 + [1] * 5 + [2] * 5)
    counts = labels[_spread(labels, 9, seed=0)].bincount()
    assert counts.tolist() == [3, 3, 3]
    assert len(_spread(labels, 1000, seed=0)) == 100
    assert not torch.equal(_spread(labels, 9, seed=0), _spread(labels, 9, seed=1))


def test_moments_run_from_the_start_to_the_last_step() -> None:
    assert _moments(torch.tensor([10, 2, 0]), 6).tolist() == [[0, 2, 4, 6, 8, 10], [0, 0, 1, 1, 2, 2], [0] * 6]


def test_a_film_keeps_each_image_at_its_own_moments() -> None:
    film = _Film(torch.tensor([[0, 2], [1, 1]]), torch.zeros(2, 1, 2, 2, dtype=torch.uint8))
    for step in range(3):  # the second image enters first and leaves after two steps
        rows = torch.tensor([1, 0])[: 2 if step < 2 else 1] if step < 2 else torch.tensor([0])
        points = (rows[:, None, None, None] * 100 + step * 10).expand(-1, 1, 4, 4) / 255
        film.watch(rows, points)
    assert film.frames[:, :, 0, 0, 0].tolist() == [[0, 20], [110, 110]]
