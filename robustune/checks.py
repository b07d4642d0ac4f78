"""Everything that can be known of a study before a worker starts."""

import math
import os
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from analysis import records
from robustune import address
from robustune.brackets import shares
from robustune.differences import mismatch
from robustune.errors import Mistake
from robustune.halving import rungs
from robustune.settings import Settings
from search_spaces import Study, StudyError, find, read_study
from search_spaces.complaints import Complaints, plain_text
from search_spaces.early_stopping import check_rungs
from search_spaces.extent import trial_limit
from trainables.errors import TrainableError
from trainables.preparation import Step
from trainables.registry import load_advice, load_options, vocabularies
from trainables.storage import is_uri, opened


def read(
    study: str | Path | Study, trials: int | None = None, epochs: int | None = None, seed: int | None = None
) -> Study:
    """Reads a shipped study by its name, or a study file by its path, with what is given instead of its own.

    Raises:
        Mistake: STUDY_INVALID with every complaint about the file, a line each.
    """
    try:
        made = study if isinstance(study, Study) else read_study(find(str(study)), vocabularies())
        if isinstance(study, Study) and epochs is None:  # fewer epochs from outside may leave no rung: a try
            complaints = Complaints(study.name)
            check_rungs(study.early_stopping, study.budget.epochs, complaints)
            complaints.raise_any()
        return made.override(trials=trials, epochs=epochs, seed=seed)
    except StudyError as error:
        raise Mistake("STUDY_INVALID", str(error)) from error


def stored(study: str, settings: Settings) -> Path:
    """Returns the folder of a study that was begun, named by its name, its study file or its folder.

    Raises:
        Mistake: STUDY_MISSING, with the studies that are there.
    """
    folder = begun(study, settings)
    if folder is not None:
        return folder
    if settings.segments is not None:
        # The machine that held the ledger may be lost: `Ledger.open` looks into the storage.
        return settings.results_folder / _name(study)
    names = sorted(ledger.parent.name for ledger in settings.results_folder.glob("*/ledger.sqlite"))
    there = f"begun there: {', '.join(names)}" if names else "none was begun there"
    what = f"{study!r} is there, but it is no folder of a study" if _is_there(study) else f"no study {study!r}"
    raise Mistake(
        "STUDY_MISSING",
        f"{settings.results_folder}: {what} ({there}); begin one with `robustune search STUDY`",
    )


def begun(study: str, settings: Settings) -> Path | None:
    """Returns the folder of a study whose ledger is on this machine, named as for `stored`; None where none is."""
    places = (Path(study), settings.results_folder / _name(study))
    return next((folder.absolute() for folder in places if has_ledger(folder)), None)


def has_ledger(folder: Path) -> bool:
    """Whether a study was begun in the folder."""
    try:
        return (folder / records.LEDGER_FILE).is_file()
    except OSError:  # a name too long for a file, or a folder that may not be looked into
        return False


def _is_there(study: str) -> bool:
    """Whether something else than a study file lies at the path."""
    try:
        return Path(study).suffix != ".toml" and Path(study).exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _name(study: str) -> str:
    given = Path(study)
    return given.stem if given.suffix == ".toml" else given.name


def check(study: Study, settings: Settings) -> list[str]:
    """Holds a study and the way it is run against what is there; returns warnings.

    Raises:
        Mistake: the first complaint's code, with every complaint, a line each.
    """
    complaints = _building(study, settings)
    # Where the results folder cannot be used, its mlflow.db is no second mistake.
    warnings, unusable = _tracking(settings) if settings.tracking_uri or not complaints else ([], [])
    _raise_any([*complaints, *unusable])
    return [*warnings, *_advice(study)]


def check_building(study: Study, settings: Settings) -> None:
    """Holds a study whose sets are to be built against what is there.

    Raises:
        Mistake: the first complaint's code, with every complaint, a line each.
    """
    _raise_any(_building(study, settings))


def _raise_any(complaints: list[Mistake]) -> None:
    if complaints:
        raise Mistake(complaints[0].code, "\n".join(complaint.message for complaint in complaints))


def _building(study: Study, settings: Settings) -> list[Mistake]:
    return [*_settings(settings), *_options(study), *_folders(study, settings), *_cluster(settings)]


def _settings(settings: Settings) -> list[Mistake]:
    cpus, gpus, concurrency = settings.cpus_per_trial, settings.gpus_per_trial, settings.concurrency
    laws = (
        ("--cpus-per-trial", cpus, 0 < cpus < math.inf, "a number above zero"),
        ("--gpus-per-trial", gpus, 0 <= gpus < math.inf, "zero or a number above it"),
        ("--concurrency", concurrency, concurrency is None or concurrency >= 1, "one or more"),
    )
    return [
        Mistake("OPTION_INVALID", f"{name} {value}: expected {law}") for name, value, lawful, law in laws if not lawful
    ]


def _options(study: Study) -> list[Mistake]:
    from robustune.preparation import steps
    from robustune.sampler import Sampler

    found = []
    try:
        Sampler(study, rungs(study.early_stopping, study.budget.epochs))
        TypeAdapter(load_options(study.trainer)).validate_python(dict(study.options))
        steps(study)
    except Mistake as mistake:
        found.append(mistake)
    except ValidationError as error:
        found += [
            Mistake("STUDY_INVALID", f"{study.name}: options: {_said(problem, study)}") for problem in error.errors()
        ]
    except TrainableError as error:
        found.append(Mistake.of(error, f"{study.name}: options", "STUDY_INVALID"))
    return found


def _advice(study: Study) -> list[str]:
    from robustune.preparation import possible

    told = load_advice(study.trainer)(study.options, possible(study), study.metrics)
    return [plain_text(line) for line in told]


def _said(problem: Any, study: Study) -> str:
    """One complaint about options, without what pydantic and the trainer put before it."""
    where = ".".join(str(part) for part in problem["loc"])
    told = str(problem["msg"]).removeprefix("Value error, ").removeprefix(f"{study.trainer} options: ")
    return f"{where}: {told}" if where else told


def _folders(study: Study, settings: Settings) -> list[Mistake]:
    folder = settings.results_folder / study.name
    found = [Mistake("RESULTS_UNWRITABLE", text) for text in unwritable(folder, "--results")]
    if settings.storage is not None:
        found += _storage(settings.storage)
    if not found and has_ledger(folder):
        found += _mismatch(folder, study)
    return found


def _storage(storage: str) -> list[Mistake]:
    if not is_uri(storage):
        return [Mistake("CACHE_UNWRITABLE", text) for text in unwritable(Path(storage), "--storage")]
    try:
        filesystem, base = opened(storage, "OPTION_INVALID")
    except TrainableError as error:
        return [Mistake("OPTION_INVALID", f"--storage {error}")]
    probe = f"{base}/.robustune-probe-{os.getpid()}"
    try:
        filesystem.create_dir(base, recursive=True)
        with filesystem.open_output_stream(probe, compression=None) as stream:
            stream.write(b"robustune")
        filesystem.delete_file(probe)
    except OSError as error:
        return [Mistake("CACHE_UNWRITABLE", f"--storage {storage}: cannot be written ({error}); name another")]
    return []


def _mismatch(folder: Path, study: Study) -> list[Mistake]:
    try:
        held = records.read_study(folder)
    except records.LedgerError as error:
        return [Mistake("STATE_CORRUPT", str(error))]
    other = mismatch(folder, held, study)
    return [other] if other else _other_images(folder, study)


def _other_images(folder: Path, study: Study) -> list[Mistake]:
    """What is wrong where the study was begun on other images: a name in the data library may have been given anew."""
    from robustune.preparation import steps
    from trainables.preparation import step_address

    recorded = str(records.sets(folder).get("data", {}).get("digest", ""))
    try:
        (data,) = [step for step in steps(study) if step.name == "data"] if recorded else []
        now = step_address(data, {})
    except (ValueError, TrainableError):  # none is recorded; or `_options` says what is wrong
        return []
    if now == recorded:
        return []
    return [
        Mistake(
            "STUDY_MISMATCH",
            f"{folder}: was begun on other images than {study.data!r} holds now (set {recorded[:12]}, now {now[:12]}); "
            "give the study another name, or add the images that it had again under theirs",
        )
    ]


def unwritable(folder: Path, option: str) -> list[str]:
    """Returns what is wrong with a folder that is to be written, and leaves no trace there; nothing where all is well.

    Args:
        folder: may be one that is not there yet.
        option: that names it.
    """
    # Tried, not asked: permissions, full disks and read-only mounts each have their own way of saying no.
    try:
        there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"robustune")
    except OSError as error:
        return [f"{folder}: cannot be written ({os.strerror(error.errno or 0)}); name another folder with {option}"]
    return []


def _cluster(settings: Settings) -> list[Mistake]:
    complaint = address.complaint(settings.address or os.environ.get("RAY_ADDRESS"))
    return [Mistake("CLUSTER_UNREACHABLE", complaint)] if complaint else []


def _tracking(settings: Settings) -> tuple[list[str], list[Mistake]]:
    from robustune.tracking import probe

    complaint = probe(settings.tracking)
    if complaint is None:
        return [], []
    if settings.tracking.startswith(("http://", "https://")):
        return [complaint], []
    return [], [Mistake("TRACKING_UNREACHABLE", complaint)]


def describe(study: Study, settings: Settings) -> list[str]:
    """Tells in lines what a search would do: how much it tries, where things go, and what is built already."""
    from robustune import relative
    from robustune.preparation import addresses, steps
    from robustune.teachers import wanting
    from robustune.tracking.destination import printable, redacted
    from trainables.data.store import Store

    store = Store(settings.store)
    planned = steps(study)
    digests = addresses(planned)
    built = {name for name in digests if store.has(digests[name])}
    there, waiting = (", ".join(_told(planned, part)) or "nothing" for part in (built, digests.keys() - built))
    objectives = ", ".join(f"{objective.metric} ({objective.goal})" for objective in study.objectives)
    return [
        f"{study.name}: {study.trainer} on {study.data}, {objectives}",
        *(() if (taught := wanting(study, settings)) is None else taught.told),
        f"at most {trial_limit(study)} trials of {study.budget.epochs} epochs{_bounds(study)}; "
        f"sampler {study.sampler.name}, early stopping {_stopping(study)}, seed {study.seed}",
        f"searched: {', '.join(study.space)}",
        *map(plain_text, relative.planned(study)),
        f"results: {plain_text(str(settings.results_folder / study.name))}",
        f"tracking: {printable(redacted(settings.tracking))}",
        f"to be built first: {waiting}; there already: {there}",
        "ok",
    ]


def _bounds(study: Study) -> str:
    """The bounds of the budget that a study need not have."""
    budget = study.budget
    told = {
        "{} hours": None if budget.hours is None else f"{budget.hours:g}",
        "{} epochs in all": budget.total_epochs,
        "{} trials in a row without gain": budget.patience,
    }
    return "".join(f", or {words.format(value)}" for words, value in told.items() if value is not None)


def _stopping(study: Study) -> str:
    """The rule by its name, and the epochs at which the trials of each bracket are compared."""
    rule, epochs = study.early_stopping, study.budget.epochs
    if rule.name == "none":
        return rule.name
    if rule.name == "median_stopping" and rule.grace < epochs:
        return f"{rule.name} (compared after each epoch from {rule.grace} to {epochs - 1})"
    brackets = [_counted_out(rule.rungs(epochs, bracket)) for bracket in range(rule.brackets)]
    if rule.brackets == 1:
        return f"{rule.name} ({brackets[0]})"
    parts = zip(shares(rule, epochs), brackets, strict=True)
    return f"{rule.name} ({'; '.join(f'{float(share):.0%} of trials {words}' for share, words in parts)})"


def _counted_out(epochs: Sequence[int]) -> str:
    """Epochs as words, as in "compared after epochs 1 and 3"."""
    if not epochs:
        return "never compared"
    *others, last = map(str, epochs)
    return f"compared after epochs {', '.join(others)} and {last}" if others else f"compared after epoch {last}"


def _told(planned: Sequence[Step], chosen: Collection[str]) -> list[str]:
    """The chosen steps by the names that they are told under, in the order of the plan; of a set's shards none."""
    from robustune.preparation import told_names

    owners = told_names(planned)
    parts = Counter(owners[name] for name in chosen)
    wanted = [name for name in dict.fromkeys(owners.values()) if (name in chosen if name in owners else parts[name])]
    return [name if name in owners else f"{name} ({parts[name]})" for name in wanted]
