"""What leads on from a trial, and where a page may lead to."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from analysis.table import Column
from analysis.wording import escaped

Links = Mapping[int, Mapping[str, str]]
"""By a trial's number: titles, and for each an address, or a text that is shown where it is none."""
DELETED: Final = "MLflow run (deleted there)"


def safe_address(text: str) -> str | None:
    """Returns the address if a page may link to it: http(s), or a path inside the page's own folder; else None."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme in ("http", "https") and parts.netloc:
        return text
    inside = not parts.scheme and not text.startswith(("/", "\\")) and ".." not in text.split("/") and ":" not in text
    return quote(text) if text and inside else None


def link_column(numbers: list[int], links: Links) -> Column:
    """Returns the column of what leads on from each of the trials."""
    return Column("Leads to", [_link_cell(links.get(number, {})) for number in numbers], look="leads")


def _link_cell(leads: Mapping[str, str]) -> str:
    found = []
    for title, target in leads.items():
        address = safe_address(target)
        if address is not None:
            found.append(f'<a href="{escaped(address)}" rel="noreferrer">{escaped(title)}</a>')
        else:
            found.append(
                f'{escaped(title)} <code title="{escaped(target)}">{escaped(target)}</code>'
                if target
                else escaped(title)
            )
    return " · ".join(found)
