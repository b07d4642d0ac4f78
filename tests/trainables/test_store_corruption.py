"""Whatever happens to a published file: CACHE_CORRUPT with its path, never death by a signal."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from trainables.data.store import Store, address, read_images, write_images
from trainables.errors import TrainableError

DIGEST = address("test", {"version": 1})
COUNT = 20

# Reads a file of images at all of its values, for as many alterations as it is told; prints how many were refused.
FUZZER = """
import random, sys
from pathlib import Path
import pyarrow as pa
from trainables.data.store import read_images
from trainables.errors import TrainableError

source, target, seed = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
metadata = [place for place in range(len(source)) if place < 1500 or place > len(source) - 2500]
refused = 0
for number in range(250):
    altered = bytearray(source)
    for _ in range(draw.choice([1, 1, 2, 8])):
        place = draw.choice(metadata)
        kind = draw.randrange(3)
        if kind == 0:
            altered[place] ^= 1 << draw.randrange(8)
        elif kind == 1:
            altered[place] = draw.choice([0, 0x7F, 0x80, 0xFF])
        else:
            place -= place % 8
            altered[place : place + 8] = draw.choice([2**62, 2**31, len(source), -1 % 2**64]).to_bytes(8, "little")
    if number % 5 == 0:
        del altered[draw.randrange(len(altered)) :]
    target.unlink(missing_ok=True)
    target.write_bytes(altered)
    try:
        read = read_images(target)
    except TrainableError as error:
        assert error.code == "CACHE_CORRUPT", error.code
        refused += 1
        continue
    int(read.images.sum()) + int(read.labels.sum()) + sum(map(len, read.lineage))
    [column.to_pylist() for column in read.columns.values()]
print(refused)
"""


def write_noise(folder: Path) -> None:
    images = torch.randint(0, 256, (COUNT, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    names = [f"digit:{row}" for row in range(COUNT)]
    write_images(folder / "a.arrow", images, torch.arange(COUNT), names, patch=names)


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "store"))
    store.publish(DIGEST, write_noise, {"images": COUNT})
    return store


def refusal(store: Store) -> str:
    with pytest.raises(TrainableError) as caught:
        store.open(DIGEST)
    assert caught.value.code == "CACHE_CORRUPT"
    assert "delete that folder" in str(caught.value)
    return str(caught.value)


def test_every_flipped_bit_is_noticed_and_the_set_rebuilt_to_the_same_bytes(store):
    entry = store.open(DIGEST)
    for name in ("a.arrow", "manifest.json"):
        path = entry.path / name
        whole = path.read_bytes()
        draw = random.Random(name)
        for place in draw.sample(range(len(whole)), 60):
            altered = bytearray(whole)
            altered[place] ^= 1 << draw.randrange(8)
            path.write_bytes(altered)
            assert str(entry.path) in refusal(store)
        rebuilt = store.publish(DIGEST, write_noise, {"images": COUNT})
        assert rebuilt.manifest == entry.manifest
        assert path.read_bytes() == whole


@pytest.mark.parametrize("kept", [0, 1, 7, 64, 500, -1])
def test_a_truncated_file_does_not_even_count_as_published(store, kept):
    path = store.open(DIGEST).path / "a.arrow"
    path.write_bytes(path.read_bytes()[:kept])
    assert "a.arrow" in refusal(store)
    assert not store.has(DIGEST)


def test_a_missing_file_is_named(store):
    (store.open(DIGEST).path / "a.arrow").unlink()
    assert "a.arrow is missing" in refusal(store)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"files": 3, "seal": ""}'])
def test_a_torn_or_senseless_manifest_is_refused(store, text):
    (store.open(DIGEST).path / "manifest.json").write_bytes(text)
    assert "its manifest" in refusal(store)
    assert not store.has(DIGEST)


def test_an_entry_under_anothers_name_is_refused(store):
    other = address("test", {"version": 2})
    path = store.open(DIGEST).path
    path.rename(path.with_name(other))
    with pytest.raises(TrainableError, match="of another set"):
        store.open(other)


def test_a_file_that_stays_is_read_for_its_digest_once_per_process(store):
    path = store.open(DIGEST).path / "a.arrow"
    before = path.read_bytes()
    status = path.stat()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    refusal(store)  # another time of change
    path.write_bytes(before)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.open(DIGEST).path == path.parent


@pytest.mark.parametrize("seed", range(2))
def test_reading_altered_arrow_metadata_refuses_or_reads_but_never_dies(tmp_path, seed):
    write_noise(tmp_path)
    command = [sys.executable, "-c", FUZZER, str(tmp_path / "a.arrow"), str(tmp_path / "altered.arrow"), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    assert int(done.stdout) > 60


def test_an_arrow_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.arrow"
    for table in (
        pa.table({"x": [1, 2]}),
        pa.table({"images": [1], "labels": [1], "lineage": ["a"]}),
        pa.table({"images": [[1]], "labels": [None], "lineage": ["a"]}),
    ):
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        with pytest.raises(TrainableError, match=r"other\.arrow") as caught:
            read_images(path)
        assert caught.value.code == "CACHE_CORRUPT"
        path.unlink()
    with pytest.raises(TrainableError) as caught:
        read_images(path)
    assert caught.value.code == "CACHE_CORRUPT"
