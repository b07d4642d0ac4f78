"""Whoever imports MLflow first does so alone, whatever thread it is."""

import subprocess
import sys

import pytest

RACE = """
import importlib, threading
from robustune.surroundings import IMPORTING

failures = []

def load(module):
    try:
        with IMPORTING:
            importlib.import_module(module)
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=load, args=(name,)) for name in ("mlflow", "robustune.tracking.sender")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failures)
"""


@pytest.mark.slow
def test_two_threads_that_import_it_at_once_do_not_end_in_a_deadlock() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
