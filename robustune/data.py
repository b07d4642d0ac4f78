"""Builds a data set by itself, for the command `robustune data build`."""

import json

from robustune.errors import Mistake
from robustune.settings import Settings
from trainables.data.registry import data_sets
from trainables.data.store import Store, read_images
from trainables.errors import TrainableError
from trainables.preparation import data_step, run_step

SPLITS = ("train", "validation", "test", "holdout")


def build(name: str, settings: Settings) -> list[str]:
    """Builds the data set into the store, unless it is there, and returns what is in it, a line each.

    Raises:
        Mistake: DATA_UNKNOWN, or what the builder says.
    """
    if name not in data_sets():
        raise Mistake("DATA_UNKNOWN", f"there is no data set {name!r}; there is {', '.join(sorted(data_sets()))}")
    try:
        digest, _ = run_step(data_step(name), settings.store, {}, threads=1)
        entry = Store(settings.store).open(digest)
    except TrainableError as error:
        raise Mistake.of(error, name, "PREPARATION_FAILED") from error
    described = json.loads((entry.path / "data.json").read_text())
    lines = [f"{name}: {len(described['classes'])} classes, {entry.path}"]
    for split in SPLITS:
        images = read_images(entry.path / f"{split}.arrow")
        lines.append(f"  {split}: {len(images.labels)} images from {len(set(images.lineage))} sources")
    return lines
