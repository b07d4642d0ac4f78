"""The step that takes styles, and AdaIN's networks, from where a study names them. Torch-free."""

from pathlib import Path
from typing import Any, Final

from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.given_files import absolute, content, sha256_of
from trainables.perturbations.stylisation.pictures import digest_of, picture_paths
from trainables.preparation import Step
from trainables.storage import is_uri

STYLISED: Final = "stylised"
STYLES: Final = "styles"
# Raise a number whenever its builder would make something else of the same arguments.
STYLES_VERSION: Final = 1
STYLISED_VERSION: Final = 1

_OPTIONS: Final = {"encoder": "stylisation_encoder", "decoder": "stylisation_decoder"}


def styles_step(held: ClassificationOptions) -> Step:
    """Reads the styles, and for AdaIN its encoder and decoder, on the planning machine; shards find them in the store.

    Its address tells the content of each file, not where it lies.

    Raises:
        TrainableError: OPTION_INVALID, where the folder of styles is not there or has no picture; WEIGHTS_MISSING or
            CKPT_MISSING, where a file of AdaIN is not there.
    """
    places = {STYLES: _folder(held.styles)}
    arguments: dict[str, Any] = {"engine": held.stylisation, STYLES: _digest(places[STYLES])}
    if held.stylisation == "adain":
        for name, option in _OPTIONS.items():
            places[name] = _file(option, getattr(held, option))
            arguments[name] = content(places[name])
    arguments["version"] = STYLES_VERSION
    found = {name: place for name, place in places.items() if place}
    return Step(STYLES, "styles", arguments, ("data",), here=bool(found), places=found)


def _folder(named: str) -> str:
    if is_uri(named):
        raise TrainableError(
            "OPTION_INVALID", f"styles: {named} lies elsewhere; copy the pictures to a folder of this machine"
        )
    return absolute(named)


def _digest(folder: str) -> str:
    """Of the pictures in the folder; empty for made textures, which the version tells."""
    if not folder:
        return ""
    paths = [str(path) for path in picture_paths(Path(folder), STYLES)]
    return digest_of([sha256_of(path) for path in paths])


def _file(option: str, named: str) -> str:
    path = absolute(named)
    if path and not is_uri(path) and not Path(path).is_file():
        code = "WEIGHTS_MISSING" if option == _OPTIONS["encoder"] else "CKPT_MISSING"
        raise TrainableError(code, f"{option}: {path}: there is no such file; correct the path or put the file there")
    return path
