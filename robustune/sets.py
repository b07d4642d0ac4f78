"""The sets of a study, built ahead of a search or after it, and examples out of them."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from robustune import checks
from robustune.building import bring
from robustune.errors import Mistake
from robustune.preparation import Prepared, needed, steps
from robustune.screen import Screen
from robustune.settings import Settings
from search_spaces import Study
from trainables.classification.planner import examples_step
from trainables.preparation import Step

KIND: Final = "set"
CORRUPTED: Final = ("corrupted", "corrupted-data")
ERRORS: Final = "baseline-errors"
PREFIX: Final = "set/"
EXAMPLES: Final = "examples.arrow"
DIGEST_LETTERS: Final = 8


@dataclass(frozen=True)
class BuiltSet:
    """One set of perturbed images: its name, its address, whether it was there before, and what was measured."""

    name: str
    digest: str
    there: bool
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Built:
    """The sets of a study in the order of the plan, and what was measured of the baseline that they are made for.

    Attributes:
        baseline: its accuracies.
        sets: of perturbed images.
        corrupted: images under one corruption each, for the metrics that need them.
        errors: of the baseline on those, by the split.
    """

    baseline: Mapping[str, Any]
    sets: tuple[BuiltSet, ...]
    corrupted: tuple[BuiltSet, ...] = ()
    errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def new(self) -> int:
        """Sets that were built just now."""
        return sum(not one.there for one in (*self.sets, *self.corrupted))


def build(study: Study, settings: Settings, screen: Screen) -> Built:
    """Builds every set that the study needs, those that no search may see among them.

    Raises:
        Mistake: OPTION_INVALID where the study's trainer has no sets, and what building says.
    """
    planned = with_hold_out(study, settings)
    built = bring(planned, settings, screen)
    errors = {step.name.rpartition("/")[2]: built[step.name].summary for step in planned if step.kind == ERRORS}
    return Built(built["baseline"].summary, _of((KIND,), planned, built), _of(CORRUPTED, planned, built), errors)


def examples(study: Study, wanted: str | None, count: int, settings: Settings, screen: Screen) -> dict[str, Path]:
    """Makes examples of one set, or of each, and returns the Arrow file of each by the set's name.

    Args:
        study: whose sets are meant.
        wanted: a set, with or without what stands before its last name; None for all.
        count: images of each.
        settings: where the store is, and the cluster.
        screen: shows how it goes.

    Raises:
        Mistake: OPTION_INVALID where the study has no such set, and what building says.
    """
    from trainables.data.store import Store  # late: it takes torch along

    planned = with_hold_out(study, settings)
    shown = {_short(made): examples_step(made, count) for made in _chosen(planned, wanted, study.name)}
    last = list(shown.values())
    built = bring([*needed(planned, last), *last], settings, screen)
    store = Store(settings.store)
    return {name: store.open(built[step.name].digest).path / EXAMPLES for name, step in shown.items()}


def with_hold_out(study: Study, settings: Settings) -> tuple[Step, ...]:
    """Returns all steps of a study, those of the sets that no search may see among them.

    Raises:
        Mistake: OPTION_INVALID where the study's trainer has no sets, and every complaint about study and settings.
    """
    checks.check_building(study, settings)
    planned = steps(study, hold_out=True)
    if not any(step.kind == KIND for step in planned):
        raise Mistake("OPTION_INVALID", f"{study.name}: the {study.trainer} trainer has no sets of perturbed images")
    return planned


def table(sets: Sequence[BuiltSet]) -> Table:
    """The sets, a line each: how many, how well the attack did, how far it went in grey levels, and the address."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)  # the longest name and 10,000 images fit 80 columns
    shown.add_column("set", overflow="fold")
    for name in ("images", "of", "fool", "L2", "Linf", "img/s"):
        shown.add_column(name, justify="right")
    shown.add_column("digest")
    shown.add_column("")
    for one in sets:
        shown.add_row(one.name, *_measured(one.summary), one.digest[:DIGEST_LETTERS], "there" if one.there else "built")
    return shown


def corrupted_lines(built: Built) -> list[str]:
    """Tells in a line for each split how many corrupted images there are, and the baseline's errors on them."""
    lines = []
    for split, errors in built.errors.items():
        corruptions, severities = (errors["table"][kind] for kind in ("corruptions", "severities"))
        lines.append(
            f"corrupted {split} images: {len(corruptions)} corruptions at {len(severities)} severities of "
            f"{errors['images']:,} images; the baseline's clean error {errors['clean_error']:.4f}, mean error under "
            f"them {errors['mean_error']:.4f}"
        )
    return lines


def _of(kinds: Collection[str], planned: Sequence[Step], built: Mapping[str, Prepared]) -> tuple[BuiltSet, ...]:
    named = {_short(step): built[step.name] for step in planned if step.kind in kinds}
    return tuple(BuiltSet(name, one.digest, one.there, one.summary) for name, one in named.items())


def _measured(told: Mapping[str, Any]) -> tuple[str, ...]:
    speed = told["images_per_second"]
    return (
        f"{told['images']:,}",
        f"{told['asked']:,}",
        "-" if told["success"] is None else f"{told['success']:.1%}",  # nobody asks whether a style fools
        f"{told['mean_l2']:.0f}",
        f"{told['mean_linf']:.1f}",
        f"{speed:.0f}" if speed >= 100 else f"{speed:.3g}",
    )


def _chosen(planned: Sequence[Step], wanted: str | None, study: str) -> list[Step]:
    sets = {_short(step): step for step in planned if step.kind == KIND}
    if wanted is None:
        return list(sets.values())
    asked = wanted.removeprefix(PREFIX)
    found = [step for name, step in sets.items() if asked in (name, name.rpartition("/")[2])]
    if not found:
        near = difflib.get_close_matches(asked, sets, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise Mistake("OPTION_INVALID", f"--set {wanted!r}: {study} has no such set; it has {', '.join(sets)}{hint}")
    return found


def _short(step: Step) -> str:
    return step.name.removeprefix(PREFIX)
