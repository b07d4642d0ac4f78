"""Draws CKA maps of an explained study: `python -m analysis.plot_cka results/quickstart`."""

import sys
from collections.abc import Sequence

from analysis import explain_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures as PNG, SVG and PDF, prints their paths, and returns the exit status: 0 or 3."""
    return explain_command.main(
        "cka", "Draw how alike the layers of networks are, by CKA, as a map for each pair.", arguments
    )


if __name__ == "__main__":
    sys.exit(main())
