"""The list of a page's sections, each of which it leads to."""

import re
from collections.abc import Sequence
from typing import Final

FEWEST: Final = 4
"""Sections from which on a page has a list of them."""
# Our own HTML alone is read by it: a heading is escaped text, and a section begins with it.
_SECTION: Final = re.compile(r"<section((?: aria-label=\"[^\"]*\")?)><h2>(.*?)</h2>")


def with_contents(head: str, body: Sequence[str]) -> list[str]:
    """Returns head, list and body of a page, the body's sections with the ids that the list leads to.

    Args:
        head: what stands before the list.
        body: HTML; what does not begin as a section with a heading is left out of the list.
    """
    titles: list[str] = []

    def named(found: re.Match[str]) -> str:
        titles.append(found[2])
        return f'<section id="part-{len(titles)}"{found[1]}><h2>{found[2]}</h2>'

    parts = [_SECTION.sub(named, part) for part in body]
    links = "".join(f'<a href="#part-{place}">{title}</a>' for place, title in enumerate(titles, start=1))
    listed = f'<nav class="contents" aria-label="Sections">{links}</nav>' if len(titles) >= FEWEST else ""
    return [head, listed, *parts]
