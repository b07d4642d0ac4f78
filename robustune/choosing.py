"""Picks a member of a study's front and exports its network with all that using it takes."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from analysis import choice, confirmation, records
from analysis.choice import Choice, Clean, Members, Unchosen
from analysis.confirmation import Confirmation
from analysis.evaluated import Damaged
from analysis.wording import shown, within
from robustune import checks, whole_trials
from robustune.errors import Mistake, readable
from robustune.exporting import export
from robustune.settings import Settings
from robustune.standing import trials_left
from robustune.whole_trials import Recorded
from trainables.registry import clean_metric, has_network, vocabulary

FOLDER: Final = "chosen"
_RULES: Final = "--max-clean-drop NUMBER, --knee or --weights METRIC=NUMBER,..."


@dataclass(frozen=True)
class Rule:
    """How a member is picked: by one of the three, or by `max_clean_drop` with `weights` for the other objectives.

    Attributes:
        max_clean_drop: in the clean metric's own unit; None where that is not the rule.
        knee: whether it is the knee.
        weights: of objectives, by metric.
        clean: the metric of clean images; None means the trainer's own.
        to_baseline: whether the drop is measured against the study's baseline, and not against the front's best.
        searched: whether the searched front is taken although it was confirmed.
    """

    max_clean_drop: float | None = None
    knee: bool = False
    weights: Mapping[str, float] = field(default_factory=dict)
    clean: str | None = None
    to_baseline: bool = False
    searched: bool = False


@dataclass(frozen=True)
class Chosen:
    """What was picked and why, its scores as told, what should be known of it, and the exported files by name."""

    trial: int
    why: str
    scores: Sequence[str]
    notes: Sequence[str]
    folder: Path
    paths: Mapping[str, Path]


def choose(study: str, rule: Rule, settings: Settings, out: Path | None = None) -> Chosen:
    """Picks a member of a study's front, of the confirmed one where there is one, and exports it.

    Args:
        study: name, study file or folder of a study that was begun.
        rule: how to pick.
        settings: where results, checkpoints and store are.
        out: folder of the export; None means `chosen/trial-NUMBER` in the study's.

    Raises:
        Mistake: STUDY_MISSING, NO_FRONT, OPTION_INVALID, CKPT_MISSING, CKPT_CORRUPT, CACHE_MISSING, FILES_EXIST,
            RESULTS_UNWRITABLE, and STATE_CORRUPT for a damaged confirmation.
    """
    _check_rule(rule)
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = whole_trials.recorded(folder)
        left = trials_left(folder)
    confirmed = None if rule.searched else _confirmed(done)
    members = _members(done, confirmed)
    try:
        picked = _picked(done, members, rule, confirmed)
    except Unchosen as unchosen:
        raise Mistake("OPTION_INVALID", f"{done.study.name}: {unchosen}") from unchosen
    place = out or folder / FOLDER / f"trial-{picked.trial:05d}"
    notes = _notes(done, picked.trial, confirmed, rule, left)
    told = Chosen(picked.trial, picked.why, _scores(done, picked.trial, confirmed), notes, place, {})
    return replace(told, paths=export(done, picked.trial, _record(told, rule), settings, place))


def _check_rule(rule: Rule) -> None:
    named = [rule.max_clean_drop is not None, rule.knee, bool(rule.weights)]
    if not any(named):
        raise Mistake("OPTION_INVALID", f"choose: no rule says which member of the front; give {_RULES}")
    if rule.knee and sum(named) > 1:
        raise Mistake("OPTION_INVALID", "--knee: it weighs all objectives alike and knows no bound; give it alone")
    if rule.max_clean_drop is not None and not 0 <= rule.max_clean_drop < math.inf:
        raise Mistake("OPTION_INVALID", f"--max-clean-drop {rule.max_clean_drop}: expected 0 or a number above it")
    if rule.max_clean_drop is None and (rule.clean or rule.to_baseline):
        name = "--clean" if rule.clean else "--against"
        raise Mistake("OPTION_INVALID", f"{name}: it says how --max-clean-drop is measured; give that as well")
    for metric, weight in rule.weights.items():
        if not 0 <= weight < math.inf:
            law = "a weight is 0 or above and says how much; the study's goals say which way"
            raise Mistake("OPTION_INVALID", f"--weights {metric}={weight}: {law}")
    if rule.weights and not any(rule.weights.values()):
        raise Mistake("OPTION_INVALID", "--weights: all are 0; one at least must count")


def _record(told: Chosen, rule: Rule) -> dict[str, Any]:
    asked = {**vars(rule), "weights": dict(rule.weights)}
    return {"why": told.why, "rule": asked, "scores": list(told.scores), "notes": list(told.notes)}


def _confirmed(done: Recorded) -> Confirmation | None:
    try:
        return confirmation.read(done.folder, done.study)
    except Damaged as damaged:
        raise Mistake("STATE_CORRUPT", f"{damaged}; or choose from the searched front by --searched") from damaged
    except OSError as error:
        raise Mistake("STATE_CORRUPT", f"{done.folder}: the confirmation cannot be read ({error})") from error


def _members(done: Recorded, confirmed: Confirmation | None) -> Members:
    if confirmed is not None:
        rows = confirmed.points.filter(confirmed.points["confirmed"])
        columns = [rows[f"mean.{one.metric}"].to_numpy(zero_copy_only=False) for one in done.study.objectives]
        members = Members(confirmed.front, np.column_stack(columns), done.study.objectives, "confirmed")
    else:
        members = choice.searched(done.trials, done.study)
    if not members.numbers:
        raise Mistake("NO_FRONT", f"{done.folder}: no trial of it spent its full epochs within the constraints")
    return members


def _picked(done: Recorded, members: Members, rule: Rule, confirmed: Confirmation | None) -> Choice:
    objectives = [one.metric for one in done.study.objectives]
    for metric in rule.weights:
        if metric not in objectives:
            told = f"is recorded, but is no objective: {', '.join(objectives)}"
            why = told if metric in done.study.metrics else _unknown(metric, objectives, "objectives")
            raise Mistake("OPTION_INVALID", f"--weights: {metric!r} {why}")
    if rule.knee:
        return choice.by_knee(members)
    if rule.max_clean_drop is None:
        return choice.by_weights(members, rule.weights)
    clean = _clean(done, members, rule, confirmed)
    return choice.by_clean_drop(members, clean, rule.max_clean_drop, rule.weights or None)


def _unknown(name: str, known: Sequence[str], what: str) -> str:
    near = difflib.get_close_matches(name[:100], known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(known)}"
    return f"is none of the study's {what}; {hint}"


def _clean(done: Recorded, members: Members, rule: Rule, confirmed: Confirmation | None) -> Clean:
    study = done.study
    own = clean_metric(study.trainer)
    metric = rule.clean or own
    if metric not in study.metrics:
        if rule.clean:
            raise Mistake("OPTION_INVALID", f"--clean {metric!r}: {_unknown(metric, study.metrics, 'metrics')}")
        lacking = f"records no {own}" if own else f"is of the {study.trainer} trainer, which has no clean images"
        raise Mistake(
            "OPTION_INVALID",
            f"--max-clean-drop: {study.name} {lacking}; name one of its metrics by --clean ({', '.join(study.metrics)})"
            ", or choose by --knee or --weights",
        )
    goals = {name: law["goal"] for name, law in vocabulary(study.trainer)["metrics"].items()}
    goal = {**goals, **{one.metric: one.goal for one in study.objectives}}[metric]
    yardstick = ("the baseline's", _baseline(done, metric, confirmed)) if rule.to_baseline else None
    values = _means(confirmed, metric, members.numbers) if confirmed else _recorded(done, metric, members.numbers)
    return Clean(metric, goal, values, yardstick)


def _recorded(done: Recorded, metric: str, numbers: Sequence[int]) -> Any:
    rows = dict(zip(done.trials["number"].to_pylist(), done.trials[f"metrics.{metric}"].to_pylist(), strict=True))
    return np.array([rows[number] for number in numbers], dtype=np.float64)


def _means(confirmed: Confirmation, metric: str, numbers: Sequence[int]) -> Any:
    rows = _of_metric(confirmed.scores, metric)
    if not rows:
        measured = ", ".join(sorted(set(confirmed.scores["metric"].to_pylist())))
        raise Mistake(
            "OPTION_INVALID",
            f"--max-clean-drop: the confirmation did not measure {metric}; name one of {measured} by --clean, or "
            "choose from the searched front by --searched",
        )
    return np.array([rows[number]["mean"] if number in rows else np.nan for number in numbers], dtype=np.float64)


def _of_metric(scores: pa.Table, metric: str) -> dict[int, dict[str, Any]]:
    return {row["trial"]: row for row in scores.to_pylist() if row["metric"] == metric}


def _baseline(done: Recorded, metric: str, confirmed: Confirmation | None) -> float:
    """What the baseline scores on the validation images that the search scores on; of the clean accuracy alone."""
    told = records.sets(done.folder).get("baseline", {}).get("validation_accuracy")
    if metric != "clean_accuracy" or told is None:
        raise Mistake(
            "OPTION_INVALID",
            f"--against baseline: {done.study.name} knows no {metric} of a baseline; leave it out, and the front's own "
            "best is the yardstick",
        )
    if confirmed is not None:
        raise Mistake(
            "OPTION_INVALID",
            "--against baseline: the baseline was scored on validation images, the confirmed front on test images; "
            "leave it out, or choose from the searched front by --searched",
        )
    return float(told)


def _scores(done: Recorded, number: int, confirmed: Confirmation | None) -> list[str]:
    """A line for each metric that is known of the trial."""
    row = next(row for row in done.trials.to_pylist() if row["number"] == number)
    if confirmed is None:
        values = {metric: row[f"metrics.{metric}"] for metric in done.study.metrics}
        return [f"{within(metric)} {shown(value)}" for metric, value in values.items() if value is not None]
    (point,) = (one for one in confirmed.points.to_pylist() if one["trial"] == number)
    return [_confirmed_line(one, row, point) for one in confirmed.scores.to_pylist() if one["trial"] == number]


def _confirmed_line(score: Mapping[str, Any], row: Mapping[str, Any], point: Mapping[str, Any]) -> str:
    """Mean and interval of one metric, what the search promised, and what nets say that did not pick the trial."""
    promised, fresh = row.get(f"metrics.{score['metric']}"), point.get(f"fresh.{score['metric']}")
    parts = [f"95 % {shown(score['low'])} to {shown(score['high'])}, {score['seeds']} seeds"]
    parts += [] if promised is None else [f"the search promised {shown(promised)}"]
    if fresh is not None and np.isfinite(fresh) and shown(fresh) != shown(score["mean"]):
        parts.append(f"{shown(fresh)} by nets that did not put it on the front")
    return f"{within(score['metric'])} {shown(score['mean'])} ({'; '.join(parts)})"


def _notes(done: Recorded, number: int, confirmed: Confirmation | None, rule: Rule, left: int) -> list[str]:
    name, found = done.study.name, []
    if left:
        found.append(f"{left} of its trials are still to run, and its front may change: `robustune resume {name}`")
    if confirmed is not None:
        (point,) = (one for one in confirmed.points.to_pylist() if one["trial"] == number)
        found.append(
            "scores are means over fresh seeds, on images that no search saw; the trial belongs to the front of true "
            f"means with probability {shown(point['probability'])}; the exported network is the search's own, of one "
            "seed"
        )
    else:
        better = "" if rule.searched else f"; `robustune confirm {name}` measures it under fresh seeds"
        found.append(f"scores are those that the front was picked by, and flatter it{better}")
    if not has_network(done.study.trainer):
        found.append(f"the {done.study.trainer} trainer leaves no network: its state and options are exported alone")
    return found
