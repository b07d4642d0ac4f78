"""Draws feature maps of an explained study: `python -m analysis.plot_feature_maps results/quickstart`."""

import sys
from collections.abc import Sequence

from analysis import explain_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures as PNG, SVG and PDF, prints their paths, and returns the exit status: 0 or 3."""
    return explain_command.main(
        "feature-maps", "Draw 64 equally spaced feature maps of a few layers under the perturbed image.", arguments
    )


if __name__ == "__main__":
    sys.exit(main())
