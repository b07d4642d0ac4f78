"""The best classifier that another study found becomes the baseline of a study: `--baseline-from`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from analysis import front as fronts
from analysis import records
from robustune import checks
from robustune.aside import own_folder
from robustune.checkpoints import whole_copy
from robustune.differences import mismatch
from robustune.errors import Mistake, readable
from robustune.ledger_file import make
from robustune.preparation import values_of
from robustune.segments import Segments
from robustune.settings import Settings
from robustune.standing import trials_left
from search_spaces import Study
from trainables.classification.network_options import ARCHITECTURE
from trainables.preparation import data_step, step_address
from trainables.registry import vocabulary

CLEAN: Final = "clean_accuracy"
WEIGHTS: Final = "baseline_weights"
SHA256: Final = "baseline_sha256"


@dataclass(frozen=True)
class Best:
    """The trial of a finished study that is best by its first objective, and its checkpoint of the last epoch."""

    study: Study
    folder: Path
    number: int
    config: Mapping[str, Any]
    score: float
    path: str
    sha256: str
    data: str


def with_baseline(
    study: Study, source: str | Path | None, settings: Settings, say: Callable[[str], None] = lambda line: None
) -> Study:
    """Returns the study with the best trial of another one as the baseline, which then is part of its content.

    Where the study was begun with the same weights, their place stays the one it was begun with: the store has them, so
    neither the other study's files nor its folder are needed again.

    Args:
        study: that needs a baseline.
        source: name, study file or folder of the other one; None changes nothing.
        settings: where results and checkpoints lie.
        say: is told in a line which trial was chosen.

    Raises:
        Mistake: OPTION_INVALID, BASELINE_UNFIT, STUDY_MISSING, STUDY_UNFINISHED, CKPT_MISSING or CKPT_CORRUPT.
    """
    if source is None:
        return study
    _check_wanted(study)
    with _begun(str(source), settings) as folder, readable():
        best = _best(folder)
    _check_fit(study, best)
    held = f"{', '.join(f'{name} {value}' for name, value in best.config.items())}"
    say(f"baseline: trial {best.number} of {best.study.name}, {CLEAN} {best.score:.4f} ({held})")
    options = {**study.options, SHA256: best.sha256}
    begun = _frozen(study, settings)
    if begun is not None and begun.options.get(SHA256) == best.sha256:
        return replace(study, options={**options, WEIGHTS: begun.options[WEIGHTS]})
    return replace(study, options={**options, WEIGHTS: _weights(best, settings)})


def as_begun(
    study: str | Path | Study,
    seed: int | None,
    source: str | Path | None,
    settings: Settings,
    say: Callable[[str], None],
) -> Study:
    """Returns the study whose sets are meant: the one in the results folder where it was begun, or else the file's.

    Raises:
        Mistake: STUDY_INVALID, STUDY_MISMATCH where seed or baseline are not those it was begun with, and what
            `with_baseline` raises.
    """
    folder = None if isinstance(study, Study) else checks.begun(str(study), settings)
    if folder is None:
        return with_baseline(checks.read(study, seed=seed), source, settings, say)
    with readable():
        frozen = records.read_study(folder)
    say(f"{frozen.name} as it was begun in {folder}")
    asked = frozen.override(seed=seed)
    if source is not None:
        others = {name: value for name, value in asked.options.items() if name not in (WEIGHTS, SHA256)}
        asked = with_baseline(replace(asked, options=others), source, settings, say)
    if other := mismatch(folder, frozen, asked):
        raise other
    return frozen


def _check_wanted(study: Study) -> None:
    if WEIGHTS not in vocabulary(study.trainer)["options"]:
        raise Mistake("OPTION_INVALID", f"--baseline-from: the {study.trainer} trainer takes no baseline; leave it out")
    if study.options.get(WEIGHTS):
        raise Mistake(
            "OPTION_INVALID", f"--baseline-from: {study.name} names options.{WEIGHTS} itself; leave one of them out"
        )


@contextmanager
def _begun(source: str, settings: Settings) -> Iterator[Path]:
    """Yields the folder of a study's ledger, made anew aside where only the storage has it."""
    folder = checks.stored(source, settings)
    if checks.has_ledger(folder) or settings.segments is None:
        yield folder
        return
    segments = Segments(settings.segments, folder.name)
    if not segments.last():
        raise Mistake("STUDY_MISSING", f"--baseline-from {source}: neither {folder} nor the storage holds such a study")
    with own_folder("baseline") as aside:
        copy = aside / folder.name
        copy.mkdir()
        make(copy / records.LEDGER_FILE, segments.after(0), lambda number, fact: None)
        yield copy


def _best(folder: Path) -> Best:
    study = records.read_study(folder)
    first = study.objectives[0].metric
    if first != CLEAN:
        raise _unfit(study, f"its first objective is {first}; a baseline is the best by {CLEAN}")
    if left := trials_left(folder):
        raise Mistake(
            "STUDY_UNFINISHED",
            f"--baseline-from: {study.name} in {folder} still has {left} of its trials to run; "
            f"go on with it first: `robustune resume {study.name}`",
        )
    trials = records.trials(folder)
    able = np.flatnonzero(fronts.eligible(trials, study))
    if not len(able):
        raise _unfit(study, "no trial of it spent its full epochs within the constraints")
    scores = fronts.scores(trials, study)[able, 0] * (1 if study.objectives[0].goal == "max" else -1)
    row = int(able[int(scores.argmax())])  # of equals the first
    number = trials["number"][row].as_py()
    epoch, path, sha256 = records.checkpoints(folder).get(number, (0, "", ""))
    if epoch != study.budget.epochs:
        raise Mistake("CKPT_MISSING", f"--baseline-from: {folder} has no checkpoint of trial {number}'s last epoch")
    config = next(one.config for one in records.events(folder) if one.kind == "asked" and one.trial == number)
    score = trials[f"metrics.{CLEAN}"][row].as_py()
    data = records.sets(folder).get("data", {}).get("digest", "")
    return Best(study, folder, number, config, score, path, sha256, data)


def _check_fit(study: Study, best: Best) -> None:
    if best.study.trainer != study.trainer:
        raise _unfit(best.study, f"it is of the {best.study.trainer} trainer, {study.name} of {study.trainer}")
    if best.study.data != study.data:
        raise _unfit(best.study, f"its data are {best.study.data!r}, those of {study.name} {study.data!r}")
    if best.data != step_address(data_step(study.data), {}):
        raise _unfit(best.study, f"{study.data!r} has changed since; search it again under another name")
    ours, theirs = _architecture(study, {}), _architecture(best.study, best.config)
    others = [f"{name} {theirs[name]!r} instead of {law!r}" for name, law in ours.items() if theirs[name] != law]
    if others:
        trial = f"its trial {best.number} has another architecture than {study.name}"
        raise _unfit(best.study, f"{trial}: {', '.join(others)}")


def _architecture(study: Study, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """What shapes a trial's network; where that is searched and not drawn, the first value, as preparation has it."""
    laws = vocabulary(study.trainer)["options"]
    searched = {name: (values_of(domain) or [None])[0] for name, domain in study.space.items()}
    options = {**searched, **study.options, **drawn}
    return {name: options.get(name, laws[name]["default"]) for name in ARCHITECTURE}


def _weights(best: Best, settings: Settings) -> str:
    whose = f"--baseline-from: trial {best.number} of {best.study.name}"
    return whole_copy(best.path, best.sha256, best.folder, settings.checkpoints(best.study.name), best.number, whose)


def _frozen(study: Study, settings: Settings) -> Study | None:
    folder = settings.results_folder / study.name
    if not checks.has_ledger(folder):
        return None
    with readable():
        return records.read_study(folder)


def _unfit(source: Study, why: str) -> Mistake:
    return Mistake("BASELINE_UNFIT", f"--baseline-from: {source.name} gives no baseline: {why}")
