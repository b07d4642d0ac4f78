"""A corrupted test set in a study: planned by name, taken over whole, read with the classes of the study's data."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data import library as libraries
from trainables.data import registry
from trainables.data.corrupted import (
    CorruptedFacts,
    check_fits,
    corrupted_facts,
    corrupted_step,
    facts_in,
    fit,
)
from trainables.data.corrupted_images import read_cell
from trainables.data.images import read_images, write_images
from trainables.data.ingestion.adding import Choices, add
from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.preparation import data_step, run_step, step_address

IDS = ("n01443537", "n01484850", "n02927161")
FACTS = CorruptedFacts(
    "imagenet-c", "imagenet-c", ("fog",), (1, 2), ("goldfish", "x", "y"), IDS, (3, 8, 8), (2, 3, 5), 10
)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(libraries.VARIABLE, str(tmp_path / "library"))
    return tmp_path / "library"


def painted(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path)


@pytest.fixture
def added(library: Path, tmp_path: Path) -> Path:
    """`two`, a corrupted set of two corruptions, two images of each of three classes; each pixel tells its place."""
    for corruption in range(2):
        for level in range(1, 6):
            for label, wordnet in enumerate(IDS):
                for image in range(2):
                    name = f"{('fog', 'snow')[corruption]}/{level}/{wordnet}/{image}.png"
                    painted(tmp_path / "two" / name, 100 * corruption + 10 * level + 2 * label + image)
    choices = Choices(corruptions=("fog", "snow"))
    return add("imagenet-c", tmp_path / "two", "two", choices, library, lambda *_: None).path


@pytest.fixture
def clean(library: Path, tmp_path: Path) -> None:
    """`pets`, ordinary data in ImageNet's layout with two of the classes, in another order by name."""
    for label, wordnet in enumerate(IDS[:2]):
        for number in range(4):
            for split, value in (("train", number), ("val", 100 + number)):
                painted(tmp_path / "pets" / split / wordnet / f"{number}.png", value + 10 * label)
    choices = Choices(classes=IDS[:2])
    add("imagenet20", tmp_path / "pets", "pets", choices, library, lambda *_: None)


def refused(call: Any, code: str, *told: str) -> None:
    with pytest.raises(TrainableError) as caught:
        call()
    assert caught.value.code == code
    for part in told:
        assert part in str(caught.value)


# By name


def test_it_is_no_data_set_and_listed_apart(added: Path) -> None:
    assert list(registry.data_sets()) == ["embedded-digits"]
    assert registry.corrupted_sets()["two"].startswith("corrupted test images, imagenet-c, 3x8x8, 3 classes; 6 under 2")
    assert 'corruption_test_data = "two"' in registry.not_data()["two"]
    refused(lambda: data_step("two"), "DATA_INVALID", "'two'", 'corruption_test_data = "two"')
    refused(lambda: data_step("three"), "DATA_UNKNOWN", "'three'")


def test_its_step_has_the_address_of_its_content(added: Path, library: Path, tmp_path: Path) -> None:
    step = corrupted_step("two")
    assert (step.name, step.kind, step.here, dict(step.places)) == (
        "corrupted-data",
        "corrupted-data",
        True,
        {"library": str(library)},
    )
    add("imagenet-c", tmp_path / "two", "same", Choices(corruptions=("fog", "snow")), library, lambda *_: None)
    assert step_address(corrupted_step("same"), {}) == step_address(step, {})
    add("imagenet-c", tmp_path / "two", "fog", Choices(corruptions=("fog",)), library, lambda *_: None)
    assert step_address(corrupted_step("fog"), {}) != step_address(step, {})


def test_other_names_are_refused_with_what_would_do(added: Path, clean: None, library: Path) -> None:
    refused(lambda: corrupted_step("tow"), "DATA_UNKNOWN", "did you mean 'two'?")
    refused(lambda: corrupted_step("pets"), "DATA_INVALID", "clean images", "there is two")
    refused(lambda: corrupted_step("embedded-digits"), "DATA_INVALID", "clean images")
    libraries.remove(library, "two")
    refused(lambda: corrupted_step("two"), "DATA_UNKNOWN", "there is none yet", "data add imagenet-c")
    (library / "two.json").write_text("{")
    refused(lambda: corrupted_step("two"), "DATA_CORRUPT", "two.json")


def test_planning_imports_no_torch(added: Path, clean: None) -> None:
    code = (
        "import sys; from trainables.data.corrupted import check_fits, corrupted_facts, corrupted_step;"
        "corrupted_step('two'); corrupted_facts('two'); check_fits('two', 'pets');"
        "assert not {'torch', 'PIL', 'pyarrow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Classes


def test_classes_are_found_by_id_then_by_name() -> None:
    shape = {"image_shape": [3, 8, 8]}
    by_id = fit(FACTS, {"classes": ["y", "carp"], "class_ids": ["n02927161", "n01443537"], **shape})
    assert (by_id.labels, by_id.left_out) == ((1, -1, 0), 3)
    by_name = fit(FACTS, {"classes": ["y", "x", "goldfish"], **shape})
    assert (by_name.labels, by_name.left_out) == ((2, 1, 0), 0)
    cranes = {"classes": ["goldfish", "x"], "class_ids": ["n01443537", "n09999999"], **shape}
    refused(lambda: fit(FACTS, cranes), "DATA_INVALID", "lacks 1 of 2 classes: x")
    as_ids = fit(FACTS, {"classes": list(IDS[::-1]), **shape})
    assert as_ids.labels == (2, 1, 0)


def test_classes_of_the_data_that_lack_are_listed() -> None:
    data = {"classes": ["goldfish", *(f"c{n}" for n in range(7))], "image_shape": [3, 8, 8]}
    refused(lambda: fit(FACTS, data), "DATA_INVALID", "lacks 7 of 8 classes: c0, c1, c2, c3, c4 and 2 more")


def test_another_size_is_refused_with_the_size_to_give() -> None:
    data = {"classes": ["goldfish", "x"], "image_shape": [3, 32, 32]}
    refused(lambda: fit(FACTS, data), "DATA_INVALID", "8x8", "32x32", "--size 32")
    oblong = replace(FACTS, image_shape=(3, 8, 10))
    refused(lambda: fit(oblong, {**data, "image_shape": [3, 8, 8]}), "DATA_INVALID", "10x8", "--size 8")


def test_fitting_is_known_before_anything_is_built(added: Path, clean: None) -> None:
    assert check_fits("two", "pets").labels == (0, 1, -1)
    told = ("corruption_test_data 'two' with data 'embedded-digits'", "lacks 10 of 10 classes: 0, 1, 2, 3, 4")
    refused(lambda: check_fits("two", "embedded-digits"), "DATA_INVALID", *told)


# Images


@pytest.fixture
def taken_over(added: Path, tmp_path: Path) -> Path:
    digest, summary = run_step(corrupted_step("two"), str(tmp_path / "store"), {}, threads=1)
    assert summary["images"] == 6
    assert list(summary["corruptions"]) == ["snow", "fog"]  # in the order of all corruptions
    return Store(str(tmp_path / "store")).open(digest).path


def test_every_cell_holds_its_images_with_the_classes_of_the_data(taken_over: Path) -> None:
    facts = facts_in(taken_over)
    assert facts == corrupted_facts("two")
    whole = fit(facts, {"classes": list(IDS[::-1]), "image_shape": [3, 8, 8]})
    for at, corruption in enumerate(("fog", "snow")):
        for level in range(1, 6):
            cell = read_cell(taken_over, corruption, level, whole)
            assert cell.images[:, 0, 0, 0].tolist() == [100 * at + 10 * level + row for row in range(6)]
            assert cell.labels.tolist() == [2, 2, 1, 1, 0, 0]
            assert cell.sources[2] == "n01484850/0.png"
    file = read_images(taken_over / "fog.arrow")
    assert read_cell(taken_over, "fog", 1, whole).images.shape == (6, 3, 8, 8)
    assert file.images.shape == (30, 3, 8, 8)


def test_images_of_other_classes_are_left_out(taken_over: Path, clean: None) -> None:
    some = check_fits("two", "pets")
    cell = read_cell(taken_over, "snow", 3, some)
    assert some.left_out == 2
    assert cell.images[:, 0, 0, 0].tolist() == [130, 131, 132, 133]
    assert cell.labels.tolist() == [0, 0, 1, 1]
    assert cell.sources == tuple(f"{wordnet}/{image}.png" for wordnet in IDS[:2] for image in range(2))


def test_what_the_set_lacks_is_no_cell(taken_over: Path) -> None:
    whole = fit(facts_in(taken_over), {"classes": list(IDS), "image_shape": [3, 8, 8]})
    for corruption, level in (("frost", 1), ("fog", 6)):
        with pytest.raises(ValueError, match=corruption):
            read_cell(taken_over, corruption, level, whole)


@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_a_damaged_entry_is_told_with_what_would_do(added: Path, tmp_path: Path, damage: str) -> None:
    step = corrupted_step("two")
    if damage == "gone":
        shutil.rmtree(added)
        refused(lambda: corrupted_facts("two"), "DATA_CORRUPT", "add the data set again")
    else:
        (added / "fog.arrow").write_bytes((added / "snow.arrow").read_bytes())
    refused(lambda: run_step(step, str(tmp_path / "store"), {}, threads=1), "DATA_CORRUPT", "add the data set again")


def test_files_that_are_not_those_of_the_facts_are_refused(taken_over: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(taken_over, tmp_path / "copy"))
    whole = fit(facts_in(copy), {"classes": list(IDS), "image_shape": [3, 8, 8]})
    good = read_images(taken_over / "fog.arrow")
    (copy / "fog.arrow").unlink()
    for labels, levels in ((good.labels + 1, good.columns["severity"]), (good.labels, [1] * 30)):
        write_images(copy / "fog.arrow", good.images.clone(), torch.as_tensor(labels), good.lineage, severity=levels)
        refused(lambda: read_cell(copy, "fog", 1, whole), "CACHE_CORRUPT", "fog.arrow")
