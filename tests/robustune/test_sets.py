"""The table of sets fits a terminal, and a set that is not there is told with those that are."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from robustune.errors import Mistake
from robustune.progress import told
from robustune.screen import Screen
from robustune.sets import Built, BuiltSet, build, corrupted_lines, examples, table
from robustune.settings import Settings
from search_spaces import read_study, shipped
from trainables.registry import vocabularies

SUMMARY = {
    "images": 9_876,
    "asked": 10_000,
    "success": 0.98765,
    "mean_l2": 1_234.5,
    "mean_linf": 234.56,
    "images_per_second": 1234.56,
}


def test_the_table_fits_eighty_columns_with_every_name_on_one_line() -> None:
    names = ("augmentation/fooling-100", "perturbed-validation", "out-of-distribution")
    console = Console(file=io.StringIO(), width=80)
    console.print(table([BuiltSet(name, "0123456789abcdef" * 4, name == names[0], SUMMARY) for name in names]))
    assert isinstance(console.file, io.StringIO)
    heading, _, *rows = console.file.getvalue().splitlines()
    assert heading.split() == ["set", "images", "of", "fool", "L2", "Linf", "img/s", "digest"]
    assert rows[0].split() == [names[0], *["9,876", "10,000", "98.8%", "1234", "234.6", "1235", "01234567", "there"]]
    assert [row.split()[0] for row in rows] == list(names)
    assert [row.split()[-1] for row in rows] == ["there", "built", "built"]


def test_of_a_stylised_set_nobody_says_how_many_fool() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(table([BuiltSet("augmentation/stylised", "0" * 64, False, {**SUMMARY, "success": None})]))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[2].split()[:5] == [
        "augmentation/stylised",
        "9,876",
        "10,000",
        "-",
        "1234",
    ]
    assert told({**SUMMARY, "success": None}) == ": 9,876 of 10,000 images, 1.23e+03 images a second"


def test_a_set_that_a_study_lacks_is_told_with_those_it_has(tmp_path: Path) -> None:
    study = read_study(shipped()["quickstart"], vocabularies())
    with pytest.raises(Mistake) as raised:
        examples(study, "holdout", 8, Settings(str(tmp_path / "results")), Screen(False))
    assert raised.value.code == "OPTION_INVALID"
    for part in ("--set 'holdout'", "augmentation/fooling-5,", "out-of-distribution", "did you mean 'hold-out'?"):
        assert part in raised.value.message
    assert not (tmp_path / "results").exists()


def test_a_trainer_without_sets_is_told(curves: Callable[..., Path], tmp_path: Path) -> None:
    study = read_study(curves(), vocabularies())
    with pytest.raises(Mistake, match="OPTION_INVALID: curves: the closed-form trainer has no sets"):
        build(study, Settings(str(tmp_path / "results")), Screen(False))


def test_corrupted_images_are_told_by_split_and_counted_among_the_sets() -> None:
    table = {"corruptions": ["fog", "snow"], "severities": [1, 3]}
    errors = {"table": table, "images": 1_200, "clean_error": 0.25, "mean_error": 0.5}
    one = BuiltSet("corrupted/test/fog", "ab" * 32, False, {"images": 2_400})
    built = Built({}, (), (one,), {"test": errors})
    assert built.new == 1
    assert corrupted_lines(built) == [
        "corrupted test images: 2 corruptions at 2 severities of 1,200 images; the baseline's clean error 0.2500, mean "
        "error under them 0.5000"
    ]
