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

import numpy as np
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
TIMES: Final = 4
"""How many times the images where both draw and the peer is quick: by chance alone, 5,000 may differ by two points."""
PIECE: Final = 2500
Line = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corruption_fidelity", description=__doc__)
    parser.add_argument(
        "--images", type=int, default=5000, help="images of each corruption and severity, or four times so many"
    )
    parser.add_argument("--work", type=Path, default=Path("fidelity"), help="where the measurements are kept")
    parser.add_argument("--environment", type=Path, default=DEFAULT_FOLDER, help="imagecorruptions' own, made if new")
    parser.add_argument("--out", type=Path, default=Path("docs/corruption-fidelity.md"))
    parser.add_argument("--render", action="store_true", help="only write the paper from what was measured")
    parser.add_argument("--frozen", type=Path, metavar="FILE", help="only write the tests' reference, an .npz file")
    parser.add_argument("--limit", type=int, help="stop after so many measurements")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.frozen:
        _freeze(chosen.frozen, chosen.environment)
        return
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
    images, labels = digits_on_photographs("test", TIMES * chosen.images, SIDE)
    with peer(chosen.environment) as running, record.open("a") as file:
        for number, (kind, name, severity, side) in enumerate(todo):
            started = time.perf_counter()
            if kind == "paired":
                line = _paired(running, name, severity, side)
            else:
                count = _images(name, chosen.images)
                line = _distributions(running, net, images[:count], labels[:count], name, severity)
            line = {"kind": kind, "name": name, "severity": severity, "side": side, **line}
            file.write(json.dumps(line) + "\n")
            file.flush()
            seconds = time.perf_counter() - started
            print(f"{number + 1} of {len(todo)}: {kind} {name} {severity} at {side}: {seconds:.1f} s", flush=True)


def _freeze(path: Path, environment: Path) -> None:
    """What the peer makes of one image at severity 3, and of mud at severity 5, from the draws of seed 1."""
    image = photograph_crops(1, 48)[..., :40]
    made = {"image": image[0].numpy()}
    with peer(environment) as running:
        for name, severity in [*((name, 3) for name in names()), ("spatter", 5)]:
            draws = fed_draws(name, severity, (48, 40), [1])
            if (draws is not None or CORRUPTIONS[name].draw is None) and name != "frost":  # its pictures are not ours
                made[f"{name} {severity}"] = running.corrupt(image, name, severity, draws)[0][0].numpy()
    np.savez_compressed(path, allow_pickle=False, **made)


def _tasks() -> Iterator[tuple[str, str, int, int]]:
    for name in names():
        for severity in SEVERITIES:
            yield from (("paired", name, severity, side) for side in PAIRED_IMAGES)
    for name in names():
        yield from (("distribution", name, severity, SIDE) for severity in SEVERITIES)


def _images(name: str, images: int) -> int:
    chance = CORRUPTIONS[name].draw is not None and name != "glass_blur"
    return TIMES * images if chance else images


def _read(record: Path, images: int) -> dict[tuple[str, str, int, int], Line]:
    if not record.exists():
        return {}
    lines = [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")]
    lawful = [line for line in lines if line["kind"] == "paired" or line["images"] == _images(line["name"], images)]
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
    ours, theirs = _Sums(net), _Sums(net)
    agreeing = 0
    for start in range(0, len(images), PIECE):
        rows = slice(start, start + PIECE)
        seeds = torch.tensor([derive("fidelity own", name, severity, start + row) for row in range(len(images[rows]))])
        mine = ours.add(corrupt(images[rows], name, severity, seeds, ice=running.ice), labels[rows])
        made, _ = running.corrupt(images[rows], name, severity, seed=derive("peer", name, severity, start) % 2**32)
        agreeing += int((mine == theirs.add(made, labels[rows])).sum())
    return {
        "images": len(images),
        "mean": [ours.mean(), theirs.mean()],
        "variance": [ours.variance(), theirs.variance()],
        "accuracy": [ours.right / len(images), theirs.right / len(images)],
        "disagreeing": 1 - agreeing / len(images),
    }


class _Sums:
    """Moments of the values that were added, and how often the net was right."""

    def __init__(self, net: nn.Module) -> None:
        self._net, self._count, self._sum, self._squares, self.right = net, 0, 0.0, 0.0, 0

    def add(self, images: Tensor, labels: Tensor) -> Tensor:
        """Whether the net is right on each."""
        values = images.double()
        self._count += values.numel()
        self._sum += values.sum().item()
        self._squares += values.square_().sum().item()
        right = predicted(self._net, images) == labels
        self.right += int(right.sum())
        return right

    def mean(self) -> float:
        return self._sum / self._count

    def variance(self) -> float:
        return self._squares / self._count - self.mean() ** 2


if __name__ == "__main__":
    main()
