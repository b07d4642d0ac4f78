"""How names and numbers are shown to people, on every surface alike."""

import html
import re
from collections.abc import Sequence
from typing import Any, Final

# Abbreviations that a sentence would not write in small letters.
_SPELLED: Final = {
    "mce": "mCE",
    "pgd": "PGD",
    "ece": "ECE",
    "nll": "NLL",
    "ood": "OOD",
    "auroc": "AUROC",
    "iou": "IoU",
    "miou": "mIoU",
    "fgsm": "FGSM",
    "sgd": "SGD",
}
GOALS: Final = {"max": "higher is better", "min": "lower is better"}


def readable(name: str) -> str:
    """Returns a metric's or option's name as a person writes it: `pgd_accuracy` is "PGD accuracy"."""
    text = within(name)
    return text if text.partition(" ")[0] in _SPELLED.values() else text[:1].upper() + text[1:]


def within(name: str) -> str:
    """Returns a metric's or option's name as it stands within a sentence: `clean_accuracy` is "clean accuracy"."""
    return " ".join(_SPELLED.get(word.lower(), word) for word in visible(name).split("_") if word)


def visible(text: str) -> str:
    """Returns the text with every control, direction and unprintable character written out, as in `\\u202e`."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def shown(value: Any) -> str:
    """Returns any table value as short text: four significant digits, "" for what is absent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return visible(str(value))


def escaped(text: Any) -> str:
    """Returns text that stands as itself in HTML, in content and in quoted attributes alike."""
    return html.escape(visible(str(text)), quote=True)


def written(value: Any) -> str:
    """Returns a knob's value as a tick says it: "1e-5", "none" for an empty list, "not set" for what is not drawn."""
    if value is None:
        return "not set"
    text = re.sub(r"e([+-])0+(?=\d)", lambda found: "e" + found[1].replace("+", ""), shown(value))
    return text or "none"


def aligned(values: Sequence[float]) -> tuple[str, ...]:
    """Returns numbers as text of four significant digits at most, all with the same number of decimals."""
    texts = [f"{value:.4g}" for value in values]
    if any("e" in text or "n" in text for text in texts):
        return tuple(f"{value:.3g}" for value in values)
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return tuple(f"{value:.{decimals}f}" for value in values)


def shortened(text: str, most: int) -> str:
    """Returns the text with what is beyond `most` characters left out, and an ellipsis in its place."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
