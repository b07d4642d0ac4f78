"""Layouts with a folder for each class: flat, with official splits, and ImageNet20; too little is told with counts."""

from pathlib import Path
from typing import Any

import pytest

from trainables.data.ingestion.class_folders import ANIMALS

Files = dict[str, bytes]


def test_a_flat_image_folder_is_divided(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", making.class_files({"cat": 10, "dog": 20}))
    added = adding("image-folder", path)
    assert added.facts["classes"] == ["cat", "dog"]
    assert making.counts(added) == [21, 3, 3, 3]
    assert added.facts["unused"] == {}
    assert making.splits(added.path)["train"].images.shape == (21, 3, 16, 16)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train", "val"), [12, 6, 4, 2]),
        (("train", "test"), [10, 2, 6, 6]),
        (("train", "validation", "test"), [12, 12, 6, 6]),
    ],
)
def test_an_image_folder_with_official_splits_keeps_them(
    making: Any, adding: Any, tmp_path: Path, names: tuple[str, ...], expected: list[int]
) -> None:
    files: Files = {}
    for number, name in enumerate(names):
        files |= making.below(name, making.class_files({"cat": 6, "dog": 6}, start=100 * number))
    added = adding("image-folder", making.written(tmp_path / "x", making.below("wrapped", files)))
    assert making.counts(added) == expected
    trained = set(making.splits(added.path)["train"].lineage)
    official = {making.lineage_of(files[name]) for name in files if name.startswith("train")}
    assert trained <= official


def test_a_class_may_be_called_train(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", making.class_files({"train": 5, "val": 5, "bus": 5}))
    assert adding("image-folder", path).facts["classes"] == ["bus", "train", "val"]


def test_what_is_no_image_is_counted(making: Any, adding: Any, tmp_path: Path) -> None:
    files = making.class_files({"cat": 5, "dog": 5}, suffix="png")
    files |= {"cat/notes.txt": b"x", "dog/Thumbs.db": b"x", "README.md": b"x", ".DS_Store": b"x", "cat/._0.png": b"x"}
    added = adding("image-folder", making.written(tmp_path / "x", files))
    assert added.facts["unused"] == {"files beside class folders": 1, "files that are no images": 2}


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ({}, ("no class", "0 images")),
        ({"cat": 9}, ("one class only", "'cat'", "9 images")),
        ({"cat": 9, "dog": 0}, ("1 of 2 classes", "dog (0 images)")),
        ({"cat": 9, "dog": 3}, ("1 of 2 classes", "dog (train 0, validation 1, test 1, holdout 1)")),
    ],
)
def test_too_few_classes_or_images_are_refused_with_their_counts(
    making: Any, adding: Any, library: Path, tmp_path: Path, classes: dict[str, int], told: tuple[str, ...]
) -> None:
    path = making.written(tmp_path / "x", making.class_files(classes))
    path.mkdir(exist_ok=True)
    for name in classes:
        (path / name).mkdir(exist_ok=True)
    making.complained(adding, "image-folder", path, *told)
    assert not list(library.rglob("*.*"))


def test_a_class_that_an_official_split_lacks_is_named(making: Any, adding: Any, tmp_path: Path) -> None:
    files = making.below("train", making.class_files({"cat": 4, "dog": 4}))
    files |= making.below("val", making.class_files({"cat": 4}, start=50))
    making.complained(adding, "image-folder", making.written(tmp_path / "x", files), "dog (4 in train, 0 in val)")


def test_folders_in_a_class_folder_are_refused(making: Any, adding: Any, tmp_path: Path) -> None:
    files = {**making.class_files({"cat": 5, "dog": 5}), "cat/more/1.JPEG": b"x"}
    making.complained(adding, "image-folder", making.written(tmp_path / "x", files), "'cat' holds folders (more)")


def test_class_names_that_cannot_be_shown_are_refused(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", making.class_files({"cat": 5, "a\x1b[31m": 5, "\u202eb": 5}))
    making.complained(adding, "image-folder", path, "cannot be shown", "\\x1b")


@pytest.fixture(scope="module")
def imagenet(making: Any) -> Files:
    """The twenty classes and one more: two training and four validation images of each."""
    classes = [*ANIMALS, "n02084071"]
    train = making.class_files(dict.fromkeys(classes, 2))
    return {
        **making.below("train", train),
        **making.below("val", making.class_files(dict.fromkeys(classes, 4), start=500)),
    }


def test_imagenet20_takes_its_twenty_animals(making: Any, adding: Any, imagenet: Files, tmp_path: Path) -> None:
    added = adding("imagenet20", making.packed(tmp_path / "x.tar", making.below("ILSVRC", imagenet)))
    assert len(set(ANIMALS.values())) == 20
    assert added.facts["classes"] == list(ANIMALS.values())
    assert making.counts(added) == [40, 40, 20, 20]


def test_imagenet20_takes_other_classes_by_id_or_name(
    making: Any, adding: Any, imagenet: Files, tmp_path: Path
) -> None:
    path = making.written(tmp_path / "x", imagenet)
    added = adding("imagenet20", path, classes=("crane", "n02084071"))
    assert added.facts["classes"] == ["crane", "n02084071"]


def test_imagenet20_names_the_classes_that_are_missing(
    making: Any, adding: Any, imagenet: Files, tmp_path: Path
) -> None:
    files = {name: content for name, content in imagenet.items() if "n02018795" not in name}
    making.complained(adding, "imagenet20", making.written(tmp_path / "x", files), "1 of 20 classes", "n02018795")
    flat = making.written(tmp_path / "y", making.class_files({"cat": 5, "dog": 5}))
    making.complained(adding, "imagenet20", flat, "'train' and 'val'")
