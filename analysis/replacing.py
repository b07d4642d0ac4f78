"""Writes a file aside and puts it into place whole, so that a reader never sees half of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields where to write; what is there at the end replaces `path`, after an exception `path` is left as it was."""
    aside = path.with_name(f".{path.name}.aside")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
