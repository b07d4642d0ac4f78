"""The command `choose`: a member of the front, why it is that one, and its network to take away."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from robustune.arguments import BegunName, Results, Storage


class Against(StrEnum):
    """What a clean drop is measured against."""

    best = "best"
    baseline = "baseline"


Drop = Annotated[
    float | None,
    typer.Option(
        "--max-clean-drop",
        metavar="NUMBER",
        help="Allow so much less of the clean score, as 0.02, and take the best by the other objectives.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC=NUMBER,...", help="Take the smallest weighted mean of scaled losses, as clean_accuracy=1,mce=2."
    ),
]
Knee = Annotated[bool, typer.Option("--knee", help="Take what lies farthest below the line between the front's ends.")]
CleanMetric = Annotated[
    str | None, typer.Option("--clean", metavar="METRIC", help="The clean score. [default: the trainer's own]")
]
Yardstick = Annotated[
    Against, typer.Option(help="What the drop is measured against: the front's best, or the baseline.")
]
Searched = Annotated[bool, typer.Option("--searched", help="Take the searched front, although it was confirmed.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of the export. [default: chosen/trial-NUMBER in the study's]"),
]


def choose(
    study: BegunName,
    max_clean_drop: Drop = None,
    knee: Knee = False,
    weights: Weights = None,
    clean: CleanMetric = None,
    against: Yardstick = Against.best,
    searched: Searched = False,
    out: Out = None,
    storage: Storage = None,
    results: Results = "results",
) -> None:
    """Pick a member of the front by a rule, say why, and export its network with an example that runs."""
    from robustune.choosing import Rule
    from robustune.choosing import choose as run
    from robustune.errors import printable
    from robustune.settings import Settings

    rule = Rule(max_clean_drop, knee, _weights(weights), clean, against is Against.baseline, searched)
    done = run(study, rule, Settings(results, storage=storage), out)
    for line in (
        f"trial {done.trial}: {done.why}",
        *(f"  {score}" for score in done.scores),
        *(f"note: {note}" for note in done.notes),
        *(f"{name}: {path}" for name, path in done.paths.items()),
    ):
        typer.echo(printable(line))


def _weights(text: str | None) -> dict[str, float]:
    """The weights by metric of "clean_accuracy=1,mce=2"."""
    from robustune.errors import Mistake

    if text is None:
        return {}
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if not name or math.isnan(weight):
            raise Mistake("OPTION_INVALID", f"--weights {part.strip()!r}: expected METRIC=NUMBER, as mce=2")
        if name in found:
            raise Mistake("OPTION_INVALID", f"--weights: {name!r} comes twice")
        found[name] = weight
    return found
