"""What the terminal shows of a confirmation: the searched front beside the confirmed one, and every set's scores."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.confirmation import Confirmation, failures
from robustune.confirmation_nets import Net
from robustune.errors import printable
from search_spaces import Study

FIVE_SETS: Final = {
    "original": "original",
    "perturbed_training": "perturbed\ntraining",
    "perturbed_validation": "perturbed\nvalidation",
    "hold_out": "hold-out",
    "out_of_distribution": "out of\ndistribution",
}
"""The five sets of the final table."""
ABREAST: Final = 2
"""Objectives in one table."""
LONGEST_HEAD: Final = 12
UNEQUAL: Final = 0.0005
"""Sides of an interval that differ by more are told apart: three digits are shown."""
BESIDES: Final = {"test": "clean\ntest", "pgd": "under\nattack", "mce_unseen": "mCE\nunseen", "mce_all": "mCE\nall"}


def fronts_tables(found: Confirmation, study: Study) -> list[Table]:
    """Each trial by what the search promised and what was confirmed, and how likely it stands on the front.

    More than two objectives do not fit into 80 columns: each two have a table, and the last one says who stands.
    """
    names = [one.metric for one in study.objectives]
    parts = [names[start : start + ABREAST] for start in range(0, len(names), ABREAST)]
    return [_fronts_table(found, part, last=part is parts[-1]) for part in parts]


def _fronts_table(found: Confirmation, names: Sequence[str], last: bool) -> Table:
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("trial", justify="right", vertical="bottom")
    for name in names:
        for part in ("promised", "confirmed"):
            shown.add_column(f"{_broken(name)}\n{part}", justify="right", vertical="bottom", no_wrap=True)
    for head in ("front", "proba-\nbility", "seeds") if last else ():
        shown.add_column(head, justify="right", vertical="bottom", no_wrap=True)
    for row in found.points.to_pylist():
        cells = [cell for name in names for cell in (_number(row[f"promised.{name}"]), _mean(row, f".{name}"))]
        stands = [_place(row), f"{row['probability']:.2f}", str(row["seeds"])] if last else []
        shown.add_row(str(row["trial"]), *cells, *stands)
    return shown


def scores_tables(found: Confirmation) -> list[Table]:
    """The final table of five sets, and one of what else was measured: means with 95 % intervals."""
    measured = dict.fromkeys(found.scores["metric"].to_pylist())
    parts = [{name: head for name, head in heads.items() if name in measured} for heads in (FIVE_SETS, BESIDES)]
    if not any(parts):
        parts = [{name: _broken(name) for name in measured}]
    return [_scores_table(found, heads) for heads in parts if heads]


def _scores_table(found: Confirmation, heads: Mapping[str, str]) -> Table:
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head in ("trial", *heads.values()):
        shown.add_column(head, justify="right", vertical="bottom")
    by = {(row["trial"], row["metric"]): row for row in found.scores.to_pylist()}
    for trial in found.points["trial"].to_pylist():
        shown.add_row(str(trial), *(_mean(by.get((trial, name))) for name in heads))
    return shown


def lines(found: Confirmation, nets: Sequence[Net]) -> list[str]:
    """What must be known to read the tables: hypervolumes, points that fell, trials whose nets failed."""
    volume = found.hypervolume.to_pylist()[0]
    picked = f"; {volume['confirmed']:.4f} before its own selection is corrected for" if volume["optimism"] > 0 else ""
    told = [
        f"hypervolume: {volume['promised']:.4f} promised, {volume['corrected']:.4f} confirmed (95 %: "
        f"{volume['low']:.4f} to {volume['high']:.4f}{picked}); gap {volume['gap']:+.4f}",
        f"confirmed front: trials {_listed(found.front)}; fell off the searched front: {_listed(found.fallen)}",
    ]
    return told + [printable(one.words) for one in failures(map(vars, nets))]


def _mean(row: dict[str, Any] | None, of: str = "") -> str:
    """A mean with half the width of its interval, or below it the ends of one that is cut; "-" where there is none."""
    if row is None:
        return "-"
    mean, low, high = (row[f"{part}{of}"] for part in ("mean", "low", "high"))
    if abs((high - mean) - (mean - low)) > UNEQUAL:
        return f"{mean:.3f}\n{low:.3f} to {high:.3f}"
    return f"{mean:.3f} ± {(high - low) / 2:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _place(row: dict[str, Any]) -> str:
    if row["fell"]:
        return "fell"
    if row["confirmed"]:
        return "stays" if row["searched"] else "rose"
    return "no"


def _listed(trials: Sequence[int]) -> str:
    return ", ".join(map(str, trials)) or "none"


def _broken(name: str) -> str:
    """A long name with a line for each of its words."""
    return name.replace("_", "_\n") if len(name) > LONGEST_HEAD else name
