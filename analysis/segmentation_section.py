"""The sections of a page on evaluated segmentation: images with their masks, and IoU per class."""

from collections.abc import Sequence
from typing import Final

from analysis.bars import Bars
from analysis.class_iou import SPLITS, ClassIoU, class_charts
from analysis.knob_chart import bar_chart, series_legend
from analysis.mask_figure import remarks_of
from analysis.mask_pictures import as_data, image_picture, mask_picture
from analysis.masks import Masked, Said, Sheet
from analysis.table import Column, listing, numbers
from analysis.voc_palette import Mask, Pixels, hex_colour
from analysis.wording import escaped, remark, shortened

KEYS_MOST: Final = 32
"""Classes that are named at once; of more, those with the most pixels, and the others where they are asked for."""
NAME_MOST: Final = 40
SHARES_MOST: Final = 6
"""Classes of a mask that its text alternative names."""


def mask_section(sheet: Sheet | None) -> str:
    """Returns images, masks and predictions as pictures within the page, with their classes told; "" for none."""
    if sheet is None:
        return ""
    which = "; trials: the best one without noise, then the best one under it, by validation images"
    note = (
        f"Test images, which had no part in the search{which if len(sheet.trials) > 1 else ''}. Point at a mask to see "
        "the class there."
    )
    heads = ["Image", "Truth"]
    for trial in sheet.trials:
        heads += [f"Trial {trial}", f"Trial {trial} under noise"]
    head = "".join(f'<th scope="col">{escaped(text)}</th>' for text in heads)
    lines = "".join(_line(sheet, one) for one in sheet.images)
    return (
        f'<section aria-label="Masks"><h2>What trials see</h2><p class="quiet">{note}</p>'
        f'<figure class="masks"><div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f'<tbody>{lines}</tbody></table></div><div class="tip" id="tip-masks" role="tooltip" hidden></div></figure>'
        f"{_legend(sheet)}{remark('; '.join(remarks_of(sheet)))}</section>"
    )


def class_section(every: Sequence[ClassIoU]) -> str:
    """Returns bars of each trial by class, and the same as a table; "" for none."""
    if not every:
        return ""
    charts: list[Bars] = [chart for one in every for chart in class_charts(one)]
    figures = "".join(
        f'<div class="scroll-x" tabindex="0"><figure><figcaption>{escaped(chart.title)}</figcaption>'
        f"{bar_chart(chart, f'classes-{place}')}</figure></div>"
        for place, chart in enumerate(charts)
    )
    note = remark(
        f"on {SPLITS[every[0].split]} images; under noise: the mean over draws; no pixel: none of the class is told or "
        "predicted"
    )
    return (
        f'<section aria-label="Classes"><h2>IoU per class</h2>{note}{figures}{series_legend(charts[0])}'
        f"<details><summary>As a table</summary>{_classes(every)}</details></section>"
    )


def _line(sheet: Sheet, one: Masked) -> str:
    cells = [
        _cell(image_picture(one.image), f"Image {one.row} of the test split", f"image {one.row}", ""),
        _mask_cell(sheet, one, one.truth, f"True classes of image {one.row}", ""),
    ]
    for trial, said in zip(sheet.trials, one.said, strict=True):
        cells += _said(sheet, one, trial, said)
    return f"<tr>{''.join(cells)}</tr>"


def _said(sheet: Sheet, one: Masked, trial: int, said: Said) -> list[str]:
    found = []
    for mask, score, way in ((said.prediction, said.miou, ""), (said.noisy, said.noisy_miou, " under noise")):
        written = "no class is told" if score is None else f"mIoU {score:.3f}"
        what = f"Classes that trial {trial} predicts of image {one.row}{way}, {written}"
        found.append(_mask_cell(sheet, one, mask, what, written))
    return found


def _mask_cell(sheet: Sheet, one: Masked, mask: Mask, what: str, caption: str) -> str:
    shares = sheet.shares(mask)
    told = ", ".join(f"{name} {100 * share:.3g} %" for name, share in shares[:SHARES_MOST])
    more = f", and {len(shares) - SHARES_MOST} more classes" if len(shares) > SHARES_MOST else ""
    return _cell(mask_picture(mask, one.truth), f"{what}: {told}{more}", caption, ' class="mask"')


def _cell(picture: Pixels, told: str, caption: str, look: str) -> str:
    height, width = picture.shape[:2]
    return (
        f'<td><img{look} src="{as_data(picture)}" width="{width}" height="{height}" alt="{escaped(told)}">'
        f"<div>{escaped(caption)}</div></td>"
    )


def _legend(sheet: Sheet) -> str:
    kept = {number for number, _ in sheet.pixels.most_common(KEYS_MOST)}
    first = "".join(_key(sheet, number) for number in sheet.occurring if number in kept)
    rest = [number for number in sheet.occurring if number not in kept]
    found = f'<ul class="legend">{first}</ul>'
    if rest:
        more = "".join(_key(sheet, number) for number in rest)
        summary = f"{len(rest)} more classes, of fewer pixels"
        found += f'<details><summary>{summary}</summary><ul class="legend">{more}</ul></details>'
    return found


def _key(sheet: Sheet, number: int) -> str:
    name = sheet.name(number)
    full = f' title="{escaped(name)}"' if len(name) > NAME_MOST else ""
    colour = hex_colour(number)
    swatch = f'<rect class="swatch" x="1" y="1" width="14" height="14" fill="{colour}"/>'
    return (
        f'<li data-colour="{colour[1:]}"{full}><svg viewBox="0 0 16 16" aria-hidden="true">{swatch}</svg>'
        f"{escaped(shortened(name, NAME_MOST))}</li>"
    )


def _classes(every: Sequence[ClassIoU]) -> str:
    """A row for each class that some trial was scored on, in order."""
    names = {number: name for one in every for number, name in zip(one.numbers, one.names, strict=True)}
    order = sorted(names)
    columns = [numbers("Class", order), Column("Name", [escaped(names[number]) for number in order], text=True)]
    for one in every:
        for words, values in ((f"Trial {one.trial}", one.clean), (f"Trial {one.trial} under noise", one.noisy)):
            by_number = dict(zip(one.numbers, values, strict=True))
            columns.append(numbers(words, [by_number.get(number) for number in order]))
    return listing(columns)
