"""Draws promise beside confirmation, with intervals: `python -m analysis.plot_confirmation results/quickstart`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import command, confirmation, printing, records
from analysis.confirmation_figure import draw_confirmation
from analysis.confirmation_panels import forests, told
from analysis.confirmation_plane_figure import draw_planes
from analysis.confirmation_planes import planes
from analysis.knobs import NotDrawable


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes confirmation.* and, of several objectives, confirmed-front.*, and prints their paths.

    Returns:
        The exit status: 0, 2, 3 or 4.
    """
    return command.drawn(
        arguments,
        "analysis.plot_confirmation",
        "Draw what a confirmed front promised in the search, and what fresh seeds and unseen images made of it.",
        "results/quickstart --out /tmp/confirmation",
        write,
    )


def write(folder: Path, out: Path) -> dict[str, Path]:
    """Writes the figures and their points into `out`, which is made if it is not there; returns paths by file name.

    Raises:
        NotDrawable: the study was not confirmed.
        LedgerError: no ledger in the folder, or one that cannot be read.
        Damaged: a file of the confirmation is not whole.
    """
    study = records.read_study(folder)
    found = confirmation.read(folder, study)
    if found is None or not found.points.num_rows:
        raise NotDrawable(study, f"it was not confirmed yet; `robustune confirm {study.name}` does that")
    out.mkdir(parents=True, exist_ok=True)
    title, file = study.description or study.name, "confirmation.parquet"
    paths = printing.save(draw_confirmation(forests(found, study), told(found, study), title), out, "confirmation")
    if laid := planes(found, study):
        paths |= printing.save(draw_planes(laid, title), out, "confirmed-front")
    return paths | {file: records.write_parquet(found.points, out / file)}


if __name__ == "__main__":
    sys.exit(main())
