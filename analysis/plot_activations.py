"""Draws mean activations of an explained study: `python -m analysis.plot_activations results/quickstart`."""

import sys
from collections.abc import Sequence

from analysis import explain_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures as PNG, SVG and PDF, prints their paths, and returns the exit status: 0 or 3."""
    return explain_command.main(
        "activations", "Draw the mean activation of every layer, clean beside perturbed, net beside net.", arguments
    )


if __name__ == "__main__":
    sys.exit(main())
