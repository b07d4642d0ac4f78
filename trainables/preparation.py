"""What trials need before they start: a plan of steps, and running one into the store. Runs alone load torch."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trainables.errors import TrainableError
from trainables.registry import load_planner

if TYPE_CHECKING:
    from trainables.data.store import Store

SUMMARY: Final = "summary.json"

# A builder takes (arguments, Inputs, an empty directory) and returns a JSON-able summary.
_BUILDERS: Final[Mapping[str, str]] = {
    "data": "trainables.preparation:build_data",
    "library-data": "trainables.data.library:build_library_data",
    "corrupted-data": "trainables.data.corrupted:build_corrupted_data",
    "start": "trainables.classification.starts:build_start",
    "segmentation-start": "trainables.segmentation.starts:build_segmentation_start",
    "segmentation-pretext": "trainables.segmentation.pretext:build_segmentation_pretext",
    "classification-noise-targets": "trainables.classification.noise_nets:build_noise_targets",
    "segmentation-noise-targets": "trainables.segmentation.noise_nets:build_noise_targets",
    "baseline": "trainables.classification.baseline:build_baseline",
    "pretext": "trainables.classification.pretext:build_pretext",
    "training-images": "trainables.classification.training_images:build_training_images",
    "sources": "trainables.classification.sources:build_sources",
    "styles": "trainables.classification.stylising:build_styles",
    "set-shard": "trainables.classification.perturbed_sets:build_shard",
    "corrupted": "trainables.corrupted_sets:build_corrupted",
    "baseline-errors": "trainables.classification.baseline_errors:build_baseline_errors",
    "set": "trainables.classification.perturbed_sets:build_set",
    "examples": "trainables.classification.examples:build_examples",
    "evaluation": "trainables.classification.evaluation:build_evaluation",
    "baseline-outcomes": "trainables.classification.outcomes:build_baseline_outcomes",
    "classification-outcomes": "trainables.classification.outcomes:build_outcomes",
    "closed-form-outcomes": "trainables.closed_form_outcomes:build_outcomes",
    "segmentation-outcomes": "trainables.segmentation.outcomes:build_outcomes",
    "segmentation-evaluation": "trainables.segmentation.evaluation:build_segmentation_evaluation",
}


@dataclasses.dataclass(frozen=True)
class Step:
    """One thing to build.

    Attributes:
        name: unique in a plan, such as `set/augmentation/fooling-20/0`.
        kind: which builder makes it.
        arguments: JSON-able; everything that shapes the result, the builder's version included.
        after: names of the steps whose results it reads.
        here: whether it reads files that only the planning machine is sure to have. Not part of the address.
        places: absolute paths, by what is there, whose content the arguments tell by its SHA-256. Not part of the
            address, so that a file may move.
        note: what who waits should know. Not part of the address.
    """

    name: str
    kind: str
    arguments: Mapping[str, Any]
    after: tuple[str, ...] = ()
    here: bool = False
    places: Mapping[str, str] = dataclasses.field(default_factory=dict)
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a step reads: results of other steps, by name, and files of this machine, by the names in `Step.places`."""

    store: Store
    digests: Mapping[str, str]
    places: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def folder(self, name: str) -> Path:
        """Where the result of a step lies on this node."""
        return self.store.open(self.digests[name]).path

    def summary(self, name: str) -> dict[str, Any]:
        """What the builder of a step said of its result."""
        summary: dict[str, Any] = json.loads((self.folder(name) / SUMMARY).read_text())
        return summary


def plan(
    trainer: str,
    data: str,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
    hold_out: bool = False,
) -> tuple[Step, ...]:
    """Every step that some trial of a study may need, each after those it reads; the first is `data`.

    Args:
        trainer: a registered name.
        data: a registered data set.
        options: held by every trial.
        possible: values that a searched option can take; of a subset its elements, of a continuous one its two ends.
        metrics: that trials report.
        seed: of the study.
        hold_out: also the sets that score what a search has found. Never True for a search: what is not planned is
            not built, and no trial can reach it.

    Raises:
        TrainableError: OPTION_INVALID, where options cannot go together whatever is drawn.
    """
    return load_planner(trainer)(data, options, possible, metrics, seed, hold_out)


def data_step(name: str) -> Step:
    """The step that builds a built-in data set, or takes one over from this machine's library.

    The address of the second is that of its content, whatever its name and wherever the library lies.

    Raises:
        TrainableError: DATA_UNKNOWN, or DATA_CORRUPT where the library's record is damaged.
    """
    from trainables.data import library
    from trainables.data.registry import CODE_VERSION, is_built_in, located

    if is_built_in(name):
        return Step("data", "data", {"name": name, "version": CODE_VERSION})
    digest, place = located(name)
    arguments = {"digest": digest, "version": library.VERSION}
    return Step("data", "library-data", arguments, here=True, places={"library": str(place)})


def step_address(step: Step, digests: Mapping[str, str]) -> str:
    """The store address of a step's result: of its kind, its arguments and the digests of what it reads."""
    from trainables.data.manifest import address  # `store` has it too, with torch

    return address(step.kind, step.arguments, [digests[name] for name in step.after])


def run_step(step: Step, store_root: str, digests: Mapping[str, str], threads: int) -> tuple[str, dict[str, Any]]:
    """Builds a step into the store unless it is there whole; a damaged result is built anew.

    Args:
        step: whose `after` are all built.
        store_root: path or URI of the store.
        digests: of the steps in `after`, by name.
        threads: CPU threads to compute with.

    Returns:
        The step's digest and its summary, as its builder made it, with `seconds`: what building took when it was built.

    Raises:
        TrainableError: whatever the builder raises; CACHE_CORRUPT, where a set in `after` is damaged.
    """
    from trainables.data.store import Store

    store = Store(store_root)
    digest = step_address(step, digests)
    inputs = Inputs(store, {name: digests[name] for name in step.after}, step.places)
    entry = store.publish(
        digest, lambda directory: _build(step, inputs, directory, threads), {"kind": step.kind, **step.arguments}
    )
    summary: dict[str, Any] = json.loads((entry.path / SUMMARY).read_text())
    return digest, summary


def build_data(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes a named data set; its builder's version stands in the arguments, so that a new one has a new address."""
    from trainables.data.registry import build, masked_sets
    from trainables.data.soundness import check_data
    from trainables.segmentation.soundness import check_masked

    build(arguments["name"], directory)
    return dict((check_masked if arguments["name"] in masked_sets() else check_data)(directory))


def _build(step: Step, inputs: Inputs, directory: Path, threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    if step.kind not in _BUILDERS:
        raise TrainableError("STEP_UNKNOWN", f"{step.name}: there is no builder of kind {step.kind!r}")
    module, _, name = _BUILDERS[step.kind].partition(":")
    builder: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
    started = time.perf_counter()
    summary = builder(step.arguments, inputs, directory)
    summary["seconds"] = round(time.perf_counter() - started, 3)
    (directory / SUMMARY).write_text(json.dumps(summary, sort_keys=True))
