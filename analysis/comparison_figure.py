"""Draws the figures of a comparison for print: no number is computed here."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from analysis.colours import NAMED
from analysis.comparison import Comparison
from analysis.comparison_panels import (
    Corners,
    DifferencePanel,
    FrontsPanel,
    SurfacesPanel,
    difference_panels,
    fronts_panels,
    surfaces_panels,
    volumes_panel,
)
from analysis.printing import FAINT, INK, QUIET, draw_axes, head, quiet_frame, settings, sheet
from analysis.wording import shortened, visible

MARKERS: Final = ("o", "s", "^", "D", "v", "P")
"""Of the methods, so that they are told apart in grey too."""
LINES: Final[tuple[Any, ...]] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.2)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
)
ACROSS: Final = 3
NAME_MOST: Final = 46
LONG: Final = 34
"""Letters of a legend's text beyond which three do not fit beside each other."""
STRONGEST: Final = 0.62
"""Opacity of an area that all searches of one method attain and none of the other."""


def draw_fronts(compared: Comparison, title: str) -> Figure:
    """Returns the fronts of all searches over each other, each method in its colour and with its mark."""
    return _drawn(fronts_panels(compared), _draw_fronts, title, _marks(compared))


def draw_surfaces(compared: Comparison, title: str) -> Figure:
    """Returns what at least one, half and all searches of each method attain."""
    return _drawn(surfaces_panels(compared.methods), _draw_surfaces, title, _lines(compared))


def draw_differences(compared: Comparison, title: str) -> Figure:
    """Returns where each of every two methods is attained by more of its searches than the other."""

    def draw(axes: Axes, panel: DifferencePanel) -> None:
        _draw_difference(axes, panel)
        names = [shortened(visible(compared.methods[place].name), 30) for place in (panel.one, panel.other)]
        axes.set_title(f"{names[0]} against {names[1]}", loc="left", fontsize=8.5, color=INK)

    return _drawn(difference_panels(compared), draw, title, _areas(compared))


def draw_volumes(compared: Comparison, title: str) -> Figure:
    """Returns the hypervolume of every search, and the mean of each method with its interval."""
    panel, standings = volumes_panel(compared), compared.standings
    with settings():
        figure = sheet(6.6, 1.25 + 0.42 * len(standings))
        axes = figure.subplots()
        axes.set_xlim(panel.x.low, panel.x.high)
        axes.set_ylim(len(standings) - 0.4, -0.6)
        axes.set_xticks(panel.x.ticks, panel.x.written)
        axes.set_yticks(range(len(standings)), [shortened(visible(one.method.name), NAME_MOST) for one in standings])
        axes.set_xlabel(panel.x.label, color=INK, fontsize=9.5)
        axes.grid(color=FAINT, linewidth=0.6, axis="x")
        quiet_frame(axes)
        for place, one in enumerate(standings):
            axes.plot(
                [one.low, one.high], [place, place], color=NAMED[place], linewidth=5, alpha=0.25, solid_capstyle="butt"
            )
            axes.plot([one.mean, one.mean], [place - 0.22, place + 0.22], color=NAMED[place], linewidth=1.8)
            axes.scatter(one.volumes, [place] * len(one.volumes), **_mark(place), zorder=3)
        over = " and ".join(sorted({f"over {one.resampled}" for one in standings}))
        handles = [
            Line2D([], [], color=QUIET, linewidth=5, alpha=0.4, label=f"95 % interval of the mean, {over}"),
            Line2D([], [], color=QUIET, marker="|", linestyle="", markersize=9, markeredgewidth=1.8, label="mean"),
            Line2D([], [], color=QUIET, marker="o", linestyle="", markersize=5, label="one search"),
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8, labelcolor=INK)
        head(figure, title)
    return figure


def _drawn(panels: Sequence[Any], draw: Callable[[Axes, Any], None], title: str, keys: list[Any]) -> Figure:
    columns = min(ACROSS, len(panels))
    rows = math.ceil(len(panels) / columns)
    if any(axis.reference is not None for panel in panels for axis in (panel.x, panel.y)):
        keys = [*keys, Line2D([], [], color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), label="reference")]
    across = min(len(keys), columns if max(len(key.get_label()) for key in keys) > LONG else 3 * columns)
    with settings():
        figure = sheet(6.6 if columns == 1 else 4.9 * columns, 0.5 + 4.1 * rows + 0.16 * math.ceil(len(keys) / across))
        every = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes in every[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(every, panels, strict=False):
            draw_axes(axes, panel.x, panel.y)
            draw(axes, panel)
        head(figure, title)
        figure.legend(handles=keys, loc="outside lower left", ncols=across, frameon=False, fontsize=8, labelcolor=INK)
    return figure


def _mark(place: int) -> dict[str, Any]:
    return {"s": 30, "marker": MARKERS[place], "c": NAMED[place], "edgecolors": "white", "linewidths": 0.7}


def _name(compared: Comparison, place: int) -> str:
    method = compared.methods[place]
    seeds = f" ({len(method.searches)} seeds)" if len(method.searches) > 1 else ""
    return f"{shortened(visible(method.name), NAME_MOST)}{seeds}"


def _marks(compared: Comparison) -> list[Any]:
    """Lines alone for one objective, marks alone for three and more, as they are drawn."""
    count = len(compared.objectives)
    looks: dict[str, Any] = {"linewidth": 1.3, "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.7}
    found = []
    for place in range(len(compared.methods)):
        drawn = {**_stroke(place), **({"linestyle": ""} if count > 2 else {})}
        mark = MARKERS[place] if count > 1 else None
        found.append(Line2D([], [], **looks, **drawn, marker=mark, label=_name(compared, place)))
    return found


def _lines(compared: Comparison) -> list[Any]:
    found: list[Any] = [
        Line2D([], [], linewidth=1.6, **_stroke(place), label=_name(compared, place))
        for place in range(len(compared.methods))
    ]
    if len(compared.objectives) == 1:
        return found
    half = Line2D([], [], color=QUIET, linewidth=1.6, label="attained by half of the searches")
    return [*found, half, Patch(facecolor=QUIET, alpha=0.2, label="by one to by all of them")]


def _areas(compared: Comparison) -> list[Any]:
    several = any(len(method.searches) > 1 for method in compared.methods)
    told = [_name(compared, place) for place in range(len(compared.methods))]
    found: list[Any] = [Patch(facecolor=NAMED[place], alpha=STRONGEST, label=name) for place, name in enumerate(told)]
    more = "attained by more of its searches, darker: by so many more" if several else "attained by it alone"
    return [*found, Patch(facecolor=QUIET, alpha=0.3, label=more)]


def _stroke(place: int) -> dict[str, Any]:
    return {"color": NAMED[place], "linestyle": LINES[place]}


def _draw_reference(axes: Axes, panel: Any) -> None:
    for axis, draw in ((panel.x, axes.axvline), (panel.y, axes.axhline)):
        if axis.reference is not None:
            draw(axis.reference, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _line(axes: Axes, corners: Corners, **looks: Any) -> None:
    axes.plot([x for x, _ in corners], [y for _, y in corners], solid_joinstyle="miter", **looks)


def _draw_fronts(axes: Axes, panel: FrontsPanel) -> None:
    _draw_reference(axes, panel)
    for method, corners in panel.edges:
        _line(axes, corners, **_stroke(method), linewidth=1.1, alpha=0.8, zorder=2)
    for method in sorted({mark.method for mark in panel.marks}):
        own = [mark for mark in panel.marks if mark.method == method]
        axes.scatter([mark.x for mark in own], [mark.y for mark in own], zorder=3, **_mark(method))


def _draw_surfaces(axes: Axes, panel: SurfacesPanel) -> None:
    _draw_reference(axes, panel)
    for one in panel.surfaces:
        if band := one.band(panel.reference):
            axes.fill(*zip(*band, strict=True), color=NAMED[one.method], alpha=0.14, linewidth=0, zorder=2)
        _line(axes, one.half, linewidth=1.6, zorder=3, **_stroke(one.method))
        for corners in (one.best, one.worst):
            _line(axes, corners, linewidth=0.6, alpha=0.7, zorder=3, color=NAMED[one.method])


def _draw_difference(axes: Axes, panel: DifferencePanel) -> None:
    _draw_reference(axes, panel)
    sides = [(cell.left, cell.low, cell.right - cell.left, cell.high - cell.low) for cell in panel.cells]
    owners = [panel.one if cell.share > 0 else panel.other for cell in panel.cells]
    inks = [
        (*to_rgb(NAMED[owner]), STRONGEST * abs(cell.share)) for owner, cell in zip(owners, panel.cells, strict=True)
    ]
    areas = [Rectangle((left, low), width, height) for left, low, width, height in sides]
    # One collection for all: a patch of its own for each takes twice as long. Smoothed edges would show as seams.
    axes.add_collection(PatchCollection(areas, facecolors=inks, linewidths=0, antialiaseds=False, zorder=2))
    for method, corners in zip((panel.one, panel.other), panel.halves, strict=True):
        _line(axes, corners, **_stroke(method), linewidth=1.4, zorder=3)
