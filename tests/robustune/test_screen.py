"""What the terminal shows: every name as it is, whatever the width, and nothing that a terminal obeys."""

import io
import re
from collections.abc import Sequence

import pytest
from rich.console import Console

from robustune.screen import Screen, front_table, line, picture
from robustune.standing import Standing

COUNTS = {"running": 2, "complete": 3, "stopped": 4, "failed": 1}
ROW = {
    "trial": "7",
    "clean_accuracy": "0.9123",
    "pgd_accuracy": "0.4321",
    "learning_rate": "0.0042",
    "fooling_rates": "5+20",
    "extra_share": "",
}


def made(front: Sequence[dict[str, str]] = (ROW,), seconds_left: float | None = 61.4, name: str = "x") -> Standing:
    return Standing(name, 16, COUNTS, 2, list(front), 0.123456, seconds_left)


def drawn(shown: object, width: int, terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal, color_system="truecolor", highlight=False
    )
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def squeezed(text: str) -> str:
    return re.sub(r"[\s│┃|]", "", text)


def test_the_plain_line_says_counts_front_hypervolume_and_time() -> None:
    assert line(made()) == (
        "8/16 trials (2 running, 3 complete, 4 stopped, 1 failed); front 1, hypervolume 0.1235; about 1:01 left"
    )


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "time left not known yet"),
        (0.0, "about 0:00 left"),
        (59.6, "about 1:00 left"),
        (600.0, "about 10:00 left"),
    ],
)
def test_the_time_left_is_told_in_minutes_and_seconds(seconds: float | None, told: str) -> None:
    assert line(made(seconds_left=seconds)).endswith(told)


@pytest.mark.parametrize("width", [40, 120])
@pytest.mark.parametrize("terminal", [False, True])
def test_the_live_picture_fits_the_terminal(width: int, terminal: bool) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", drawn(picture(made((ROW,) * 3)), width, terminal))
    assert max(len(row) for row in text.splitlines()) <= width
    for told in ("x8/16", "2running", "1failed", "frontof3", "hypervolume0.1235", "about1:01left"):
        assert told in squeezed(text), told
    assert text.count("0.9123") == 3


@pytest.mark.parametrize("width", [40, 120])
def test_a_picture_without_a_front_is_drawn(width: int) -> None:
    assert "front of 0" in drawn(picture(made((), None)), width)


@pytest.mark.parametrize("width", [40, 120])
def test_the_table_holds_scores_in_columns_and_options_in_one(width: int) -> None:
    told = squeezed(drawn(front_table(made()), width))
    assert "learning_rate0.0042" in told
    assert "fooling_rates5+20" in told
    assert "extra_share" not in told  # not drawn for this trial


def test_long_names_of_scores_break_behind_underscores_and_leave_room_for_options() -> None:
    row = {"trial": "7", "perturbed_validation_accuracy": "0.5", "clean_accuracy": "0.9", "learning_rate": "0.0042"}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn(front_table(made((row,))), 80)).splitlines()
    heading = [[cell.strip() for cell in line.split("┃")] for line in plain[:3]]
    assert [cells[1] for cells in heading] == ["perturbed_", "validation_", "accuracy"]
    assert heading[2][0::2] == ["trial", "clean_accuracy"]
    assert "learning_rate 0.0042" in plain[4]


@pytest.mark.parametrize("width", [40, 120])
@pytest.mark.parametrize("text", ["[bold]b[/bold]", "[/]", "[link=https://example.org]x", "\\[red]", "🐍" * 9])
def test_markup_in_names_and_values_is_shown_literally(width: int, text: str) -> None:
    row = {"trial": "1", text: "0.5", "pgd_accuracy": text, "model": text}
    told = squeezed(drawn(picture(made((row,), name=text)), width))
    assert told.count(squeezed(text)[:4]) >= 3


def test_a_line_is_said_literally_and_never_broken() -> None:
    told = "warning: [red]" + "x" * 300 + "[/red]"
    console = Console(file=io.StringIO(), width=40)
    Screen(True, console).say(told)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == told + "\n"


def test_without_progress_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(False).say("anything")
    assert capsys.readouterr().out == ""
