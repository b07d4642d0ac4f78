"""What the nets of a confirmation train with and are scored on: made anew, of a fresh seed, once for all nets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robustune.checkpoints import fetched, whole_copy
from robustune.confirmation_nets import Net, images_seed, scoring_name, sets_seed
from robustune.errors import Mistake
from robustune.preparation import needed, possible
from robustune.settings import Settings
from search_spaces import Study
from trainables.errors import TrainableError
from trainables.preparation import Step, plan
from trainables.registry import load_outcomes
from trainables.storage import is_uri

_SPLITS: Final[Mapping[str, tuple[str, ...]]] = {"classification": ("test", "holdout"), "segmentation": ("test",)}
"""Files of the data that nets of a trainer are scored on; a trainer that is not here reads none."""
_MORE: Final[Mapping[str, str]] = {"classification": "mce"}
"""A metric whose images are made for the confirmation also where the search had none under corruption."""


@dataclass(frozen=True)
class Sets:
    """Plans of one confirmation.

    Attributes:
        whole: everything that there is to train with and to score on, with the sets that are held out.
        trained_with: names of what nets train with; the rest they cannot reach.
        notes: what of it is left out, and why.
    """

    whole: tuple[Step, ...]
    trained_with: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def training(self) -> list[Step]:
        """The steps of what nets train with."""
        return needed(self.whole, [step for step in self.whole if step.name in self.trained_with])


def fresh_sets(study: Study) -> Sets:
    """Plans everything anew under the confirmation's own seed, baseline included.

    Raises:
        Mistake: OPTION_INVALID and what else planning says.
    """
    seed = sets_seed(study.seed)
    trained_with = tuple(step.name for step in _planned(study, (), seed, hold_out=False))
    notes = _kept_baseline(study)
    more = _MORE.get(study.trainer)
    if more is not None and more not in study.metrics:
        try:
            return Sets(_planned(study, (*study.metrics, more), seed, hold_out=True), trained_with, notes)
        except Mistake as mistake:
            notes = (*notes, f"nets are not scored under corruptions ({mistake.message})")
    return Sets(_planned(study, study.metrics, seed, hold_out=True), trained_with, notes)


def check_splits(study: Study, data: Path) -> None:
    """Lets data pass that have the images which nets are scored on.

    Args:
        study: that was searched.
        data: folder of its images.

    Raises:
        Mistake: DATA_INVALID, naming what is missing.
    """
    missing = [split for split in _SPLITS.get(study.trainer, ()) if not (data / f"{split}.arrow").is_file()]
    if missing:
        told = " and no ".join({"holdout": "hold-out"}.get(split, split) for split in missing)
        raise Mistake(
            "DATA_INVALID",
            f"{study.name}: the data {study.data!r} have no {told} images, and nets are confirmed on images that the "
            "search never saw; add the data with such a split under another name (`robustune data add --help`), and "
            "search on these",
        )


def outcomes_steps(study: Study, sets: Sets, net: Net, options: Mapping[str, Any]) -> tuple[Step, ...]:
    """Returns what scores one net, what all nets share first; where its checkpoint lies is still to be looked up.

    Args:
        study: that was searched.
        sets: of the confirmation.
        net: that spent its full epochs.
        options: of its trial, drawn and held.

    Raises:
        Mistake: OPTION_INVALID where the trainer's trials cannot be confirmed; SET_MISSING.
    """
    name, seed = scoring_name(net.number), images_seed(study.seed)
    try:
        make = load_outcomes(study.trainer)
        return make(name, options, net.checkpoint, net.sha256, sets.whole, study.metrics, seed)
    except TrainableError as error:
        raise Mistake.of(error, study.name, "OPTION_INVALID") from error


def everything(study: Study, sets: Sets, options: Mapping[str, Any]) -> list[Step]:
    """Returns what nets train with and are scored on, each step after those that it reads.

    Args:
        study: that was searched.
        sets: of the confirmation.
        options: of any of its trials, drawn and held.
    """
    nobody = Net(0, 0, 0, 0, "complete", 0, 0.0, "", "", "", "")
    scoring = outcomes_steps(study, sets, nobody, options)
    names = {step.name for step in (*sets.training, *read_by(sets, scoring))}
    return [step for step in (*sets.whole, *scoring[:-1]) if step.name in names]


def checkpoint_of(net: Net, folder: Path, settings: Settings, aside: Path) -> tuple[str, bool]:
    """Returns where a net's checkpoint lies now, and whether only the driver's machine is sure to have it.

    Raises:
        Mistake: CKPT_MISSING, CKPT_CORRUPT.
    """
    root = settings.checkpoints(f"{folder.parent.name}/{folder.name}")
    whose = f"the net of trial {net.trial} under seed {net.replicate}"
    found = whole_copy(net.checkpoint, net.sha256, folder, root, net.number, whose)
    if is_uri(found):
        return str(fetched(found, f"net-{net.number:05d}.safetensors", aside)), True
    return found, settings.storage is None


def read_by(sets: Sets, scoring: Sequence[Step]) -> list[Step]:
    """Returns what scoring steps read, and they themselves, each once and after what it reads."""
    own = {step.name: step for step in scoring}
    planned = [step for step in sets.whole if step.name not in own]
    return needed([*planned, *own.values()], list(own.values()))


def _planned(study: Study, metrics: Sequence[str], seed: int, hold_out: bool) -> tuple[Step, ...]:
    try:
        return plan(
            trainer=study.trainer,
            data=study.data,
            options=study.options,
            possible=possible(study),
            metrics=metrics,
            seed=seed,
            hold_out=hold_out,
        )
    except TrainableError as error:
        raise Mistake.of(error, study.name, "OPTION_INVALID") from error


def _kept_baseline(study: Study) -> tuple[str, ...]:
    if not study.options.get("baseline_weights"):
        return ()
    return (
        "the baseline is a file that the study names (baseline_weights), so it stays; the images that it is attacked "
        "on, and the attacks, are made anew",
    )
