"""Draws examples of a set: `python -m analysis.examples FILE --out DIR` for an `examples.arrow` of the store."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, printing
from analysis.example_figure import draw_examples, draw_steps
from analysis.perturbed_images import read


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the figures, prints their paths, and returns the exit status: 0, or 3."""
    parser = command.parser(
        "analysis.examples",
        "Draw examples of a set: clean image, perturbation, perturbed image, and the perturbation step by step.",
        "examples.arrow --out /tmp/examples",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an examples.arrow, as `robustune sets show` makes it")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    given = parser.parse_args(arguments)
    return command.run(given.out, lambda: draw(given.file, given.out))


def draw(file: Path, out: Path) -> dict[str, Path]:
    """Writes `examples` and `steps` as PNG, SVG and PDF into `out`, made if it is not there; paths by file name.

    Of stylised images there are no steps.

    Raises:
        ExamplesError: the file is not there, is damaged, or holds images that cannot be shown.
        OSError: `out` cannot be written.
    """
    shown = read(file)
    out.mkdir(parents=True, exist_ok=True)
    paths = printing.save(draw_examples(shown), out, "examples")
    steps = draw_steps(shown)
    return paths | printing.save(steps, out, "steps") if steps else paths


if __name__ == "__main__":
    sys.exit(main())
