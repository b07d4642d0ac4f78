"""ImageNet-C and Tiny-ImageNet-C: a folder for each corruption, in it one for each severity, in it the classes'."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trainables.corruption_facts import CORRUPTIONS, SEVERITIES
from trainables.corruption_overlaps import GROUPS
from trainables.data.ingestion.class_folders import ANIMALS, ImageFiles
from trainables.data.ingestion.class_names import chosen_ids, invalid, readable, some, words_of
from trainables.data.ingestion.corrupted_found import CorruptedFound, missing, not_whole, wanted
from trainables.data.ingestion.found import TEST, File, Found, found_files
from trainables.data.ingestion.placing import Choices
from trainables.data.ingestion.trees import Tree, joined, rooted

IMAGENET20: Final = "imagenet20"
"""Stands for its twenty animals where classes are named."""

_DEEPEST: Final = 4
"""Folders that a corruption's may lie in: of an archive, around everything, of the group, and one to spare."""
_SOME: Final = SEVERITIES[0]


def imagenet_c(tree: Tree, choices: Choices) -> CorruptedFound:
    """Images of `CORRUPTION/SEVERITY/WNID`, the corruptions lying at the root or in folders such as `noise`.

    Args:
        tree: the folder or archive, or the folder with several archives.
        choices: with `classes` by WordNet id or name, or `imagenet20`; without, the classes that most corruptions and
            severities have.

    Raises:
        TrainableError: DATA_INVALID, listing what is missing and what differs.
    """
    return _read(tree, "ImageNet-C", choices)


def tiny_imagenet_c(tree: Tree, choices: Choices) -> CorruptedFound:
    """Images of Tiny-ImageNet-C, in the layout of `imagenet_c`."""
    return _read(tree, "Tiny-ImageNet-C", choices)


Cell = tuple[str, int]


@dataclass(frozen=True)
class _Classes:
    """Names of a class's images in most cells, and the cells with others, in words."""

    images: Sequence[str]
    odd: Sequence[str]


def _read(tree: Tree, layout: str, choices: Choices) -> CorruptedFound:
    folders, others = _located(tree)
    names = wanted(folders, choices)
    here = {name: folders[name] for name in names if name in folders}
    if not here:
        raise invalid(
            tree,
            f"no folder of a corruption, such as {names[0]}/{_SOME}/n01443537; take {layout} unpacked as published, "
            "its tar file, or the folder with its tar files",
        )
    several = [f"{name} ({', '.join(places)})" for name, places in here.items() if len(places) > 1]
    if several:
        raise invalid(tree, f"corruptions that are there several times: {some(several)}; take the others away")
    problems = missing(folders, names)
    cells, severities = _cells(tree, {name: places[0] for name, places in here.items()})
    problems += severities
    root = rooted(tree, [*CORRUPTIONS, *GROUPS, "words.txt"])
    words = {**words_of(tree, root), **ANIMALS}
    ids, lacking, rare = _ids(tree, cells, choices.classes, words)
    problems += lacking
    files = ImageFiles(tree)
    # A folder that is not there was told of above; what is compared are those that are.
    there = {cell: set(tree.folders(folder)) for cell, folder in cells.items()}
    images = {
        each: _images(files, {cell: folder for cell, folder in cells.items() if each in there[cell]}, each)
        for each in ids
    }
    odd = [cell for each in images.values() for cell in each.odd]
    if odd:
        problems.append(f"{len(odd)} class folders hold other images than under the other corruptions: {some(odd)}")
    empty = [each for each in ids if not images[each].images]
    if empty:
        problems.append(f"{len(empty)} of {len(ids)} classes have no images: {some(empty)}")
    if problems:
        would_do = "get what is missing, or name what is whole with --corruptions A,B,... and --classes A,B,..."
        raise not_whole(tree, layout, problems, would_do)
    classes = readable(tree, ids, words)
    sources = [File(f"{each}/{name}", label, TEST) for label, each in enumerate(ids) for name in images[each].images]

    def under(corruption: str) -> Found:
        at = here[corruption][0]
        rows = [File(f"{at}/{level}/{name}", label, TEST) for level in SEVERITIES for name, label, _ in sources]
        return found_files(tree, classes, rows)

    return CorruptedFound(
        tuple(classes),
        tuple(ids),
        names,
        [source.name for source in sources],
        [source.label for source in sources],
        under,
        (rare, others, files.unused),
    )


def _located(tree: Tree) -> tuple[dict[str, list[str]], tuple[str, int]]:
    """Folders of each corruption that is there, and how many folders beside them have severities too."""
    found: dict[str, list[str]] = {}
    unknown = 0
    waiting = [("", 0)]
    while waiting:
        at, depth = waiting.pop(0)
        for name in tree.folders(at):
            inside = joined(at, name)
            if name in CORRUPTIONS:
                found.setdefault(name, []).append(inside)
            elif str(_SOME) in tree.folders(inside):
                unknown += 1
            elif depth < _DEEPEST:
                waiting.append((inside, depth + 1))
    return found, ("folders of unknown corruptions", unknown)


def _cells(tree: Tree, folders: Mapping[str, str]) -> tuple[dict[Cell, str], list[str]]:
    """The folder of every corruption at every severity, and what is to be said of those that are missing."""
    cells: dict[Cell, str] = {}
    lacking = []
    for corruption, folder in folders.items():
        there = tree.folders(folder)
        absent = [str(level) for level in SEVERITIES if str(level) not in there]
        if absent:
            lacking.append(f"{corruption} ({', '.join(absent)})")
        cells |= {(corruption, level): f"{folder}/{level}" for level in SEVERITIES if str(level) in there}
    return cells, [f"{len(lacking)} of {len(folders)} corruptions lack severities: {some(lacking)}"] if lacking else []


def _ids(
    tree: Tree, cells: Mapping[Cell, str], chosen: Sequence[str], words: Mapping[str, str]
) -> tuple[list[str], list[str], tuple[str, int]]:
    """Folders of the classes to take, what is to be said of cells without some of them, and how many are left out.

    A class that few cells have does not count against the others: one publication of Tiny-ImageNet-C has a thousand
    classes under frost, and two hundred elsewhere.
    """
    classes = {cell: set(tree.folders(folder)) for cell, folder in cells.items()}
    counts = Counter(name for names in classes.values() for name in names)
    usual = sorted(name for name, count in counts.items() if 2 * count > len(cells))
    if chosen:
        taken = list(ANIMALS) if tuple(chosen) == (IMAGENET20,) else chosen
        ids = chosen_ids(tree, sorted(counts), taken, words)
    else:
        ids = usual
    if cells and not ids:
        raise invalid(tree, f"no class folders in {next(iter(cells.values()))!r}; they are called as n01443537")
    lacking = {cell: sorted(set(ids) - names) for cell, names in classes.items()}
    told = [f"{name}/{level} ({some(absent)})" for (name, level), absent in lacking.items() if absent]
    said = [f"{len(told)} of {len(cells)} cells CORRUPTION/SEVERITY lack classes: {some(told)}"] if told else []
    return ids, said, ("classes that only some corruptions have", len(counts) - len(usual))


def _images(files: ImageFiles, cells: Mapping[Cell, str], wordnet: str) -> _Classes:
    names = {}
    for cell, folder in cells.items():
        at = f"{folder}/{wordnet}"
        names[cell] = tuple(name.removeprefix(f"{at}/") for name in files.of(at))
    there = {cell: found for cell, found in names.items() if found}
    counts = Counter(there.values())
    if not counts:
        return _Classes((), ())
    usual = counts.most_common(1)[0][0]
    return _Classes(usual, [_differing(cell, wordnet, names[cell], usual) for cell in cells if names[cell] != usual])


def _differing(cell: Cell, wordnet: str, names: Sequence[str], usual: Sequence[str]) -> str:
    lacks, more = sorted(set(usual) - set(names)), sorted(set(names) - set(usual))
    told = f"lacks {some(lacks)}" if lacks else f"has {some(more)} besides"
    return f"{cell[0]}/{cell[1]}/{wordnet} ({len(names):,} images where others have {len(usual):,}; {told})"
