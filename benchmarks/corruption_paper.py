"""The text of docs/corruption-fidelity.md, from the measurements."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from benchmarks.corruption_environment import PEER, PINS
from trainables.perturbations.corruptions import SEVERITIES, names

WANTED_CLOSE: Final = 0.99
WANTED_MOMENTS: Final = 0.02
WANTED_POINTS: Final = 1.5
Line = dict[str, Any]

_HEAD: Final = """# How close the corruptions are to the reference

Written by `python -m benchmarks.corruption_fidelity --images {images}`; do not edit. The reference is {peer}
with its own pictures of frost, ours has the constants `imagenet-c`. The reference runs in an environment of its own:
{pins}.

"""

_PAIRED: Final = """## The same draws

Both sides get the same images, crops of scikit-learn's two photographs, and the same random numbers. The share is of
values that differ by at most one grey level, at the worst severity; wanted are 99 %. Shot and impulse noise draw in
another way and cannot be given the reference's numbers; `tests/trainables/corruptions/` holds them to their laws.

| corruption | {sizes} |
| --- |{rules}
"""

_OWN: Final = """
## Draws of its own on each side

Images of {side}x{side}: a handwritten digit (scikit-learn's) on a crop of a photograph; both sides get the same. Mean
and variance are over all values of all images: how far ours lies from the reference's, at the severity where it is
farthest; wanted are 2 %. Accuracy is that of one small convolutional net, trained on other such images, clean and
corrupted by ours: ours minus the reference's, in points, with the standard error of the difference at the worst
severity; wanted are 1.5. Those that draw nothing differ by rounding alone.

| corruption | images | mean | variance | accuracy at severity 1 | 2 | 3 | 4 | 5 | standard error |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""

_SHORT: Final = """
**A short run.** The whole one has 5,000 images, 20,000 where both sides draw and the reference is quick, and takes
about an hour. By chance alone, one accuracy in twenty lies more than two standard errors off.
"""
_WHOLE: Final = 5000

_TAIL: Final = """
## What differs on purpose

- Ice. Without a folder, `frost` takes five pictures that are made from a seed; the reference brings photographs. Means
  and contrasts are alike, pictures are not. `corrupt(..., ice=read_ice(folder))` takes the photographs.
- Elastic transform. imagecorruptions has its own, for images of any size, and `imagenet-c` is that one. The published
  ImageNet-C was made with another, which has an affine map as well: `imagenet-c-original`.
- `tiny-imagenet-c` and `cifar-10-c` have the constants of the scripts that made those sets, and the scripts' elastic
  transform. The scripts blur by motion with ImageMagick, which rounds where we truncate, and cut an enlarged image in
  its middle, where we and imagecorruptions cut at its corner: at most a pixel apart.
- Where the reference computes in 64 bits, we do in 32, and put 1/256 of a grey level on top before truncating: a flat
  region stays as it was.
- Random numbers are others: an image's draws are a function of its own seed.
"""


def paper(lines: Iterable[Line], images: int, side: int) -> str:
    """Markdown; a corruption that was not measured has a dash."""
    known = {(line["kind"], line["name"], line["severity"], line["side"]): line for line in lines}
    sizes = sorted({key[3] for key in known if key[0] == "paired"}, reverse=True)

    def of(kind: str, name: str, size: int) -> list[Line]:
        return [known[key] for severity in SEVERITIES if (key := (kind, name, severity, size)) in known]

    pins = ", ".join(pin for pin in PINS if "=" in pin)
    text = _HEAD.format(images=images, peer=PEER.replace("==", " "), pins=pins)
    headings = " | ".join(f"{size}x{size} | largest difference" for size in sizes)
    text += _PAIRED.format(sizes=headings, rules=" --- | --- |" * len(sizes))
    for name in names():
        cells = [_paired_cells(of("paired", name, size)) for size in sizes]
        text += f"| {name} | {' | '.join(cells)} |\n"
    text += _OWN.format(side=side)
    for name in names():
        text += f"| {name} | {_own_cells(of('distribution', name, side))} |\n"
    short = _SHORT if images < _WHOLE else ""
    return text + short + _verdict(list(known.values())) + _TAIL


def _paired_cells(lines: Sequence[Line]) -> str:
    if not lines or lines[0]["close"] is None:
        return "- | -"
    close = min(line["close"] for line in lines)
    return f"{math.floor(close * 1e5) / 1e3:.3f} % | {max(line['largest'] for line in lines)}"


def _own_cells(lines: Sequence[Line]) -> str:
    if not lines:
        return " | ".join("-" * 9)
    moments = [f"{min(line['images'] for line in lines):,}"]
    moments += [f"{max((_apart(line, key) for line in lines), key=abs):+.2%}" for key in ("mean", "variance")]
    points = {line["severity"]: f"{_points(line):+.2f}" for line in lines}
    worst = max(math.sqrt(line["disagreeing"] / line["images"]) for line in lines)
    return " | ".join([*moments, *(points.get(severity, "-") for severity in SEVERITIES), f"{100 * worst:.2f}"])


def _apart(line: Line, key: str) -> float:
    ours, theirs = line[key]
    return float(ours / theirs - 1)


def _points(line: Line) -> float:
    ours, theirs = line["accuracy"]
    return float(100 * (ours - theirs))


def _verdict(lines: Sequence[Line]) -> str:
    paired = [line for line in lines if line["kind"] == "paired" and line["close"] is not None]
    own = [line for line in lines if line["kind"] == "distribution"]
    laws: list[tuple[str, Sequence[Line], Callable[[Line], bool]]] = [
        ("within one grey level", paired, lambda line: line["close"] >= WANTED_CLOSE),
        ("mean within 2 %", own, lambda line: abs(_apart(line, "mean")) <= WANTED_MOMENTS),
        ("variance within 2 %", own, lambda line: abs(_apart(line, "variance")) <= WANTED_MOMENTS),
        ("accuracy within 1.5 points", own, lambda line: abs(_points(line)) <= WANTED_POINTS),
    ]
    text = "\n## What holds\n\nOf the corruptions and severities that were measured:\n\n"
    for words, measured, holds in laws:
        broken = [f"{line['name']} {line['severity']}" for line in measured if not holds(line)]
        text += f"- {words}: {len(measured) - len(broken)} of {len(measured)}"
        text += f"; not {', '.join(broken)}\n" if broken else "\n"
    if own:
        accuracies = [line["accuracy"][0] for line in own]
        text += f"\nThe net's accuracy lies between {min(accuracies):.0%} and {max(accuracies):.0%}.\n"
    return text
