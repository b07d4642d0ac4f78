"""Who asks whether a driver is at work keeps none out."""

import threading
from pathlib import Path

import pytest

from robustune.errors import Mistake
from robustune.locks import Lock, held


def test_a_lock_is_held_until_it_is_released_and_says_by_whom(tmp_path: Path) -> None:
    path = tmp_path / "ledger.lock"
    assert not held(path)
    assert not path.exists()
    lock = Lock(path)
    assert held(path)
    with pytest.raises(Mistake, match=r"STUDY_LOCKED: .*\(pid \d+ on .* since .*; wait for it to end, or end it"):
        Lock(path)
    lock.release()
    lock.release()
    assert not held(path)
    assert not path.exists()


def test_asking_again_and_again_refuses_no_driver(tmp_path: Path) -> None:
    path, done = tmp_path / "ledger.lock", threading.Event()

    def ask() -> None:
        while not done.wait(0.0005):
            held(path)

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    taken = 0
    try:
        for _ in range(100):
            lock = Lock(path)
            taken += path.exists()
            lock.release()
    finally:
        done.set()
        for one in asking:
            one.join()
    assert taken == 100
