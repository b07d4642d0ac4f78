"""CIFAR-10 and CIFAR-100 in both official layouts; a pickle runs nothing, and damaged batches are named."""

import pickle
import struct
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.data.ingestion.pickled import unpickled
from trainables.data.ingestion.trees import Unreadable

Files = dict[str, bytes]

TEN = [f"class{number}" for number in range(10)]


def batch(seed: int, count: int, classes: int) -> tuple[Any, list[int]]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 3072), np.uint8), [number % classes for number in range(count)]


def cifar10_files(binary: bool) -> Files:
    """Five training batches of 40 images and a test batch of 40."""
    files: Files = {}
    for seed, name in enumerate([*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]):
        pixels, labels = batch(seed, 40, 10)
        if binary:
            records = np.concatenate([np.asarray(labels, np.uint8)[:, None], pixels], axis=1)
            files[f"cifar-10-batches-bin/{name}.bin"] = records.tobytes()
        else:
            files[f"cifar-10-batches-py/{name}"] = python_2(
                {b"batch_label": name.encode(), b"labels": labels, b"data": pixels}
            )
    if binary:
        files["cifar-10-batches-bin/batches.meta.txt"] = ("\n".join(TEN) + "\n\n").encode()
    else:
        files["cifar-10-batches-py/batches.meta"] = python_2({b"label_names": [name.encode() for name in TEN]})
    return files


def python_2(content: Mapping[bytes, Any]) -> bytes:
    """A dictionary as Python 2 and the numpy of its time pickled it: byte strings have opcodes that Python 3 lacks."""
    return b"\x80\x02}(" + b"".join(_opcodes(key) + _opcodes(value) for key, value in content.items()) + b"u."


def _opcodes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return (b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<i", len(value))) + value
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, list):
        return b"](" + b"".join(map(_opcodes, value)) + b"e"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    shape = b"".join(map(_opcodes, value.shape)) + b"\x86"
    return made + b"(K\x01" + shape + kind + b"\x89" + _opcodes(value.tobytes()) + b"tb"


def test_the_pickles_of_these_tests_are_those_that_numpy_reads() -> None:
    pixels, labels = batch(0, 3, 10)
    found = pickle.loads(python_2({b"data": pixels, b"labels": labels}), encoding="bytes")
    assert np.array_equal(found[b"data"], pixels)
    assert found[b"labels"] == labels


def test_cifar10_is_the_same_in_both_layouts(making: Any, adding: Any, tmp_path: Path) -> None:
    one = adding("cifar10", making.packed(tmp_path / "x.tar.gz", cifar10_files(binary=False)), name="python")
    two = adding("cifar10", making.written(tmp_path / "y", cifar10_files(binary=True)), name="binary")
    assert one.record.digest == two.record.digest
    assert one.facts["classes"] == TEN
    assert making.counts(one) == [180, 20, 20, 20]
    pixels, labels = batch(2, 40, 10)
    stored = {
        image.numpy().tobytes(): int(label)
        for each in making.splits(one.path).values()
        for image, label in zip(each.images, each.labels, strict=True)
    }
    assert [stored[row.tobytes()] for row in pixels] == labels


def test_cifar100_has_its_fine_classes(making: Any, adding: Any, tmp_path: Path) -> None:
    fine, coarse = [f"fine{number:02}" for number in range(100)], ["sea", "land"]
    both = {}
    for binary in (False, True):
        files: Files = {}
        for seed, (name, count) in enumerate({"train": 400, "test": 200}.items()):
            pixels, labels = batch(seed, count, 100)
            if binary:
                columns = [np.asarray(labels, np.uint8)[:, None] % 2, np.asarray(labels, np.uint8)[:, None], pixels]
                files[f"{name}.bin"] = np.concatenate(columns, axis=1).tobytes()
            else:
                files[name] = python_2(
                    {b"fine_labels": labels, b"coarse_labels": [label % 2 for label in labels], b"data": pixels}
                )
        if binary:
            files |= {
                "fine_label_names.txt": "\n".join(fine).encode(),
                "coarse_label_names.txt": "\n".join(coarse).encode(),
            }
        else:
            files["meta"] = python_2(
                {b"fine_label_names": [name.encode() for name in fine], b"coarse_label_names": [b"sea"]}
            )
        both[binary] = adding(
            "cifar100", making.written(tmp_path / str(binary), making.below("cifar-100", files)), name=f"n{binary}"
        )
    assert both[False].record.digest == both[True].record.digest
    assert both[False].facts["classes"] == fine
    assert making.counts(both[True]) == [300, 100, 100, 100]


def test_cifar_can_be_made_larger_and_classes_chosen(making: Any, adding: Any, tmp_path: Path) -> None:
    path = making.written(tmp_path / "x", cifar10_files(binary=True))
    added = adding("cifar10", path, size=40, classes=("class3", "class7"))
    assert added.facts["image_shape"] == [3, 40, 40]
    assert added.facts["classes"] == ["class3", "class7"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("test_batch.bin", b"x" * 3072, "3072 bytes"),
        ("test_batch.bin", b"", "0 bytes"),
        ("data_batch_3.bin", b"\x0b" + b"x" * 3072, "labels that are none of 10 classes: 11"),
        ("batches.meta.txt", b"\xff\xfe", "batches.meta.txt"),
    ],
)
def test_damaged_binary_batches_are_named(
    making: Any, adding: Any, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    files = {**cifar10_files(binary=True), f"cifar-10-batches-bin/{name}": content}
    making.complained(adding, "cifar10", making.written(tmp_path / "x", files), name, told)


def test_a_missing_batch_is_named(making: Any, adding: Any, tmp_path: Path) -> None:
    files = cifar10_files(binary=True)
    del files["cifar-10-batches-bin/data_batch_4.bin"]
    making.complained(adding, "cifar10", making.written(tmp_path / "x", files), "data_batch_4.bin")
    making.complained(adding, "cifar100", making.written(tmp_path / "y", files), "meta")


class _Runs:
    """Leaves a file where it is unpickled by anybody who runs what a pickle names."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return (Path.write_text, (self._path, "run"))


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_runs_nothing(making: Any, adding: Any, tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "trap"
    payload = pickle.dumps({b"data": _Runs(trap)}, protocol=protocol)
    files = {**cifar10_files(binary=False), "cifar-10-batches-py/test_batch": payload}
    making.complained(adding, "cifar10", making.written(tmp_path / "x", files), "test_batch", "it was not run")
    assert not trap.exists()
    pickle.loads(payload)
    assert trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02",
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n}S'x'\nNsb.",  # sets the state of a stand-in
        b"\x80\x02r\xff\xff\xff\x7f.",  # a memo of two billion places
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\x00\x00.",  # bytes of 72 petabytes
        b"(" * 100_000 + b"t" * 100_000 + b".",
        pickle.dumps([1, 2]),
        pickle.dumps({b"data": np.arange(3072), b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": ["x"]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((1, 3072), np.int8), b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10**5000]}),
    ],
    ids=range(15),
)
def test_odd_pickles_are_refused(making: Any, adding: Any, tmp_path: Path, content: bytes) -> None:
    files = {**cifar10_files(binary=False), "cifar-10-batches-py/test_batch": content}
    making.complained(adding, "cifar10", making.written(tmp_path / "x", files), "test_batch")


def test_arrays_are_read_in_the_order_that_they_have() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for given in (array, np.asfortranarray(array)):
        for protocol in range(5):  # the sixth writes arrays in a way of its own
            assert np.array_equal(unpickled(pickle.dumps(given, protocol=protocol)).rows(), array)


def test_plain_pickles_read_as_they_are() -> None:
    plain = {b"a": [1, "text", (2.5, None, True)], "b": b"\xff"}
    for protocol in range(6):
        assert unpickled(pickle.dumps(plain, protocol=protocol)) == plain
    with pytest.raises(Unreadable):
        unpickled(pickle.dumps(python_2))


def test_a_pickle_that_claims_many_bytes_takes_none() -> None:
    for opcode in (pickle.BYTEARRAY8, pickle.BINBYTES8, pickle.BINUNICODE8):
        tracemalloc.start()
        with pytest.raises(Unreadable):
            unpickled(b"\x80\x05" + opcode + (1 << 28).to_bytes(8, "little") + b".")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
