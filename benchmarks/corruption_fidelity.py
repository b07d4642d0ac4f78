"""Writes docs/corruption-fidelity.md: how close our corruptions are to those of imagecorruptions 1.1.2.

Every measurement is one line of a file as soon as it is made. Started again after an interruption, the command goes on
where it was; `--render` writes the paper from what there is. Example:

    python -m benchmarks.corruption_fidelity --images 5000 --work fidelity --out docs/corruption-fidelity.md
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from benchmarks.corruption_environment import DEFAULT_FOLDER, Peer, peer
from benchmarks.corruption_feeds import fed_draws
from benchmarks.corruption_images import digits_on_photographs, photograph_crops
from benchmarks.corruption_net import predicted, trained_net
from benchmarks.corruption_paper import paper
from trainables.perturbations.corruptions import CORRUPTIONS, SEVERITIES, corrupt, names
from trainables.seeds import derive

SIDE: Final = 64
PAIRED_IMAGES: Final = {224: 4, 64: 16}
Line = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corruption_fidelity", description=__doc__)
    parser.add_argument("--images", type=int, default=5000, help="images of each corruption and severity")
    parser.add_argument("--work", type=Path, default=Path("fidelity"), help="where the measurements are kept")
    parser.add_argument("--environment", type=Path, default=DEFAULT_FOLDER, help="imagecorruptions' own, made if new")
    parser.add_argument("--out", type=Path, default=Path("docs/corruption-fidelity.md"))
    parser.add_argument("--render", action="store_true", help="only write the paper from what was measured")
    parser.add_argument("--limit", type=int, help="stop after so many measurements")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.work.mkdir(parents=True, exist_ok=True)
    if not chosen.render:
        _measure(chosen)
    lines = list(_read(chosen.work / "measured.jsonl", chosen.images).values())
    chosen.out.write_text(paper(lines, chosen.images, SIDE))
    print(f"wrote {chosen.out} from {len(lines)} of {len(list(_tasks()))} measurements")


def _measure(chosen: argparse.Namespace) -> None:
    record = chosen.work / "measured.jsonl"
    done = _read(record, chosen.images)
    todo = [task for task in _tasks() if task not in done][: chosen.limit]
    if not todo:
        return
    net = trained_net(chosen.work / "net.safetensors", SIDE)
    images, labels = digits_on_photographs("test", chosen.images, SIDE)
    with peer(chosen.environment) as running, record.open("a") as file:
        for number, (kind, name, severity, side) in enumerate(todo):
            started = time.perf_counter()
            if kind == "paired":
                line = _paired(running, name, severity, side)
            else:
                line = {**_distributions(running, net, images, labels, name, severity), "images": chosen.images}
            line = {"kind": kind, "name": name, "severity": severity, "side": side, **line}
            file.write(json.dumps(line) + "\n")
            file.flush()
            seconds = time.perf_counter() - started
            print(f"{number + 1} of {len(todo)}: {kind} {name} {severity} at {side}: {seconds:.1f} s", flush=True)


def _tasks() -> Iterator[tuple[str, str, int, int]]:
    for name in names():
        for severity in SEVERITIES:
            yield from (("paired", name, severity, side) for side in PAIRED_IMAGES)
    for name in names():
        yield from (("distribution", name, severity, SIDE) for severity in SEVERITIES)


def _read(record: Path, images: int) -> dict[tuple[str, str, int, int], Line]:
    if not record.exists():
        return {}
    lines = [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")]
    lawful = [line for line in lines if line.get("images", images) == images]
    return {(line["kind"], line["name"], line["severity"], line["side"]): line for line in lawful}


def _paired(running: Peer, name: str, severity: int, side: int) -> Line:
    """The same images and, where the peer can be given them, the same draws."""
    images = photograph_crops(PAIRED_IMAGES[side], side)
    seeds = [derive("fidelity", name, severity, row) for row in range(len(images))]
    draws = fed_draws(name, severity, (side, side), seeds)
    if draws is None and CORRUPTIONS[name].draw is not None:
        return {"close": None, "largest": None}
    theirs, _ = running.corrupt(images, name, severity, draws)
    ours = corrupt(images, name, severity, torch.tensor(seeds), ice=running.ice)
    apart = (ours.int() - theirs.int()).abs()
    return {"close": (apart <= 1).double().mean().item(), "largest": int(apart.max())}


def _distributions(running: Peer, net: nn.Module, images: Tensor, labels: Tensor, name: str, severity: int) -> Line:
    """The same images, each side with draws of its own."""
    seeds = torch.tensor([derive("fidelity own", name, severity, row) for row in range(len(images))])
    ours = corrupt(images, name, severity, seeds, ice=running.ice)
    theirs, seconds = running.corrupt(images, name, severity, seed=derive("peer", name, severity) % 2**32)
    right = [predicted(net, made) == labels for made in (ours, theirs)]
    return {
        "mean": [_mean(ours), _mean(theirs)],
        "variance": [_variance(ours), _variance(theirs)],
        "accuracy": [each.double().mean().item() for each in right],
        "disagreeing": (right[0] != right[1]).double().mean().item(),
        "peer_seconds": seconds,
    }


def _mean(images: Tensor) -> float:
    return images.double().mean().item()


def _variance(images: Tensor) -> float:
    return images.double().var(correction=0).item()


if __name__ == "__main__":
    main()
