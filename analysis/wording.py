"""How names and numbers are shown to people, on every surface alike."""

import html
import math
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
    "jpeg": "JPEG",
    "gaussian": "Gaussian",
    "augmix": "AugMix",
}
_CE: Final = "ce/"
GOALS: Final = {"max": "higher is better", "min": "lower is better"}


def readable(name: str) -> str:
    """Returns a metric's or option's name as a person writes it: `pgd_accuracy` is "PGD accuracy"."""
    text = within(name)
    return text if text.partition(" ")[0] in (*_SPELLED.values(), "CE") else text[:1].upper() + text[1:]


def within(name: str) -> str:
    """Returns a metric's or option's name as it stands within a sentence: `clean_accuracy` is "clean accuracy".

    A corruption error says what it is of: `ce/gaussian_noise` is "CE Gaussian noise". Names may come listed with
    commas.
    """
    if name.startswith(_CE):
        return f"CE {within(name.removeprefix(_CE))}"
    listed = (part.split("_") for part in visible(name).split(", "))
    return ", ".join(" ".join(_SPELLED.get(word.lower(), word) for word in words if word) for words in listed)


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


def remark(text: str) -> str:
    """Returns a remark as a quiet sentence of HTML; "" where there is none."""
    return f'<p class="quiet">{escaped(readable(text))}.</p>' if text else ""


def written(value: Any) -> str:
    """Returns a knob's value as a tick says it: "1e-5", "none" for an empty list, "not set" for what is not drawn."""
    if value is None:
        return "not set"
    text = re.sub(r"(?<=\d)e\+?(-?)0*(?=\d+$)", r"e\1", shown(value)) if isinstance(value, float) else shown(value)
    return text or "none"


def aligned(values: Sequence[float]) -> tuple[str, ...]:
    """Returns numbers as text, all with as many decimals as give the greatest of them four significant digits.

    Decimals that are 0 in all of them are left out; very great and very small numbers are written with an exponent.
    """
    greatest = max((abs(value) for value in values), default=0.0)
    if greatest and not 1e-4 <= greatest < 1e5:
        return tuple(f"{value:.3g}" for value in values)
    places = max(0, 3 - math.floor(math.log10(greatest))) if greatest else 0
    texts = [f"{value:.{places}f}" for value in values]
    needed = max((len(text.partition(".")[2].rstrip("0")) for text in texts), default=0)
    return tuple(f"{value:.{needed}f}" for value in values)


def shortened(text: str, most: int) -> str:
    """Returns the text with what is beyond `most` characters left out, and an ellipsis in its place."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
