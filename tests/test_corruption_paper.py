"""docs/corruptions.md says what the code does: names, constants, overlaps, options, and examples that run."""

import dataclasses
import doctest
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

from robustune.cli import app
from trainables.corruption_overlaps import GROUPS, OVERLAPS
from trainables.perturbations.corruptions import CORRUPTIONS, TABLES, registry

DOCS = Path(__file__).parents[1] / "docs"
PAPER = (DOCS / "corruptions.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAPER, re.MULTILINE | re.DOTALL)
LARGEST_PICTURE = 500_000


def numbers(setting: Any) -> list[str]:
    """A corruption's constants as the paper shows them."""
    if dataclasses.is_dataclass(setting):
        return [shown for part in dataclasses.fields(setting) for shown in numbers(getattr(setting, part.name))]
    if isinstance(setting, bool):
        return ["mud" if setting else "water"]
    return [f"{setting:.3g}"]


def named(corruptions: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in corruptions) or "none"


def test_every_corruption_stands_there_with_its_group_and_whether_it_is_random() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]+ \| (yes|no) \|$", PAPER, re.MULTILINE)
    names = [(name, group) for group, members in GROUPS.items() for name in members]
    assert told == [(name, group, "yes" if CORRUPTIONS[name].draw else "no") for name, group in names]


def test_the_constants_are_those_of_the_code() -> None:
    assert re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \|$", PAPER, re.MULTILINE) == list(TABLES)
    for name in CORRUPTIONS:
        cells = " | ".join(", ".join(numbers(table[name][2])) for table in TABLES.values())
        assert f"\n| `{name}` | {cells} |\n" in PAPER


def test_the_overlaps_are_those_of_the_registry() -> None:
    told = PAPER[PAPER.index("## What training already shows") :]
    rows = [line for line in told.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{name}` | {named(each.corruptions)} | {each.reason} |" for name, each in OVERLAPS.items()]


def test_every_option_of_the_command_stands_there() -> None:
    command = typer.main.get_command(app).commands["corrupt"]  # type: ignore[attr-defined]
    options = {option for each in command.params for option in each.opts if option.startswith("--")}
    told = set(re.findall(r"^\| `(--[a-z-]+)", PAPER, re.MULTILINE))
    assert told | {"--out", "--help"} == options | {"--help"}


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(example: str, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(example)
    assert "corrupt" in runpy.run_path(str(tmp_path / "example.py"))


def test_the_example_of_corrupt_says_what_comes_out() -> None:
    assert doctest.testmod(registry).failed == 0
    assert ">>> foggy = corrupt(" in str(registry.corrupt.__doc__)


def test_the_picture_is_there_and_small() -> None:
    path = DOCS / re.findall(r"!\[[^]]+\]\((.*)\)", PAPER)[0]
    assert path.stat().st_size < LARGEST_PICTURE
    with Image.open(path) as sheet:
        assert sheet.width <= 1600
