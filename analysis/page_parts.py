"""The style and the script of a page; both are named by their hash in the page's security policy."""

from pathlib import Path
from typing import Final

from analysis.colours import NAMED, NAMED_ON_DARK, RAMP, RAMP_ON_DARK

FOLDER: Final = Path(__file__).with_name("browser")
SCRIPTS: Final = (
    "words",
    "record",
    "filter",
    "downloads",
    "parquet",
    "paging",
    "trials",
    "sorting",
    "points",
    "charts",
    "maps",
    "masks",
    "parallel",
)
"""Files of the script, in the order in which they are joined: each may use what those before it name."""


def _marks(named: tuple[str, ...], ramp: tuple[str, ...]) -> str:
    """Classes n0, n1, ... for the named colours and r0, r1, ... for the steps of the ramp."""
    colours = {f"n{place}": colour for place, colour in enumerate(named)}
    colours |= {f"r{place}": colour for place, colour in enumerate(ramp)}
    return "".join(f".{name}{{--mark:{colour}}}" for name, colour in colours.items())


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


_DARK: Final = f"@media (prefers-color-scheme:dark){{{_marks(NAMED_ON_DARK, RAMP_ON_DARK)}}}"
STYLE: Final = "\n" + _read("style.css") + _read("insight.css") + _marks(NAMED, RAMP) + _DARK
SCRIPT: Final = "\n'use strict';\n(() => {\n" + "".join(_read(f"{name}.js") for name in SCRIPTS) + "})();\n"
