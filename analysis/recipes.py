"""Names training recipes by the options in which they differ, as the bars of a chart are called."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analysis.wording import visible, within, written

Options = Mapping[str, Any]

DEFAULTS: Final[Options] = {
    "transform": "none",
    "consistency_weight": 12.0,
    "fooling_rates": (),
    "extra_sets": (),
    "extra_share": 0.5,
    "start": "scratch",
    "unfrozen_layers": 5,
}
"""The classification trainer's, which this room cannot import and a test holds these to."""

# What only says how a net is scored, and what only says how extra images are made.
_SCORING: Final = ("corruption", "early_corruption")
_MAKING: Final = ("extra_share", "augmentation_", "fooling_", "gaussian_", "pixel_", "stylis", "styles", "generation_")
_WORDS: Final = {"extra_share": "share"}
_TRANSFORMS: Final = {"none": "", "crop_flip": "crop+flip", "augmix": "AugMix"}


def recipe(fixed: Options, drawn: Options) -> dict[str, Any]:
    """Returns all options that a net was trained with: those held fixed, those drawn, and defaults that names need.

    What has no effect is left out, such as the share of extra images where there are none, so that equal training has
    equal options.
    """
    given = {name: plain(value) for name, value in {**DEFAULTS, **fixed, **drawn}.items()}
    options = {name: value for name, value in given.items() if not name.startswith(_SCORING)}
    if not (options["fooling_rates"] or options["extra_sets"]) or options["extra_share"] == 0:
        options = {name: value for name, value in options.items() if not name.startswith(_MAKING)}
        options |= {"fooling_rates": (), "extra_sets": ()}
    if options["transform"] != "augmix":
        del options["consistency_weight"]
    return options


def labels(recipes: Sequence[Options]) -> tuple[str, ...]:
    """Returns a short name for each of the recipes, no two alike where the recipes are not.

    Transform, initial weights and trained layers are named only where the recipes differ in them; any other option only
    where two names would else be alike.
    """
    told = set(varied(recipes)) & set(DEFAULTS)
    short = [_label(one, told) for one in recipes]
    return tuple(
        text + _apart(one, [other for other, its in zip(recipes, short, strict=True) if its == text])
        for text, one in zip(short, recipes, strict=True)
    )


def _label(options: Options, told: set[str]) -> str:
    images, how = _images(options), _transform(options) if {"transform", "consistency_weight"} & told else ""
    parts = [how] if how and images == "clean" else [images, how]
    if "start" in told:
        parts.append(f"from {within(options['start'])}")
    if "unfrozen_layers" in told:
        parts.append(f"{options['unfrozen_layers']} layers unfrozen")
    return ", ".join(part for part in parts if part)


def _images(options: Options) -> str:
    rates = [f"F-{written(rate)}" for rate in options["fooling_rates"]]
    extras = ", ".join([*rates, *(within(name) for name in options["extra_sets"])])
    if not extras:
        return "clean"
    return f"{extras} alone" if options["extra_share"] == 1 else f"clean + {extras}"


def _transform(options: Options) -> str:
    name = options["transform"]
    word = _TRANSFORMS.get(name, within(name))
    return f"{word} without consistency" if options.get("consistency_weight") == 0 else word


def varied(recipes: Sequence[Options]) -> tuple[str, ...]:
    """Returns the options in which the recipes differ."""
    names = dict.fromkeys(name for one in recipes for name in one)
    return tuple(name for name in names if len({repr(one.get(name)) for one in recipes}) > 1)


def said(value: Any) -> str:
    """Returns an option's value as a name says it."""
    return "+".join(map(written, value)) or "none" if isinstance(value, tuple) else visible(written(value))


def plain(value: Any) -> Any:
    """Returns lists as tuples in ascending order, since a set of rates has none, and whole numbers as such."""
    if isinstance(value, list | tuple):
        return tuple(sorted((plain(one) for one in value), key=lambda one: (isinstance(one, str), one)))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _apart(options: Options, alike: Sequence[Options]) -> str:
    """What tells the recipe from those of the same name: the options in which these differ."""
    told = ", ".join(f"{_WORDS.get(name, within(name))} {said(options.get(name))}" for name in varied(alike))
    return f" ({told})" if told else ""
