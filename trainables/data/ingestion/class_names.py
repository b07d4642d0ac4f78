"""Which classes a data set has and what they are called."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trainables.data.ingestion.found import ALL, Found
from trainables.data.ingestion.trees import Tree, joined, lines
from trainables.errors import TrainableError

_WORDS: Final = "words.txt"
_LONGEST: Final = 200
_SHOWN: Final = 5


def invalid(tree: Tree, reason: str) -> TrainableError:
    """The DATA_INVALID that names the source."""
    return TrainableError("DATA_INVALID", f"{tree.where}: {reason}")


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def words_of(tree: Tree, root: str) -> dict[str, str]:
    """The first English name of every WordNet id in `words.txt`; empty where there is none.

    Raises:
        TrainableError: DATA_INVALID: it is there and cannot be read.
    """
    if _WORDS not in tree.files(root):
        return {}
    pairs = (line.partition("\t") for line in lines(tree, joined(root, _WORDS)))
    return {wordnet.strip(): names.partition(",")[0].strip() for wordnet, _, names in pairs}


def chosen_ids(tree: Tree, there: Sequence[str], chosen: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """The folders of the chosen classes, sorted; of all where none is chosen.

    Args:
        tree: for messages.
        there: folders of classes.
        chosen: folders, or the names of `words`.
        words: names by folder.

    Raises:
        TrainableError: DATA_INVALID: a chosen class is not there, or is chosen twice.
    """
    if not chosen:
        return sorted(there)
    by_name = {words[folder]: folder for folder in there if folder in words}
    folders = [name if name in there else by_name.get(name, "") for name in chosen]
    absent = [name for name, folder in zip(chosen, folders, strict=True) if not folder]
    if absent:
        raise invalid(
            tree,
            f"{len(absent)} of {len(chosen)} classes are not there: {some(absent)}; there are {len(there)}: "
            f"{some(sorted(there)) or 'none'}",
        )
    twice = [folder for folder, count in Counter(folders).items() if count > 1]
    if twice:
        raise invalid(tree, f"classes chosen twice: {some(twice)}; name each once")
    return sorted(folders)


def readable(tree: Tree, ids: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """What the classes are called: their names where known, with the id where two share one, else their folders.

    Raises:
        TrainableError: DATA_INVALID: a name cannot be shown or is far too long.
    """
    counts = Counter(words.get(each, each) for each in ids)
    names = [words.get(each, each) for each in ids]
    names = [name if counts[name] == 1 else f"{name} ({each})" for name, each in zip(names, ids, strict=True)]
    hidden = [name[:_LONGEST] for name in names if not name.isprintable() or len(name) > _LONGEST]
    if hidden:
        raise invalid(tree, f"classes whose names cannot be shown: {some(hidden)}; rename their folders")
    return names


def check_classes(tree: Tree, found: Found, origins: Iterable[str]) -> Found:
    """The images themselves, where there are two classes at least and each has an image in every official split.

    Raises:
        TrainableError: DATA_INVALID, with the counts.
    """
    counts = Counter(zip(found.origins, found.labels, strict=True))
    if len(found.classes) < 2:
        named = f"one class only, {found.classes[0]!r}" if found.classes else "no class"
        raise invalid(tree, f"{named}, {len(found.names):,} images; a classifier needs two class folders at least")
    empty = [
        f"{name} ({', '.join(_counted(counts[origin, label], origin) for origin in origins)})"
        for label, name in enumerate(found.classes)
        if not all(counts[origin, label] for origin in origins)
    ]
    if empty:
        where = "" if set(origins) == {ALL} else " in every official split"
        raise invalid(
            tree,
            f"{len(empty)} of {len(found.classes)} classes lack images{where}: {some(empty)}; add images, or name "
            "the other classes with --classes",
        )
    return found


def _counted(count: int, origin: str) -> str:
    return f"{count:,} images" if origin == ALL else f"{count:,} in {origin}"
