"""How names and numbers are shown to people, on every surface alike."""

import html
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
    "fgsm": "FGSM",
    "sgd": "SGD",
}
GOALS: Final = {"max": "higher is better", "min": "lower is better"}


def readable(name: str) -> str:
    """Returns a metric's or option's name as a person writes it: `pgd_accuracy` is "PGD accuracy"."""
    words = [_SPELLED.get(word.lower(), word) for word in visible(name).split("_") if word]
    text = " ".join(words)
    return text if not words or words[0] in _SPELLED.values() else text[:1].upper() + text[1:]


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
