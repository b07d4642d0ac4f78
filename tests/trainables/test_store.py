"""Laws of the content-addressed store on this machine's disk."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.data.local import LocalRoot
from trainables.data.store import Store, address
from trainables.errors import TrainableError

DIGEST = address("test", {"version": 1})
PLAIN = st.dictionaries(
    st.text(max_size=4), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)

BUILDER = """
import sys, time
from pathlib import Path
from trainables.data.local import LocalRoot  # what a Store on disk consists of, without the seconds of importing torch

root, digest, word, seconds = sys.argv[1:]

def write(folder):
    (folder / "half").write_text(word)
    print("writing", flush=True)
    time.sleep(float(seconds))
    (folder / "whole").write_text(word)

print((LocalRoot(Path(root)).publish(digest, write, {}).path / "whole").read_text(), flush=True)
"""


def write_word(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "word").write_text("hello")


def never(folder: Path) -> None:
    raise AssertionError(f"{folder} was built again")


def leftovers(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.name != DIGEST)


def start_builder(root: Path, word: str, seconds: float) -> subprocess.Popen:
    command = [sys.executable, "-c", BUILDER, str(root), DIGEST, word, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@given(PLAIN, PLAIN)
def test_an_address_is_decided_by_what_goes_in(left, right):
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (address("k", left) == address("k", right)) == same
    assert address("k", left) == address("k", dict(reversed(left.items())))
    assert len({address("k", left), address("l", left), address("k", left, ["0"]), address("k", left, ["0", "1"])}) == 4


def test_an_address_holds_no_number_that_differs_from_itself():
    with pytest.raises(ValueError, match="JSON"):
        address("k", {"rate": math.nan})


def test_what_was_published_is_read_by_another_store_and_built_once(tmp_path):
    assert not Store(str(tmp_path)).has(DIGEST)
    entry = Store(str(tmp_path)).publish(DIGEST, write_word, {"images": 3})
    again = Store(tmp_path.as_uri()).publish(DIGEST, never, {})
    assert again == entry == Store(str(tmp_path)).open(DIGEST)
    assert entry.manifest["describe"] == {"images": 3}
    assert (entry.path / "inner" / "word").read_text() == "hello"
    assert leftovers(tmp_path) == []


def test_discarding_takes_an_entry_away_and_nothing_else(tmp_path):
    store = Store(str(tmp_path))
    other = address("test", {"version": 2})
    store.publish(DIGEST, write_word, {})
    store.publish(other, write_word, {})
    store.discard(DIGEST)
    store.discard(DIGEST)
    assert (store.has(DIGEST), store.has(other)) == (False, True)
    with pytest.raises(TrainableError) as caught:
        store.open(DIGEST)
    assert caught.value.code == "CACHE_MISSING"
    assert leftovers(tmp_path) == [other]


def test_a_builder_that_fails_leaves_nothing(tmp_path):
    store = Store(str(tmp_path))

    def fail(folder: Path) -> None:
        write_word(folder)
        raise KeyError("no such digit")

    with pytest.raises(KeyError):
        store.publish(DIGEST, fail, {})
    assert not store.has(DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_links_are_not_published(tmp_path):
    with pytest.raises(ValueError, match="plain files"):
        Store(str(tmp_path)).publish(DIGEST, lambda folder: (folder / "link").symlink_to("/etc/passwd"), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("digest", ["", "../x", "a" * 63, "A" * 64, f"{'a' * 64}\n", f"{'a' * 64}/.."])
def test_only_a_digest_names_a_folder(tmp_path, digest):
    for act in (Store(str(tmp_path)).has, Store(str(tmp_path)).open, Store(str(tmp_path)).discard):
        with pytest.raises(ValueError, match="SHA-256"):
            act(digest)


def test_of_two_builders_one_publishes_and_the_other_reads(tmp_path):
    first, second = start_builder(tmp_path, "first", 1), start_builder(tmp_path, "second", 1)
    said = [builder.communicate(timeout=60)[0].splitlines() for builder in (first, second)]
    assert sum("writing" in lines for lines in said) == 1
    assert said[0][-1] == said[1][-1]
    assert leftovers(tmp_path) == []


def test_builders_that_come_and_go_together_never_refuse_one_another(tmp_path, monkeypatch):
    (tmp_path / f"{DIGEST}.lock").touch()
    monkeypatch.setattr(Path, "exists", lambda path: True)  # what a look before the stat would have found
    removed, whole = [], Path.stat

    def vanishing(path, **options):
        if path.suffix == ".lock" and not removed:
            removed.append(path.unlink())
        return whole(path, **options)

    monkeypatch.setattr(Path, "stat", vanishing)
    with LocalRoot(tmp_path)._alone(DIGEST):
        assert removed


def test_a_builder_goes_on_when_the_one_it_waits_for_is_killed(tmp_path):
    first = start_builder(tmp_path, "first", 600)
    assert first.stdout.readline() == "writing\n"
    second = start_builder(tmp_path, "second", 0)
    time.sleep(0.7)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    assert second.communicate(timeout=60)[0].split() == ["writing", "second"]
    first.communicate()
    assert leftovers(tmp_path) == []


def test_what_a_killed_builder_left_counts_for_nothing_and_goes_with_the_next_build(tmp_path):
    builder = start_builder(tmp_path, "first", 600)
    builder.stdout.readline()
    builder.send_signal(signal.SIGKILL)
    builder.communicate()
    store = Store(str(tmp_path))
    assert leftovers(tmp_path) == [f"{DIGEST}.aside", f"{DIGEST}.lock"]
    assert not store.has(DIGEST)
    (tmp_path / "uv.lock").touch()
    other = store.publish(address("test", {"version": 2}), write_word, {})
    assert leftovers(tmp_path) == sorted([other.digest, "uv.lock"])


def test_a_folder_without_a_manifest_gives_way_to_a_build(tmp_path):
    (tmp_path / DIGEST).mkdir()
    (tmp_path / DIGEST / "half").touch()
    entry = Store(str(tmp_path)).publish(DIGEST, write_word, {})
    assert not (entry.path / "half").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_root_serves_what_it_has_and_refuses_the_rest(tmp_path):
    store = Store(str(tmp_path))
    store.publish(DIGEST, write_word, {})
    tmp_path.chmod(0o500)
    try:
        assert store.publish(DIGEST, never, {}) == store.open(DIGEST)
        with pytest.raises(TrainableError) as caught:
            store.publish(address("test", {"version": 2}), never, {})
    finally:
        tmp_path.chmod(0o700)
    assert caught.value.code == "CACHE_UNWRITABLE"
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("place", ["{tmp}/file", "{tmp}/file/inside", "/proc/robustune", "/dev/null"])
def test_a_root_that_cannot_be_a_folder_is_named(tmp_path, place):
    (tmp_path / "file").touch()
    root = place.format(tmp=tmp_path)
    with pytest.raises(TrainableError, match="choose another folder") as caught:
        Store(root).publish(DIGEST, never, {})
    assert caught.value.code == "CACHE_UNWRITABLE"
    assert root in str(caught.value)


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    def fill(folder: Path) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    with pytest.raises(TrainableError, match="No space left") as caught:
        Store(str(tmp_path)).publish(DIGEST, fill, {})
    assert caught.value.code == "CACHE_UNWRITABLE"
    assert list(tmp_path.iterdir()) == []
