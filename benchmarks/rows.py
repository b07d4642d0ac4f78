"""One measured row, as it is printed and written."""

import os
import platform
from typing import TypedDict


class Row(TypedDict):
    """`ratio` above 1 means that ours is better; `peer` is None against an absolute limit."""

    name: str
    ours: float
    peer: float | None
    unit: str
    ratio: float
    target: str
    machine: str


def machine() -> str:
    """Says what it was measured on."""
    return f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} CPUs, {platform.system()}"


def row(name: str, ours: float, peer: float | None, unit: str, ratio: float, target: str) -> Row:
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "unit": unit,
        "ratio": ratio,
        "target": target,
        "machine": machine(),
    }
