"""Draws filters of an explained study: `python -m analysis.plot_filters results/quickstart`."""

import sys
from collections.abc import Sequence

from analysis import explain_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures as PNG, SVG and PDF, prints their paths, and returns the exit status: 0 or 3."""
    return explain_command.main("filters", "Draw filters of the first and of a deep layer.", arguments)


if __name__ == "__main__":
    sys.exit(main())
