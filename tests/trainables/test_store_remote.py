"""Laws of shared storage: another machine reads what one built, through a cache of its own, and never half of it."""

from pathlib import Path

import pyarrow.fs as pafs
import pytest

from trainables.data.store import Store, address
from trainables.errors import TrainableError

DIGEST = address("test", {"version": 1})


def write_word(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "word").write_text("hello")


def never(folder: Path) -> None:
    raise AssertionError(f"{folder} was built again")


@pytest.fixture
def machine(tmp_path):
    """Makes a store as a machine of that name sees it: the shared storage, and a cache that no other has."""
    (tmp_path / "shared").mkdir()
    filesystem = pafs.SubTreeFileSystem(str(tmp_path / "shared"), pafs.LocalFileSystem())
    return lambda name: Store("sets", cache=tmp_path / name, filesystem=filesystem)


@pytest.fixture
def shared(tmp_path):
    return tmp_path / "shared" / "sets" / DIGEST


def test_what_one_machine_built_another_reads_from_its_own_disk(machine, tmp_path):
    built = machine("one").publish(DIGEST, write_word, {"images": 3})
    assert machine("two").has(DIGEST)
    read = machine("two").publish(DIGEST, never, {})
    assert read.manifest == built.manifest
    assert read.path.is_relative_to(tmp_path / "two")
    assert (read.path / "inner" / "word").read_text() == "hello"


def test_an_upload_that_ended_before_its_manifest_counts_for_nothing(machine, shared):
    machine("one").publish(DIGEST, write_word, {})
    (shared / "manifest.json").unlink()
    assert not machine("two").has(DIGEST)
    with pytest.raises(TrainableError) as caught:
        machine("two").open(DIGEST)
    assert caught.value.code == "CACHE_MISSING"
    assert machine("two").publish(DIGEST, write_word, {}) == machine("two").open(DIGEST)


def test_a_set_that_only_the_cache_holds_is_uploaded_and_not_built_again(machine, shared):
    machine("one").publish(DIGEST, write_word, {})
    (shared / "manifest.json").unlink()
    machine("one").publish(DIGEST, never, {})
    assert machine("two").has(DIGEST)


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff"])
def test_a_torn_manifest_is_none(machine, shared, text):
    machine("one").publish(DIGEST, write_word, {})
    (shared / "manifest.json").write_bytes(text)
    assert not machine("two").has(DIGEST)


def test_what_was_altered_on_the_way_is_refused_leaves_nothing_and_is_built_anew(machine, shared, tmp_path):
    machine("one").publish(DIGEST, write_word, {})
    (word,) = shared.rglob("word")
    word.write_text("hullo")
    with pytest.raises(TrainableError, match="not what was published") as caught:
        machine("two").open(DIGEST)
    assert caught.value.code == "CACHE_CORRUPT"
    assert DIGEST in str(caught.value)
    assert list((tmp_path / "two").iterdir()) == []
    machine("three").publish(DIGEST, write_word, {})
    assert (machine("two").open(DIGEST).path / "inner" / "word").read_text() == "hello"


def test_a_corrupt_cache_is_fetched_anew(machine):
    word = machine("one").publish(DIGEST, write_word, {}).path / "inner" / "word"
    for damage in ("hullo", "h"):
        word.write_text(damage)
        assert (machine("one").open(DIGEST).path / "inner" / "word").read_text() == "hello"


def test_discarding_takes_a_set_from_the_storage_and_the_cache(machine, tmp_path):
    machine("one").publish(DIGEST, write_word, {})
    machine("one").discard(DIGEST)
    assert not machine("two").has(DIGEST)
    assert list((tmp_path / "one").iterdir()) == []
    machine("one").discard(DIGEST)


@pytest.mark.parametrize("root", ["nonsense://somewhere", "s3://", "http://[", "://"])
def test_an_address_that_nothing_understands_is_named(root):
    with pytest.raises(TrainableError) as caught:
        Store(root)
    assert caught.value.code == "CACHE_UNREADABLE"
    assert root in str(caught.value)
