"""The sections of a page that show scores over weight noise."""

from analysis.knob_chart import colour_legend, line_chart, marks
from analysis.noise_chart import NoiseChart, score_name
from analysis.page_sections import plain_table
from analysis.wording import escaped, readable, remark, shown


def noise_section(charts: dict[str, NoiseChart]) -> str:
    """Returns the charts with what their lines are, and the same as tables.

    Args:
        charts: by the heading over each; "" of none returns "".
    """
    if not charts:
        return ""
    parts = "".join(_part(heading, chart, place) for place, (heading, chart) in enumerate(charts.items()))
    return f'<section aria-label="Weight noise"><h2>Weight noise</h2><div class="noise">{parts}</div></section>'


def _part(heading: str, chart: NoiseChart, place: int) -> str:
    figures = "".join(
        "<figure>"
        + (f"<figcaption>{escaped(panel.title)}</figcaption>" if panel.title else "")
        + f"{line_chart(panel, chart.series, f'noise-{place}-{row}', rings)}</figure>"
        for row, (panel, rings) in enumerate(zip(chart.panels, chart.rings, strict=True))
    )
    look = ' class="several"' if len(chart.panels) > 1 else ""
    return (
        f"<div{look}><h3>{escaped(heading)}</h3>{figures}{colour_legend(marks(chart.series), chart.legend)}"
        f"{remark('. '.join(readable(text) for text in chart.remarks))}"
        f"<details><summary>As a table</summary>{_table(chart)}</details></div>"
    )


def _table(chart: NoiseChart) -> str:
    names = ("Noise in training", "Noise at inference", score_name(chart.metric), "Deviation", "Nets", "Draws")
    several = any(chart.arms)
    heads = ('<th scope="col">Nets of</th>' if several else "") + "".join(
        f'<th scope="col" class="num">{escaped(name)}</th>' for name in names
    )
    lines = []
    for point in chart.points:
        values = (point.scale, point.inference, point.mean, point.deviation, point.seeds, point.draws)
        cells = "".join(f'<td class="num">{escaped(shown(value))}</td>' for value in values)
        arm = f'<th scope="row">{escaped(chart.arms[point.arm])}</th>' if several else ""
        lines.append(f"<tr>{arm}{cells}</tr>")
    return plain_table("", heads, "".join(lines))
