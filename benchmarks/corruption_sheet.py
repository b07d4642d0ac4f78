"""Draws the picture of docs/corruptions.md: every corruption at severity 3, and one at all severities.

    python -m benchmarks.corruption_sheet

Scikit-learn's two photographs go through what `robustune corrupt --size 224` runs.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from trainables.corrupting.making import Treatment, make
from trainables.corrupting.recipe import Recipe
from trainables.corruption_facts import CORRUPTIONS, SEVERITIES

SHEET: Final = Path(__file__).parents[1] / "docs" / "corruptions" / "sheet.jpg"
SHOWN_AT_ALL: Final = "snow"
PHOTOGRAPHS: Final = ("china.png", "flower.png")
SIZE: Final = 224
TILE: Final = 140
GAP: Final = 10
LABEL: Final = 24
COLUMNS: Final = 5


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corruption_sheet", description=__doc__)
    parser.add_argument("--out", type=Path, default=SHEET, help="JPEG file (default: docs/corruptions/sheet.jpg)")
    out = parser.parse_args(arguments).out
    with tempfile.TemporaryDirectory() as folder:
        sheet = drawn(corrupted(Path(folder)))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, "JPEG", quality=82, optimize=True)
    print(f"{out}: {sheet.width}x{sheet.height}, {out.stat().st_size / 1000:.0f} kB")


def corrupted(folder: Path) -> dict[str, list[Path]]:
    """The photographs by what the sheet calls them: clean, each corruption at 3, and one at all severities."""
    photographs, out = folder / "photographs", folder / "out"
    photographs.mkdir()
    for name, pixels in zip(PHOTOGRAPHS, load_sample_images().images, strict=True):
        Image.fromarray(pixels).save(photographs / name)
    recipes = (Recipe((3,), size=SIZE), Recipe(SEVERITIES, (SHOWN_AT_ALL,), size=SIZE))
    for recipe in recipes:
        make(photographs, out, recipe, Treatment(workers=2, resume=True), lambda *_: None)
    found = {"clean": [photographs / name for name in PHOTOGRAPHS]}
    for name in CORRUPTIONS:
        found[name] = [out / name / "3" / photograph for photograph in PHOTOGRAPHS]
    for severity in SEVERITIES:
        cell = out / SHOWN_AT_ALL / str(severity)
        found[f"{SHOWN_AT_ALL}, severity {severity}"] = [cell / photograph for photograph in PHOTOGRAPHS]
    return found


def drawn(pictures: Mapping[str, Sequence[Path]]) -> Image.Image:
    """Pairs of tiles with their names above, row by row."""
    width = len(PHOTOGRAPHS) * TILE + GAP
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width - GAP, rows * (TILE + LABEL + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for number, (name, paths) in enumerate(pictures.items()):
        left, top = number % COLUMNS * width, number // COLUMNS * (TILE + LABEL + GAP)
        pen.text((left, top), name, fill="black", font=font)
        for place, path in enumerate(paths):
            with Image.open(path) as image:
                side = min(image.size)
                box = ((image.width - side) // 2, (image.height - side) // 2)
                tile = image.crop((*box, box[0] + side, box[1] + side)).resize((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (left + place * TILE, top + LABEL))
    return sheet


if __name__ == "__main__":
    main()
