"""Compares studies that were searched: which method attains more, and how sure that is."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analysis import comparison_report, comparison_words, sources
from analysis.compared import Apart, Incomparable, Searched, read
from analysis.comparison_objectives import parsed
from analysis.records import Unreachable
from robustune import checks
from robustune.checks import unwritable
from robustune.errors import Mistake, readable
from robustune.settings import Settings

NAME_MOST: Final = 120


@dataclass(frozen=True)
class Compared:
    """What a comparison says: the verdict, a sentence for every two methods, remarks, and paths by file name."""

    verdict: Sequence[str]
    pairs: Sequence[str]
    notes: Sequence[str]
    paths: Mapping[str, Path]


def compare(
    places: Sequence[str],
    settings: Settings,
    names: Sequence[str] = (),
    objectives: str | None = None,
    apart: Apart = "none",
    out: Path | None = None,
) -> Compared:
    """Compares studies and writes the page, the figures and the tables of the comparison.

    Args:
        places: studies, by name, study file, folder, Parquet file of their trials or tracking URI.
        settings: whose results folder holds those that are named.
        names: of the studies to take from a tracking URI; () where it has but one.
        objectives: "clean_accuracy,mce=1.5", instead of the studies' own.
        apart: what makes another method besides another content.
        out: folder for all files; None means one beside the first study, named after all of them.

    Raises:
        Mistake: COMPARISON_UNFIT, STUDY_MISSING, STATE_CORRUPT, TRACKING_UNREACHABLE, RESULTS_UNWRITABLE.
    """
    try:
        asked = parsed(objectives)
        searched = [_read(place, name, settings) for place in places for name in _names(place, names)]
        where = out or _beside(searched)
        if found := unwritable(where, "--out"):
            raise Mistake("RESULTS_UNWRITABLE", found[0])
        done, paths = comparison_report.write(searched, where, asked, apart)
    except Incomparable as error:
        raise Mistake("COMPARISON_UNFIT", str(error)) from error
    except Unreachable as error:
        raise Mistake("TRACKING_UNREACHABLE", str(error)) from error
    except OSError as error:
        told = f"{out or 'the comparison'}: cannot be written ({error}); name another folder by --out"
        raise Mistake("RESULTS_UNWRITABLE", told) from error
    pairs = comparison_words.verdicts(done) if len(done.pairs) > 1 else ()
    return Compared(comparison_words.sentences(done), pairs, done.notes, paths)


def _names(place: str, names: Sequence[str]) -> Sequence[str | None]:
    return names if names and sources.is_tracking(place) else (None,)


def _read(place: str, name: str | None, settings: Settings) -> Searched:
    elsewhere = sources.is_tracking(place) or place.endswith(".parquet")
    with readable():
        return read(place if elsewhere else str(checks.stored(place, settings)), name)


def _beside(searched: Sequence[Searched]) -> Path:
    """A folder beside the first study's, called after all that are compared."""
    first = searched[0].place
    home = Path() if sources.is_tracking(first) else sources.home(first).resolve().parent
    name = "-and-".join(dict.fromkeys(one.study.name for one in searched))
    if len(name) > NAME_MOST:  # a folder's name has an end
        name = f"{name[:NAME_MOST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return home / f"compare-{name}"
