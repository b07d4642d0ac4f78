"""Data sets for the command `robustune data`: what there is, adding a user's own, building, taking away."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from robustune.bars import bars
from robustune.errors import Mistake, printable
from robustune.settings import Settings
from trainables.corruption_overlaps import EXTRA
from trainables.data import library
from trainables.data.corrupted import OPTION
from trainables.data.registry import corrupted_sets, data_sets, is_built_in, masked_sets
from trainables.errors import TrainableError

SPLITS: Final = ("train", "validation", "test", "holdout")
_SUFFIXES: Final = (".zip", ".tgz", ".tar", ".gz", ".xz", ".bz2")
_LONGEST_NAME: Final = 60
_OF_ANY_DATA: Final = ("image-folder", "image-masks")
"""Formats of no particular data set."""


def listed() -> list[str]:
    """Every data set that a study can name, and every corrupted test set, a line each."""
    found = sorted({**data_sets(), **masked_sets(), **corrupted_sets()}.items())
    width = max(len(name) for name, _ in found)
    return [f"{name:{width}}  {printable(description)}" for name, description in found]


def add(
    layout: str, path: Path, name: str | None, choices: Mapping[str, Any], console: Console | None = None
) -> list[str]:
    """Adds a user's images to the library, and returns what it holds now, a line each.

    Args:
        layout: a format of `trainables.data.ingestion.adding`: of its `FORMATS`, `MASKED_FORMATS` or
            `CORRUPTED_FORMATS`.
        path: folder or archive; of a corrupted set also a folder with archives.
        name: of the data set; the format's, or the folder's for a format of no particular data set, where None.
        choices: fields of `trainables.data.ingestion.adding.Choices`.
        console: gets a bar where it is a terminal; standard error where None.

    Raises:
        Mistake: what adding says, with its code.
    """
    from trainables.data.ingestion.adding import Choices, add

    chosen = name or (_stem(path) if layout in _OF_ANY_DATA else layout)
    try:
        with bars(console or Console(stderr=True)) as progress:
            added = add(layout, path, chosen, Choices(**choices), library.folder(), progress)
    except TrainableError as error:
        raise Mistake.of(error, "data add", "DATA_INVALID") from error
    told = _told_corrupted if added.record.kind == library.CORRUPTED else _told
    return list(told(chosen, added.facts, added.path, added.record.digest, added.already))


def build(name: str, settings: Settings) -> list[str]:
    """Builds the data set into the store, unless it is there, and returns what is in it, a line each.

    Raises:
        Mistake: DATA_UNKNOWN, DATA_INVALID for a corrupted test set, or what the builder says.
    """
    from trainables.data.store import Store, read_images
    from trainables.preparation import data_step, run_step

    if name in corrupted_sets():
        raise Mistake("DATA_INVALID", f"{name}: there is nothing to build; {library.ONLY_TESTS.format(name=name)}")
    known = {**data_sets(), **masked_sets()}
    if name not in known:
        raise Mistake("DATA_UNKNOWN", f"there is no data set {name!r}; there is {', '.join(sorted(known))}")
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


def remove(name: str) -> list[str]:
    """Takes a data set out of the library.

    Raises:
        Mistake: DATA_UNKNOWN, OPTION_INVALID for a built-in one, CACHE_UNWRITABLE.
    """
    if is_built_in(name):
        raise Mistake("OPTION_INVALID", f"{name}: comes with the package, and stays; only added data sets can go")
    try:
        library.remove(library.folder(), name)
    except TrainableError as error:
        raise Mistake.of(error, "data remove", "DATA_UNKNOWN") from error
    return [f"{name} is no longer in {library.folder()}; studies that have used it keep it"]


def _told(name: str, facts: Mapping[str, Any], path: Path, digest: str, already: bool) -> Iterator[str]:
    shape = "x".join(map(str, facts["image_shape"]))
    there = ", was there already" if already else ""
    yield f"{name}: {len(facts['classes'])} classes, {shape}, digest {digest[:12]}{there}"
    for split in SPLITS:
        count, sources = facts["counts"][split], facts["sources"][split]
        yield f"  {split}: {count:,} images from {sources:,} sources: {facts['division'][split]}"
    for count, what in (
        (facts["twins_left_out"], "training images left out, equal to an image of another split"),
        (len(facts["unreadable"]), f"images left out that cannot be read; {path / 'data.json'} names them"),
        (facts.get("in_two_classes", 0), "different images stand in several classes"),
        *((count, f"{what}, not used") for what, count in facts["unused"].items()),
    ):
        if count:
            yield f"  {count:,} {what}"
    if facts.get("padded"):
        yield f"  {facts['padded']:.1%} of the pixels are padding, void in the masks: images of several sizes"
    trainer = 'trainer = "segmentation", ' if facts.get("kind") == library.MASKED else ""
    yield f'a study names it: {trainer}data = "{name}"'


def _told_corrupted(name: str, facts: Mapping[str, Any], path: Path, digest: str, already: bool) -> Iterator[str]:
    shape = "x".join(map(str, facts["image_shape"]))
    there = ", was there already" if already else ""
    cells = len(facts["corruptions"]) * len(facts["severities"])
    yield f"{name}: corrupted test images, {len(facts['classes'])} classes, {shape}, digest {digest[:12]}{there}"
    yield f"  {facts['images']:,} images under {cells} corruptions and severities, {facts['images'] * cells:,} in all"
    yield f"  corruptions: {', '.join(facts['corruptions'])}; constants {facts['constants']}"
    absent = [extra for extra in EXTRA if extra not in facts["corruptions"]]
    if absent:
        yield f"  without {', '.join(absent)}"
    for what, count in facts["unused"].items():
        yield f"  {count:,} {what}, not used"
    yield f'a study names it in [options]: {OPTION} = "{name}"'


def _stem(path: Path) -> str:
    name = path.absolute().name
    while name.lower().endswith(_SUFFIXES):
        name = name.rpartition(".")[0]
    return name
