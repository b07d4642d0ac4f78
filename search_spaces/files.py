"""Study files: the shipped ones, finding one by name or path, and reading its text and TOML safely."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.complaints import Complaint, StudyError, nearest, plain_text, quote

BYTES_LIMIT = 256 * 1024
KEY_PARTS_LIMIT = 32

# tomllib takes quadratic time over a dotted key: 16 s for 64 kB of "a.a.a...".
_PART = r"""(?:(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?:{_PART}[ \t]*+\.[ \t]*+){{{KEY_PARTS_LIMIT}}}")


def shipped() -> Mapping[str, Path]:
    """The studies that come with Robustune, by name, in alphabetical order."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "studies").glob("*.toml"))}


def find(study: str) -> Path:
    """The file of a shipped study's name, or of a path; a shipped name wins over a file of that name here.

    Raises:
        StudyError: it is neither, with the nearest shipped name.
    """
    known = shipped()
    if study in known:
        return known[study]
    try:
        there = Path(study).exists()
    except (OSError, ValueError):  # a name with NUL or of thousands of characters
        there = False
    if there:
        return Path(study)
    hint = nearest(study.removesuffix(".toml"), known)
    listed = f"it is neither a file nor a shipped study ({', '.join(known)})"
    raise StudyError([Complaint(quote(study), "", listed + (f"; did you mean {quote(hint)}?" if hint else ""))])


def read_text(path: Path) -> str:
    """The file's text, a byte order mark left out.

    Raises:
        StudyError: no regular file, more than BYTES_LIMIT bytes, not readable, or not UTF-8.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _refusal(path, "it is a directory; name the study file in it")
        if not stat.S_ISREG(mode):
            raise _refusal(path, "it is not a regular file")
        with path.open("rb") as file:
            content = file.read(BYTES_LIMIT + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, StudyError):
            raise
        raise _refusal(path, f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > BYTES_LIMIT:
        raise _refusal(path, f"it has more than {BYTES_LIMIT // 1024} KiB; a study file has a few hundred lines")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(path, f"line {line}: it is not UTF-8 text (byte 0x{content[error.start]:02x})") from None


def parse(path: Path, text: str) -> dict[str, Any]:
    """The TOML table of a study's text.

    Raises:
        StudyError: not TOML (with line and column), or nested or dotted beyond reason.
    """
    if (long_key := _LONG_KEY.search(text)) is not None:
        line = text.count("\n", 0, long_key.start()) + 1
        raise _refusal(path, f"line {line}: a key has more than {KEY_PARTS_LIMIT} dotted parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _refusal(path, "its lists or tables are nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and int() on thousands of digits
        found = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", str(error), re.DOTALL)
        message, place = found.groups() if found else (str(error), "")
        message = plain_text(message)[:200]
        raise _refusal(path, f"{place}: {message} (not TOML)" if place else f"{message} (not TOML)") from None


def _refusal(path: Path, message: str) -> StudyError:
    return StudyError([Complaint(plain_text(str(path)), "", message)])
