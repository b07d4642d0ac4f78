"""What every page is wrapped in: a policy that lets in nothing but its own style, its own script and its own images."""

import base64
import hashlib
from collections.abc import Sequence

from analysis.wording import escaped


def enveloped(title: str, body: Sequence[str], style: str, script: str) -> str:
    """Returns a page that opens without a network: the parts of its body, empty ones left out.

    Args:
        title: as text.
        body: HTML in which every name is escaped.
        style: the only one that the page may have; no element has a style of its own.
        script: the only one that it may run.
    """
    own = f"style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; img-src data:; {own}; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escaped(title)}</title><style>{style}</style></head>\n<body><main>"
        + "\n".join(part for part in body if part)
        + f"</main><script>{script}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
