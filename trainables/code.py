"""What tells one state of this package's code from another."""

import functools
import hashlib
from pathlib import Path


@functools.cache
def code_digest() -> str:
    """SHA-256 over names and contents of all modules of `trainables`, which decide how a trial trains and scores."""
    root = Path(__file__).parent
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        own = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(root).as_posix()} {own}\n".encode())
    return whole.hexdigest()
