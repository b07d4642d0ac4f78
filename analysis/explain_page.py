"""The page of an explanation: one HTML file with every figure in it, and CKA of like layers as a table."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from analysis.activation_figure import picture_of
from analysis.cka_figure import matrix
from analysis.envelope import enveloped
from analysis.explained import Told
from analysis.mask_pictures import as_data, image_picture
from analysis.page_parts import SCRIPT, STYLE
from analysis.table import Column, columns, listing, numbers, table
from analysis.wording import escaped, readable, remark
from search_spaces.study import Study

_STYLE: Final = """
nav{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.9rem;margin:14px 0 0}
.drawn{margin:14px 0 26px}
.drawn .paper{overflow-x:auto;background:#fff;border:1px solid var(--line);border-radius:8px;padding:6px}
.drawn img{display:block;width:auto;max-width:none;height:auto}
.drawn img.fits{max-width:100%}
.shown{display:flex;flex-wrap:wrap;gap:18px}
.shown img{display:block;image-rendering:pixelated;max-width:100%}
"""


@dataclass(frozen=True)
class Part:
    """A section: its title, what must be known to read it, and its figures' SVG files."""

    title: str
    note: str
    figures: Sequence[Path]
    table: str = ""


def render(study: Study, told: Told, trials: pa.Table, pictures: pa.Table, nets: int, parts: Sequence[Part]) -> str:
    """Returns the page as HTML.

    Args:
        study: whose trials are explained.
        told: what the tables say of the explanation.
        trials: those that are explained, as `analysis.records.trials` gives them.
        pictures: of `analysis.explained.PICTURES_SCHEMA`.
        nets: how many networks there are.
        parts: sections in order; one without figures says only its note.
    """
    names = {part.title: part.title.lower().replace(" ", "-") for part in parts}
    links = "".join(f'<a href="#{name}">{escaped(title)}</a>' for title, name in names.items())
    body = [
        f"<h1>{escaped(study.name)}: what its networks do</h1>",
        f"<p>{escaped(study.description)}</p>" if study.description else "",
        _facts(study, told, nets),
        *(remark(note) for note in told.notes),
        f'<nav aria-label="Sections">{links}</nav>',
        f"<section><h2>Trials</h2>{table(columns(trials, study, ('number', 'state', 'epochs')), trials)}</section>",
        _shown(pictures),
        *(_section(part, names[part.title]) for part in parts),
    ]
    return enveloped(f"{study.name}: explanation", body, STYLE + _STYLE, SCRIPT)


def likeness_table(cka: pa.Table) -> str:
    """Returns CKA of each layer with the same layer of another net, a column for each pair of nets; "" for one net."""
    pairs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in cka.to_pylist():
        if row["net"] != row["other"]:
            pairs.setdefault((row["net"], row["other"]), []).append(row)
    if not pairs:
        return ""
    names = matrix(next(iter(pairs.values())))[1]
    shown = [Column("Layer", [escaped(name) for name in names])]
    for (net, other), rows in pairs.items():
        values = matrix(rows)[0].diagonal().tolist()
        shown.append(numbers(f"{net} and {other}", values))
    return f"<details open><summary>CKA of like layers</summary>{listing(shown)}</details>"


def _facts(study: Study, told: Told, nets: int) -> str:
    known: Mapping[str, object] = {
        "Trials": ", ".join(map(str, told.trials)),
        "Baseline": "beside them" if nets > len(told.trials) else "none",
        "Trainer": study.trainer,
        "Data": study.data,
    }
    facts = "".join(f"<div><dt>{name}</dt><dd>{escaped(value)}</dd></div>" for name, value in known.items())
    return f'<dl class="facts">{facts}</dl>'


def _shown(pictures: pa.Table) -> str:
    figures = "".join(
        f'<figure><img src="{as_data(image_picture(picture_of(row)))}" alt="{escaped(row["image"])} image">'
        f"<figcaption>{escaped(readable(row['image']))}: {escaped(row['caption'])}</figcaption></figure>"
        for row in pictures.to_pylist()
    )
    return f'<section><h2>The picture</h2><div class="shown">{figures}</div></section>'


def _section(part: Part, name: str) -> str:
    drawn = "".join(
        f'<figure class="drawn"><div class="paper" tabindex="0"><img class="fits" src="{_data(path)}" '
        f'alt="{escaped(part.title)}, figure {place}"></div></figure>'
        for place, path in enumerate(part.figures, start=1)
    )
    return f'<section id="{name}"><h2>{escaped(part.title)}</h2>{remark(part.note)}{drawn}{part.table}</section>'


def _data(path: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
