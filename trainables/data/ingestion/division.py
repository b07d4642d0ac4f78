"""Which image goes into which split: by class and content, whatever the order of the files, no twin in two splits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from trainables.data.ingestion.found import ALL, TEST, TRAIN, VAL
from trainables.errors import TrainableError

SPLITS: Final = ("train", "validation", "test", "holdout")
HELD_OUT: Final = SPLITS[1:]


@dataclass(frozen=True)
class Part:
    """The share of an official split's images of every class that a split gets."""

    origin: str
    share: float


# By the official splits that a layout has. What the parts leave of `train` and of `ALL` trains.
_PARTS: Final[Mapping[frozenset[str], Mapping[str, Part]]] = {
    frozenset({ALL}): {"validation": Part(ALL, 0.1), "test": Part(ALL, 0.1), "holdout": Part(ALL, 0.1)},
    frozenset({TRAIN, VAL}): {"validation": Part(VAL, 0.5), "test": Part(VAL, 0.25), "holdout": Part(VAL, 0.25)},
    frozenset({TRAIN, TEST}): {"validation": Part(TRAIN, 0.1), "test": Part(TEST, 0.5), "holdout": Part(TEST, 0.5)},
    frozenset({TRAIN, VAL, TEST}): {
        "validation": Part(VAL, 1.0),
        "test": Part(TEST, 0.5),
        "holdout": Part(TEST, 0.5),
    },
}
KEPT: Final = "kept"
"""In place of `TRAIN` or `ALL`: of an image that trains whatever the shares."""
_TRAINED: Final = (TRAIN, ALL, KEPT)
_RANK: Final = {TRAIN: 0, ALL: 0, KEPT: 0, VAL: 1, TEST: 2}


@dataclass(frozen=True)
class Division:
    """Rows of each split, in the order of their lineage, and training rows left out because a twin is held out."""

    splits: Mapping[str, Sequence[int]]
    left_out: Sequence[int]


def parts_of(origins: set[str], shares: Mapping[str, float]) -> Mapping[str, Part]:
    """Where validation, test and hold-out come from in a layout with those official splits.

    Args:
        origins: official splits that the layout has.
        shares: given in place of the usual ones, by split.

    Raises:
        TrainableError: OPTION_INVALID: shares that leave nothing to train with, or do not use an official split up.
    """
    usual = _PARTS[frozenset(origins)]
    parts = {split: Part(part.origin, shares.get(split, part.share)) for split, part in usual.items()}
    for origin in sorted(origins):
        named = {split: part.share for split, part in parts.items() if part.origin == origin}
        total = round(sum(named.values()), 9)
        lawful = total < 1 if origin in _TRAINED else total == 1
        if named and not (lawful and all(share > 0 for share in named.values())):
            told = ", ".join(f"{split} {share:g}" for split, share in named.items())
            law = "come to less than 1, the rest trains" if origin in _TRAINED else "come to 1"
            raise TrainableError(
                "OPTION_INVALID", f"shares of {_called(origin)}: {told}; each must be above 0, and they must {law}"
            )
    return parts


def told(parts: Mapping[str, Part], how: str = ", class by class") -> dict[str, str]:
    """Says of each split where its images come from; `how` follows what a share is of."""
    origins = {part.origin for part in parts.values()}
    trained = ALL if ALL in origins else TRAIN
    rest = "what is left of " if trained in origins else ""
    shares = {split: f"{part.share:.4g} of {_called(part.origin)}" for split, part in parts.items()}
    return {"train": rest + _called(trained), **{split: f"{share}{how}" for split, share in shares.items()}}


def divide(
    lineage: Sequence[bytes], labels: Sequence[int], origins: Sequence[str], parts: Mapping[str, Part]
) -> Division:
    """Divides images; equal images (twins) never stand in two splits, and a held-out one's twin does not train.

    An image is placed by its lineage, which is a hash and so as good as a draw: of each class and official split, the
    first by lineage go to validation, the next to test, the next to hold-out.

    Args:
        lineage: N digests of pixels.
        labels: N classes.
        origins: N official splits.
        parts: of `parts_of`.
    """
    splits: dict[str, list[int]] = {split: [] for split in SPLITS}
    left_out: list[int] = []
    pools: dict[tuple[str, int], list[list[int]]] = {}
    for family in _families(lineage, labels):
        home = origins[family[0]]
        if len(family) > 1:
            home = max((origins[row] for row in family), key=_RANK.__getitem__)
            if home not in _TRAINED:
                left_out += [row for row in family if origins[row] in _TRAINED]
                family = [row for row in family if origins[row] not in _TRAINED]
        pools.setdefault((home, labels[family[0]]), []).append(family)
    for (origin, _), families in sorted(pools.items()):
        for split, family in _placed(origin, families, parts):
            splits[split] += family
    keys = list(zip(lineage, labels, strict=True))
    in_order = {split: sorted(rows, key=keys.__getitem__) for split, rows in splits.items()}
    return Division(in_order, sorted(left_out))


def _families(lineage: Sequence[bytes], labels: Sequence[int]) -> Iterator[list[int]]:
    """Rows of equal images, by lineage; within a family by label, since nothing else of them is sure to differ."""
    rows = sorted(range(len(lineage)), key=list(zip(lineage, labels, strict=True)).__getitem__)
    for _, family in groupby(rows, key=lineage.__getitem__):
        yield list(family)


def _placed(origin: str, families: Sequence[list[int]], parts: Mapping[str, Part]) -> Iterator[tuple[str, list[int]]]:
    count = sum(map(len, families))
    wanted = [(split, max(1, int(part.share * count + 0.5))) for split, part in parts.items() if part.origin == origin]
    rest = "train" if origin in _TRAINED else wanted.pop()[0]
    waiting = iter(families)
    for split, number in wanted:
        taken = 0
        while taken < number and (family := next(waiting, None)) is not None:
            taken += len(family)
            yield split, family
    for family in waiting:
        yield rest, family


def _called(origin: str) -> str:
    return "all images" if origin == ALL else f"the official {origin}"
