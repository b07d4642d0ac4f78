"""Writes a comparison: its page, its figures and its tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from analysis import comparison, comparison_figure, printing, records
from analysis.compared import Apart, Searched, methods
from analysis.comparison import Comparison, compare
from analysis.comparison_objectives import agreed
from analysis.comparison_page import render
from analysis.comparison_panels import difference_panels, surfaces_panels
from analysis.comparison_words import listed
from analysis.figure_files import figure_files
from analysis.replacing import replacing

PAGE: Final = "compare.html"


def write(
    searched: Sequence[Searched], out: Path, asked: Mapping[str, float | None], apart: Apart = "none", seed: int = 0
) -> tuple[Comparison, dict[str, Path]]:
    """Writes everything into `out`, which is made if it is not there; returns the comparison and paths by file name.

    Args:
        searched: the studies, as `analysis.compared.read` gives them.
        out: a folder.
        asked: objectives, as `analysis.compared.parsed` gives them.
        apart: what makes another method besides another content.
        seed: of the resampling.

    Raises:
        Incomparable: as `analysis.compared.agreed` and `methods` say.
        OSError: a file cannot be written.
    """
    found = compare(methods(agreed(searched, asked), apart), seed)
    title = listed([one.name for one in found.methods])
    out.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    tables = {
        "compare-points.parquet": comparison.points_table(found),
        "compare-hypervolume.parquet": comparison.volumes_table(found),
        "compare-pairs.parquet": comparison.pairs_table(found),
        "compare-difference.parquet": difference_table(found),
    }
    paths |= {name: records.write_parquet(table, out / name) for name, table in tables.items()}
    for name, draw, fits in (
        ("compare-fronts", comparison_figure.draw_fronts, True),
        ("compare-attainment", comparison_figure.draw_surfaces, bool(surfaces_panels(found.methods))),
        ("compare-difference", comparison_figure.draw_differences, bool(difference_panels(found))),
        ("compare-hypervolume", comparison_figure.draw_volumes, True),
    ):
        if fits:
            paths |= printing.save(draw(found, title), out, name)
        else:
            _remove(out, figure_files(name))  # an earlier comparison's would tell of other studies
    with replacing(out / PAGE) as aside:
        aside.write_text(render(found), encoding="utf-8", errors="backslashreplace", newline="\n")
    return found, {PAGE: out / PAGE, **paths}


def _remove(out: Path, names: Sequence[str]) -> None:
    for name in names:
        (out / name).unlink(missing_ok=True)


def difference_table(compared: Comparison) -> pa.Table:
    """Returns a row for each area of one difference: the two methods and objectives, its sides, and the share."""
    rows = []
    for panel in difference_panels(compared):
        one, other = (compared.methods[place].name for place in (panel.one, panel.other))
        for cell in panel.cells:
            rows.append(
                {"one": one, "other": other, "x": panel.x.label, "y": panel.y.label, "left": cell.left,
                 "right": cell.right, "low": cell.low, "high": cell.high, "share": cell.share}
            )  # fmt: skip
    texts = [(name, pa.string()) for name in ("one", "other", "x", "y")]
    numbers = [(name, pa.float64()) for name in ("left", "right", "low", "high", "share")]
    return pa.Table.from_pylist(rows, pa.schema([*texts, *numbers]))
