"""Runs a study: `from robustune import search`, or the command `robustune`."""

from typing import TYPE_CHECKING, Any

from robustune.errors import Mistake

if TYPE_CHECKING:
    from robustune.api import extend, resume, search
    from robustune.running import SearchResult

__all__ = ["Mistake", "SearchResult", "extend", "resume", "search"]


def __getattr__(name: str) -> Any:
    # Late: the command line must answer `--help` before Arrow, Optuna and the rest are imported.
    if name in ("search", "resume", "extend"):
        from importlib import import_module

        return getattr(import_module("robustune.api"), name)
    if name == "SearchResult":
        from robustune.running import SearchResult

        return SearchResult
    raise AttributeError(f"module 'robustune' has no attribute {name!r}")
