"""Reads what studies say of mCE, and refuses to lay beside each other what was measured in different ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from analysis import records
from analysis.corruption import Errors, errors_of, mean_ce, read_errors
from analysis.evaluated import BASELINE, ERRORS_FILE, EVALUATION_FILE, evaluated
from analysis.knobs import NotDrawable, known_metrics
from analysis.measuring import way_at
from analysis.recipes import recipe
from search_spaces.study import Study

Scores = Literal["test", "validation"]
VALIDATION_ERRORS: Final = "baseline-errors/validation"
_MCE: Final = "mce"
_WITHOUT: Final = "mce_without_overlap"
_TEST_OPTIONS: Final = ("corruption_constants", "corruption_ice", "corruption_test_data")


@dataclass(frozen=True)
class Net:
    """One trained network: the options that it was trained with, and its scores; None where one is not known."""

    trial: int
    options: Mapping[str, Any]
    mce: float | None
    without_overlap: float | None
    clean_error: float | None


@dataclass(frozen=True)
class Scored:
    """The nets of one study and how they were measured.

    Attributes:
        ways: by its name, each thing that must be equal for scores to be comparable.
        baseline: digest of the baseline, and its error by corruption and severity.
        overlap: corruptions of its mCE that something resembles which some trial of the study may train with.
    """

    study: Study
    nets: tuple[Net, ...]
    ways: Mapping[str, str]
    baseline: tuple[str, Mapping[tuple[str, int], float]]
    overlap: frozenset[str]


def read(folders: Sequence[Path], scores: Scores = "test") -> tuple[Scored, ...]:
    """Returns the nets of the studies in these folders, all measured in one way.

    Args:
        folders: of studies, at least one.
        scores: "test" takes what `robustune evaluate` measured, of the corruptions that no search saw; "validation" the
            mce that the search itself saw, of trials that spent their epochs.

    Raises:
        NotDrawable: a study has no such scores, or two were measured in different ways; the message names the first.
        LedgerError: no ledger in a folder, or one that cannot be read.
        OSError: a file of an evaluation cannot be read.
    """
    if scores == "validation":
        found = [_searched(folder) for folder in folders]
    else:
        tables = [_evaluated(folder) for folder in folders]
        overlap = frozenset(name for _, _, every, _ in tables for name in _resembled(every[0]))
        found = [_tested(*table, overlap) for table in tables]
    for one in found:
        _check_alike(found[0], one)
    _check_baselines(found)
    return tuple(found)


def same_but_seed(study: Study) -> str:
    """Returns a digest that studies share which differ in nothing but their seed."""
    return study.override(seed=0).digest


def _searched(folder: Path) -> Scored:
    study, trials, _ = records.tables(folder)
    known_metrics(study, [_MCE])
    drawn = _drawn(folder)
    spent = [row for row in trials.to_pylist() if row["state"] == "complete"]
    nets = tuple(
        Net(
            row["number"],
            recipe(study.options, drawn[row["number"]]),
            row[f"metrics.{_MCE}"],
            row.get(f"metrics.{_WITHOUT}"),
            _error(row.get("metrics.clean_accuracy")),
        )
        for row in spent
    )
    found, sets = records.measured(folder), records.sets(folder)
    ways = {"way of measuring": way_at(found, _MCE, study.budget.epochs), **_data(study, sets)}
    told = sets.get(VALIDATION_ERRORS, {})
    cells = _cells(told.get("table"))
    overlap = frozenset(told.get("overlap", {})) & {name for name, _ in cells}
    return Scored(study, nets, ways, (_digest(sets), cells), overlap)


def _evaluated(folder: Path) -> tuple[Path, Study, tuple[Errors, ...], dict[tuple[str, int], float]]:
    study = records.read_study(folder)
    table = read_errors(folder, study)
    if table is None:
        told = f"its folder has no {ERRORS_FILE} of its own; let `robustune evaluate` make it, or draw what the search "
        raise NotDrawable(study, told + "saw by --scores validation")
    rows = [row for row in table.to_pylist() if row["trial"] == BASELINE]
    every = errors_of(table, study)
    if not every or not rows:
        raise NotDrawable(study, f"its {ERRORS_FILE} lacks the {'trials' if rows else 'baseline'}")
    return folder, study, every, {(row["corruption"], row["severity"]): row["error"] for row in rows}


def _tested(
    folder: Path,
    study: Study,
    every: Sequence[Errors],
    baseline: Mapping[tuple[str, int], float],
    overlap: frozenset[str],
) -> Scored:
    drawn, sets = _drawn(folder), records.sets(folder)
    clean = _clean_accuracies(folder, study)
    nets = tuple(
        Net(
            one.trial,
            recipe(study.options, drawn.get(one.trial, {})),
            mean_ce(one),
            mean_ce(one, without=tuple(overlap)),
            _error(clean.get(one.trial)),
        )
        for one in every
    )
    unseen = [one.name for one in every[0].corruptions if not one.seen]
    ways = {
        "corruptions that the search did not see": ", ".join(unseen),
        "severities": ", ".join(map(str, every[0].severities)),
        **{name: str(study.options.get(name, "")) for name in _TEST_OPTIONS},
        **_data(study, sets),
    }
    return Scored(study, nets, ways, (_digest(sets), baseline), _resembled(every[0]))


def _resembled(errors: Errors) -> frozenset[str]:
    """The unseen corruptions that something resembles which some trial of the study may train with."""
    return frozenset(one.name for one in errors.corruptions if one.overlap and not one.seen)


def _check_alike(one: Scored, other: Scored) -> None:
    for what, way in one.ways.items():
        if other.ways[what] != way:
            raise NotDrawable(
                other.study,
                f"its mCE was measured in another way than that of {one.study.name}: {what}: "
                f"{other.ways[what] or 'not told'}; there: {way or 'not told'}; bars beside each other need one way",
            )


def _check_baselines(found: Sequence[Scored]) -> None:
    """Holds studies of one seed to one baseline; seeds of one study have baselines of their own."""
    seeds: dict[str, dict[int, Scored]] = {}
    for one in found:
        seeds.setdefault(same_but_seed(one.study), {})[one.study.seed] = one
    first = next(iter(seeds.values()))
    for group in seeds.values():
        shared = [seed for seed in group if seed in first]
        pairs = [(first[seed], group[seed]) for seed in shared] or [
            (next(iter(first.values())), next(iter(group.values())))
        ]
        for one, other in pairs:
            if not _same_baseline(one, other):
                seed = "" if shared else f" (seed {one.study.seed} there, {other.study.seed} here)"
                told = f"its mCE is relative to another baseline than that of {one.study.name}{seed}"
                raise NotDrawable(
                    other.study, f"{told}; give both studies the same seed and the same baseline_* options"
                )


def _same_baseline(one: Scored, other: Scored) -> bool:
    (digest, errors), (its, theirs) = one.baseline, other.baseline
    return (not digest or not its or digest == its) and all(
        errors[cell] == theirs[cell] for cell in errors if cell in theirs
    )


def _drawn(folder: Path) -> dict[int, Mapping[str, Any]]:
    return {event.trial: event.config for event in records.events(folder) if event.kind == "asked"}


def _clean_accuracies(folder: Path, study: Study) -> dict[int, float | None]:
    table = evaluated(folder, EVALUATION_FILE, study, ("number",))
    if table is None or "accuracy.test" not in table.column_names:
        return {}
    return dict(zip(table["number"].to_pylist(), table["accuracy.test"].to_pylist(), strict=True))


def _data(study: Study, sets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {"data": f"{study.data} {sets.get('data', {}).get('digest', '')[:12]}".rstrip()}


def _digest(sets: Mapping[str, Mapping[str, Any]]) -> str:
    return str(sets.get("baseline", {}).get("digest", ""))


def _cells(table: Mapping[str, Any] | None) -> dict[tuple[str, int], float]:
    if not table:
        return {}
    return {
        (name, severity): rate
        for name, row in zip(table["corruptions"], table["errors"], strict=True)
        for severity, rate in zip(table["severities"], row, strict=True)
    }


def _error(accuracy: float | None) -> float | None:
    return None if accuracy is None else 1 - accuracy
