"""The building of sets is told in counts: a line for each set, or a bar for each that fits the terminal."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from robustune.progress import building, told
from trainables.preparation import Step

SETS = ("set/augmentation/fooling-100", "set/out-of-distribution")
SHARD = {"images": 1234, "seconds": 1.0}
WHOLE = {
    "images": 2400,
    "asked": 2468,
    "success": 0.9725,
    "mean_l2": 1234.5,
    "mean_linf": 101.25,
    "images_per_second": 45.678,
    "seconds": 0.1,
}


def steps() -> list[Step]:
    shards = [f"{name}/{number}" for name in SETS for number in range(2)]
    return [Step(name, "any", {}) for name in ("data", "sources/train", *shards, *SETS)]


def run(console: Console, ready: tuple[str, ...] = (), nodes: int = 1) -> str:
    """Tells of everything that is not ready, in the order of the plan."""

    def say(line: str) -> None:
        console.print(line, soft_wrap=True, markup=False)

    waiting = [step.name for step in steps() if step.name not in ready]
    with building(console, say, steps(), ready, nodes) as watcher:
        for name in waiting:
            watcher.started(name)
        for name in waiting:
            summary: dict[str, Any] = SHARD if name[-1].isdigit() and name not in SETS else {"images": 9}
            watcher.finished(name, WHOLE if name in SETS else summary, "10.0.0.7")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_every_set_is_told_with_its_counts() -> None:
    assert run(Console(file=io.StringIO(), width=60), ready=("data",)).splitlines() == [
        "preparing set/augmentation/fooling-100 in 2 shards",
        "preparing set/out-of-distribution in 2 shards",
        "  set/augmentation/fooling-100: 1 of 2 shards, 1,234 images",
        "  set/augmentation/fooling-100: 2 of 2 shards, 2,468 images",
        "  set/out-of-distribution: 1 of 2 shards, 1,234 images",
        "  set/out-of-distribution: 2 of 2 shards, 2,468 images",
        "prepared set/augmentation/fooling-100: 2,400 of 2,468 images, 97.2% fool, 45.7 images a second",
        "prepared set/out-of-distribution: 2,400 of 2,468 images, 97.2% fool, 45.7 images a second",
    ]


def test_with_several_nodes_each_line_says_which_one_built() -> None:
    lines = run(Console(file=io.StringIO(), width=60), nodes=2).splitlines()
    assert "prepared data on 10.0.0.7: images 9" in lines
    assert "  set/out-of-distribution: 1 of 2 shards, 1,234 images on 10.0.0.7" in lines


def test_bars_fit_eighty_columns_and_leave_the_terminal_clean() -> None:
    text = run(Console(file=io.StringIO(), width=80, height=50, force_terminal=True, highlight=False))
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    bars = [row for row in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).splitlines() if "━" in row]
    assert max(map(len, bars)) <= 80
    assert any(row.startswith(SETS[0]) and "2 of 2 shards, 2,468 images" in row for row in bars)
    assert "prepared set/out-of-distribution: 2,400 of 2,468 images" in text


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ({}, ""),
        ({"epochs": 6, "validation_accuracy": 0.9725}, ": epochs 6, validation_accuracy 0.973"),
        ({"adopted": "ab" * 32}, ": adopted abababababab"),
        ({"accuracy": {"original": 0.5}, "seconds": 2.0}, ": seconds 2"),
    ],
)
def test_other_steps_tell_what_is_plain_in_their_summary(summary: dict[str, Any], shown: str) -> None:
    assert told(summary) == shown


def corrupted(console: Console) -> str:
    names = [f"corrupted/validation/{name}" for name in ("spatter", "saturate")]
    planned = [Step(name, "corrupted", {}) for name in names]
    summary = {"images": 100}
    with building(console, lambda line: console.print(line, soft_wrap=True, markup=False), planned, ()) as watcher:
        for name in names:
            watcher.started(name)
        for name in names:
            watcher.finished(name, summary, "10.0.0.7")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_corruptions_of_a_split_are_told_as_one() -> None:
    assert corrupted(Console(file=io.StringIO(), width=60)).splitlines() == [
        "preparing corrupted/validation: 2 corruptions",
        "  corrupted/validation: 1 of 2 corruptions, 100 images",
        "  corrupted/validation: 2 of 2 corruptions, 200 images",
        "prepared corrupted/validation: 2 corruptions, 200 images",
    ]


def test_the_corruptions_of_a_split_share_a_bar() -> None:
    text = corrupted(Console(file=io.StringIO(), width=80, height=50, force_terminal=True, highlight=False))
    bars = [row for row in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).splitlines() if "━" in row]
    assert all(row.startswith("corrupted/validation ") for row in bars)
    assert max(map(len, bars)) <= 80
    assert "2 of 2 corruptions, 200 images" in bars[-1]


def test_errors_of_the_baseline_are_told_in_words() -> None:
    errors = {"mean_error": 0.41, "clean_error": 0.2, "images": 1360, "table": {"corruptions": ["fog"]}}
    assert told(errors) == ": clean error 0.200, mean error 0.410 under 1 corruption of 1,360 images"
