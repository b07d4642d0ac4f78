"""The library: sets of a user's own under their names, taken over by studies, damaged or not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainables.data import library as libraries
from trainables.data.library import Record
from trainables.data.registry import data_sets
from trainables.data.store import Store, read_images
from trainables.errors import TrainableError
from trainables.preparation import data_step, run_step, step_address


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(libraries.VARIABLE, str(tmp_path / "library"))
    return tmp_path / "library"


@pytest.fixture
def pets(making: Any, adding: Any, library: Path, tmp_path: Path) -> Any:
    return adding("image-folder", making.written(tmp_path / "pets", making.class_files({"cat": 8, "dog": 8})), "pets")


def test_the_library_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(libraries.VARIABLE, str(tmp_path))
    assert libraries.folder() == tmp_path
    monkeypatch.delenv(libraries.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert libraries.folder() == tmp_path / ".local/share/robustune/data"


def test_an_added_set_is_listed_beside_the_built_in_ones(pets: Any) -> None:
    assert set(data_sets()) == {"embedded-digits", "pets"}
    assert "image-folder, 3x16x16, 2 classes; 10 train, 2 validation" in data_sets()["pets"]


def test_listing_imports_no_torch_and_no_pillow(pets: Any) -> None:
    code = (
        "import sys; from trainables.registry import vocabularies; from trainables.preparation import data_step;"
        "assert 'pets' in vocabularies()['classification']['data']; data_step('pets');"
        "assert not {'torch', 'PIL', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_its_address_is_that_of_its_content(pets: Any, adding: Any, library: Path, tmp_path: Path) -> None:
    step = data_step("pets")
    assert (step.name, step.here, dict(step.places)) == ("data", True, {"library": str(library)})
    adding("image-folder", tmp_path / "pets", name="same")
    assert step_address(data_step("same"), {}) == step_address(step, {})
    adding("image-folder", tmp_path / "pets", name="smaller", size=8)
    assert step_address(data_step("smaller"), {}) != step_address(step, {})


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_study_takes_it_over_whole(
    pets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    if elsewhere:  # as where no link can be made

        def refuse(*_: Any) -> None:
            raise OSError("another disk")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    digest, summary = run_step(data_step("pets"), str(tmp_path / "store"), {}, threads=1)
    entry = Store(str(tmp_path / "store")).open(digest)
    assert {split: summary[split] for split in pets.facts["counts"]} == pets.facts["counts"]
    for name in ("train.arrow", "holdout.arrow", "data.json"):
        assert (entry.path / name).read_bytes() == (pets.path / name).read_bytes()
        assert (entry.path / name).samefile(pets.path / name) != elsewhere
    libraries.store(libraries.folder()).open(pets.record.digest)  # gained no file by it


def test_what_a_study_took_over_outlives_the_library(pets: Any, library: Path, tmp_path: Path) -> None:
    digest, _ = run_step(data_step("pets"), str(tmp_path / "store"), {}, threads=1)
    libraries.remove(library, "pets")
    assert not pets.path.exists()
    assert list(data_sets()) == ["embedded-digits"]
    assert len(read_images(Store(str(tmp_path / "store")).open(digest).path / "train.arrow")) == 10


def test_removing_one_of_two_names_keeps_the_images(pets: Any, adding: Any, library: Path, tmp_path: Path) -> None:
    adding("image-folder", tmp_path / "pets", name="same")
    libraries.remove(library, "pets")
    assert pets.path.exists()
    libraries.remove(library, "same")
    assert not pets.path.exists()
    with pytest.raises(TrainableError) as caught:
        libraries.remove(library, "same")
    assert caught.value.code == "DATA_UNKNOWN"


@pytest.mark.parametrize("damage", ["gone", "flipped", "no images"])
def test_a_damaged_entry_is_told_with_what_would_do(pets: Any, tmp_path: Path, damage: str) -> None:
    if damage == "gone":
        shutil.rmtree(pets.path)
    else:
        content = bytearray((pets.path / "train.arrow").read_bytes())
        content[2000] ^= 1
        (pets.path / "train.arrow").write_bytes(content if damage == "flipped" else b"")
    with pytest.raises(TrainableError, match="add the data set again") as caught:
        run_step(data_step("pets"), str(tmp_path / "store"), {}, threads=1)
    assert caught.value.code == "DATA_CORRUPT"


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"name": "pets"}',
        b'{"name": "other", "description": "x", "digest": "%s"}' % (b"0" * 64),
        b'{"name": "pets", "description": "x", "digest": "../../etc"}',
        b'{"name": "pets", "description": 3, "digest": "%s"}' % (b"0" * 64),
        b"[" * 60_000,
        b"\xff\xfe",
        b'{"name": "pets", "description": "x", "digest": 5}',
    ],
)
def test_a_damaged_record_stops_nobody_but_who_uses_it(
    pets: Any, adding: Any, library: Path, tmp_path: Path, record: bytes
) -> None:
    (library / "pets.json").write_bytes(record)
    assert data_sets()["pets"].startswith("damaged: ")
    assert "data remove pets" in data_sets()["pets"]
    assert data_sets()["embedded-digits"]
    for use in (lambda: data_step("pets"), lambda: adding("image-folder", tmp_path / "pets", name="pets")):
        with pytest.raises(TrainableError, match=r"pets\.json") as caught:
            use()
        assert caught.value.code == "DATA_CORRUPT"
    libraries.remove(library, "pets")
    assert not adding("image-folder", tmp_path / "pets", name="pets").already


def test_files_that_are_no_records_are_not_listed(pets: Any, library: Path) -> None:
    for name in (".hidden.json", "a b.json", "notes.txt", "-rf.json"):
        (library / name).write_text("x")
    assert libraries.names(library) == ["pets"]
    assert libraries.names(library / "nowhere") == []


def test_a_record_never_takes_anothers_place(library: Path) -> None:
    library.mkdir()
    first, second = Record("pets", "first", "0" * 64), Record("pets", "second", "1" * 64)
    assert libraries.write(library, first)
    assert not libraries.write(library, second)
    assert libraries.read(library, "pets") == first
    assert [path.name for path in library.iterdir()] == ["pets.json"]
    assert json.loads((library / "pets.json").read_text()) == vars(first)


def test_an_unknown_name_is_told_with_the_known_ones(pets: Any) -> None:
    with pytest.raises(TrainableError, match="embedded-digits, embedded-scenes, pets") as caught:
        data_step("cats")
    assert caught.value.code == "DATA_UNKNOWN"
