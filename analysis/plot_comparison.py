"""Draws studies beside each other: `python -m analysis.plot_comparison results/one results/other --out /tmp/both`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from analysis import command, sources
from analysis.compared import Apart, read
from analysis.comparison_objectives import parsed
from analysis.comparison_report import write


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes page, figures and tables, prints their paths, and returns the exit status: 0, 2, 3 or 4."""
    parser = command.parser(
        "analysis.plot_comparison",
        "Compare studies: their fronts over each other, what they attain over seeds and where which attains more, and "
        "their hypervolumes with intervals. Studies that differ in name and seed alone are one method.",
        "results/weight-noise results/weight-noise-random --out /tmp/both",
    )
    command.add_places(parser, many=True)
    parser.add_argument(
        "--objectives",
        metavar="NAME[=REFERENCE],...",
        help="compare by these, which every study records (default: the objectives, which must then be the same)",
    )
    parser.add_argument(
        "--apart",
        choices=get_args(Apart),
        default="none",
        help="folders: studies of another results folder are another method; studies: each is one by itself",
    )
    given = parser.parse_args(arguments)
    if len(given.places) > 1 and given.out is None:
        parser.error("--out DIR is needed where several studies are compared: they have no folder in common")
    out = given.out or sources.home(given.places[0])

    def written() -> Mapping[str, Path]:
        asked = parsed(given.objectives)
        return write([read(*place) for place in command.named(given)], out, asked, given.apart)[1]

    return command.run(out, written)


if __name__ == "__main__":
    sys.exit(main())
