"""CIFAR-10-C as published, smaller: arrays by severity; hostile and damaged ones end in one line."""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.corruption_overlaps import EXTRA, FIFTEEN
from trainables.data.images import read_images
from trainables.data.ingestion.arrays import array_of
from trainables.data.ingestion.corrupted_arrays import CLASSES
from trainables.data.ingestion.trees import Unreadable

COUNT = 10
LABELS = np.tile(np.arange(COUNT, dtype=np.uint8) % 10, 5)


def saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=array.dtype.hasobject)
    return stream.getvalue()


def images_of(corruption: str) -> Any:
    generator = np.random.default_rng((*FIFTEEN, *EXTRA).index(corruption))
    return generator.integers(0, 256, (5 * COUNT, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def published() -> dict[str, bytes]:
    return {f"{name}.npy": saved(images_of(name)) for name in FIFTEEN} | {"labels.npy": saved(LABELS)}


@pytest.fixture
def files(published: dict[str, bytes]) -> dict[str, bytes]:
    return dict(published)


@pytest.fixture
def fog(published: dict[str, bytes]) -> dict[str, bytes]:
    return {name: published[name] for name in ("fog.npy", "labels.npy")}


@pytest.mark.parametrize("name", ["folder", "x.tar", "x.zip"])
def test_rows_are_divided_by_severity(
    making: Any, adding: Any, files: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    write = making.written if name == "folder" else making.packed
    added = adding("cifar-10-c", write(tmp_path / name, making.below("CIFAR-10-C", files)))
    assert added.facts["classes"] == list(CLASSES) == added.facts["class_ids"]
    assert (added.facts["images"], added.facts["image_shape"]) == (COUNT, [3, 32, 32])
    for corruption in ("fog", "gaussian_noise"):
        stored = read_images(added.path / f"{corruption}.arrow")
        assert np.array_equal(stored.images.permute(0, 2, 3, 1).numpy(), images_of(corruption))
        assert stored.labels.tolist() == LABELS.tolist()
        assert stored.columns["severity"].to_pylist() == [level for level in range(1, 6) for _ in range(COUNT)]
        assert list(stored.lineage) == [f"test/{row}" for row in range(COUNT)] * 5


def test_some_classes_keep_their_images(making: Any, adding: Any, fog: dict[str, bytes], tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", fog)
    added = adding("cifar-10-c", path, classes=("dog", "cat"), corruptions=("fog",))
    assert (added.facts["classes"], added.facts["counts"]) == (["cat", "dog"], [1, 1])
    stored = read_images(added.path / "fog.arrow")
    rows = np.isin(LABELS, (3, 5))
    assert np.array_equal(stored.images.permute(0, 2, 3, 1).numpy(), images_of("fog")[rows])
    assert stored.labels.tolist() == [0 if label == 3 else 1 for label in LABELS[rows]]


def test_no_image_is_read_again_to_be_sealed(
    making: Any, adding: Any, fog: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer has hashed it, and a published set may have hundreds of gigabytes."""
    read, digest = [], hashlib.file_digest

    def noted(stream: Any, name: str) -> Any:
        read.append(Path(stream.name).name)
        return digest(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    adding("cifar-10-c", making.written(tmp_path / "x", fog), corruptions=("fog",))
    assert read == ["data.json"]


def test_other_labels_of_the_same_images_are_another_set(
    making: Any, adding: Any, fog: dict[str, bytes], tmp_path: Path
) -> None:
    """Mended labels must not be taken for the wrong ones that were added before."""
    wrong = adding("cifar-10-c", making.written(tmp_path / "wrong", fog), corruptions=("fog",))
    fog["labels.npy"] = saved(np.roll(LABELS, 1))
    right = adding("cifar-10-c", making.written(tmp_path / "right", fog), corruptions=("fog",), name="right")
    assert right.record.digest != wrong.record.digest
    assert read_images(right.path / "fog.arrow").labels.tolist() == np.roll(LABELS, 1).tolist()


def test_all_that_is_wrong_is_told_at_once(making: Any, adding: Any, files: dict[str, bytes], tmp_path: Path) -> None:
    del files["snow.npy"]
    files["fog.npy"] = files["fog.npy"][:-1]
    files["frost.npy"] = saved(images_of("frost").astype(np.float32))
    files["contrast.npy"] = saved(images_of("contrast")[:-5])
    files["pixelate.npy"] = saved(np.array([{"a": 1}], object))
    files["brightness.npy"] = saved(images_of("brightness").astype(np.int64))
    told = (
        "1 of 15 corruptions are missing: snow",
        "5 of 14 arrays are not as published",
        "frost.npy holds values of type float32",
        "fog.npy has 153,599 bytes of values, 50x32x32x3 of uint8 need others",
        "brightness.npy holds int64, not uint8",
        "contrast.npy has the shape 45x32x32x3, not 50x32x32x3",
        "pixelate.npy holds Python objects",
    )
    making.complained(adding, "cifar-10-c", making.written(tmp_path / "x", files), *told)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (None, "labels.npy "),
        (LABELS[:-1], "not five times as many"),
        (LABELS[:0], "not five times as many"),
        (LABELS[:, None], "not five times as many"),
        (LABELS + 5, "none of 10 classes: 10, 11, 12, 13, 14"),
        (LABELS.astype(np.int64) - 1, "none of 10 classes: -1"),
        (np.roll(LABELS.reshape(5, -1), 1, 0).reshape(-1)[np.r_[1 : len(LABELS), 0]], None),
        (np.r_[LABELS[:COUNT], LABELS[1:-COUNT], LABELS[:1], LABELS[:COUNT]], "other labels at some severity"),
        (LABELS.astype(float), "float64"),
    ],
)
def test_labels_are_held_to_their_laws(
    making: Any, adding: Any, fog: dict[str, bytes], tmp_path: Path, labels: Any, told: str | None
) -> None:
    del fog["labels.npy"]
    if labels is not None:
        fog["labels.npy"] = saved(labels)
    path = making.written(tmp_path / "x", fog)
    if told is None:
        adding("cifar-10-c", path, corruptions=("fog",))
    else:
        making.complained(adding, "cifar-10-c", path, told, corruptions=("fog",))


def test_another_layout_is_told(making: Any, adding: Any, tmp_path: Path) -> None:
    told = ("no array of a corruption", "gaussian_noise.npy")
    making.complained(adding, "cifar-10-c", making.written(tmp_path, {"a/b.npy": b""}), *told)


class Hostile:
    """Runs a command where a pickle is read."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("/tmp/robustune-was-run"),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00v\x00{}",
        saved(np.zeros(3, np.uint8))[:-1],
        saved(np.zeros(3, np.uint8)) + b"x",
        saved(np.zeros((2, 3), np.uint8, order="F")),
        saved(np.zeros(3, "U5")),
        saved(np.zeros(3, [("a", "u1")])),
        saved(np.zeros(3, np.uint8)).replace(b"(3,)", b"(9,)"),
        saved(np.zeros(3, np.uint8)).replace(b"(3,),", b"(-3,)"),
        saved(np.zeros((3, 3), np.uint8)).replace(b"(3, 3), }  ", b"(10**99,)}"),
        saved(np.zeros((3, 3), np.uint8)).replace(b"(3, 3), }         ", b"(-3, -3), }       "),
        pickle.dumps(Hostile()),
        saved(np.array([Hostile()], object)),
    ],
)
def test_no_array_but_one_of_integers_is_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        array_of(content)
    assert not Path("/tmp/robustune-was-run").exists()


@pytest.mark.parametrize("kind", [np.uint8, np.int64, ">i4"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (0, 4)])
def test_what_numpy_saves_is_read_back(kind: Any, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    read = array_of(saved(array))
    assert np.array_equal(read, array)
    assert read.dtype == array.dtype
    assert not read.flags.writeable
