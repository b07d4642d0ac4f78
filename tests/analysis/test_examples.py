"""Pictures of examples are computed from the images alone, and a damaged file is told, not drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis import examples
from analysis.figure_files import figure_files
from analysis.perturbed_images import GREY, ExamplesError, about_grey, largest_factor, read

FRAMES = 3


def tensor(values: NDArray[np.uint8]) -> pa.ExtensionArray:
    kind = pa.fixed_shape_tensor(pa.uint8(), values.shape[1:])
    flat = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), int(np.prod(values.shape[1:])))
    return pa.ExtensionArray.from_storage(kind, flat)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes an examples.arrow of two examples, the second of which does not fool."""

    def write(channels: int = 3, side: int = 8, **changes: Any) -> Path:
        draw = np.random.default_rng(0)
        clean = draw.integers(40, 200, (2, channels, side, side)).astype(np.uint8)
        added = draw.integers(-12, 13, clean.shape)
        added[:, 0, 0, 0] = 12
        grown = np.stack([clean + added * (step + 1) // FRAMES for step in range(FRAMES)], axis=1).astype(np.uint8)
        columns: dict[str, Any] = {
            "clean": tensor(clean),
            "perturbed": tensor(np.ascontiguousarray(grown[:, -1])),
            "frames": tensor(grown),
            "frame_steps": pa.FixedSizeListArray.from_arrays(pa.array([0, 2, 5] * 2), FRAMES),
            "steps": pa.array([5, 5]),
            "label_name": pa.array(["seven", "one"]),
            "target_name": pa.array(["one", "nine"]),
            "predicted_name": pa.array(["one", "one"]),
            "fooled": pa.array([True, False]),
            "l2": pa.array([101.5, 99.0]),
            "linf": pa.array([12.0, 12.0]),
        } | changes
        kept = {name: column for name, column in columns.items() if column is not None}
        batch = pa.RecordBatch.from_arrays(list(kept.values()), names=list(kept))
        batch = batch.replace_schema_metadata({"set": "hold-out", "attack": "gaussian", "split": "holdout"})
        path = tmp_path / "examples.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return path

    return write


levels = st.lists(st.integers(-255, 255), min_size=1, max_size=30).map(lambda found: np.array(found, np.int16))


@given(levels)
def test_a_perturbation_is_grey_where_nothing_changed_and_just_fits(difference: NDArray[np.int16]) -> None:
    factor = largest_factor(difference)
    shown = about_grey(difference, factor).astype(int)
    assert (shown[difference == 0] == GREY).all()
    assert (np.abs(shown - GREY - difference * factor) <= 0.5 + 1e-9).all()
    largest = int(np.abs(difference).max())
    assert largest == 0 or 0 < factor * largest <= 255 - GREY
    assert factor == round(factor, 2)
    assert factor < 2 or factor == int(factor)
    assert largest == 0 or factor * largest > (255 - GREY) / 2


@pytest.mark.parametrize("channels", [1, 3])
def test_examples_show_what_the_file_holds(written: Callable[..., Path], channels: int) -> None:
    found = read(written(channels))
    assert found.title == "Set hold-out, attack gaussian, made for the baseline from holdout images"
    first, second = found.examples
    assert (first.verdict, second.verdict) == ("seven → one", "not fooled: one, aimed at nine")
    assert first.facts == "5 steps, L2 101.5, L∞ 12"
    assert first.factor == 10
    assert first.steps == (0, 2, 5)
    assert first.clean.shape == (8, 8, 3)
    assert (first.frames[-1] == first.perturbation).all()
    moved = first.perturbed.astype(int) - first.clean
    assert (first.perturbation == GREY + 10 * moved).all()


def test_a_short_attack_shows_each_step_once(written: Callable[..., Path]) -> None:
    steps = pa.FixedSizeListArray.from_arrays(pa.array([0, 0, 1] * 2), FRAMES)
    first = read(written(frame_steps=steps, steps=pa.array([1, 1]))).examples[0]
    assert first.steps == (0, 1)
    assert (first.frames[-1] == first.perturbation).all()
    assert first.facts.startswith("1 step, ")


def test_enlarged_images_keep_every_pixel(written: Callable[..., Path], tmp_path: Path) -> None:
    path = written()
    paths = examples.draw(path, tmp_path / "out")
    assert set(paths) == set(figure_files("examples", "steps"))
    sheet = np.rint(matplotlib.image.imread(paths["examples.png"])[..., :3] * 255).astype(int)
    clean = read(path).examples[0].clean
    times = 25  # 8 pixels are enlarged to 200
    big = clean.repeat(times, axis=0).repeat(times, axis=1)
    rows, columns = np.nonzero((sheet == big[times // 2, times // 2]).all(axis=2))
    top, left = rows.min(), columns.min()
    inside = (slice(2, -2), slice(2, -2))  # a thin frame lies over the outermost pixels
    windows = [
        sheet[top + down : top + down + 200, left + right : left + right + 200]
        for down in (-2, -1, 0)
        for right in (-2, -1, 0)
    ]
    assert any((window[inside] == big[inside]).all() for window in windows)
    said = " ".join(ElementTree.parse(paths["steps.svg"]).getroot().itertext())
    assert "seven → one; perturbation ×10" in said
    assert all(f"step {step}" in said for step in (0, 2, 5))


def test_stylised_images_stand_beside_their_styles_and_have_no_steps(
    written: Callable[..., Path], tmp_path: Path
) -> None:
    style = np.random.default_rng(1).integers(0, 256, (2, 3, 8, 8)).astype(np.uint8)
    path = written(style=tensor(style), frames=None, frame_steps=None, steps=None, predicted_name=pa.array(["one"] * 2))
    found = read(path)
    assert found.title == "Set hold-out: holdout images, each in a style drawn for it"
    first, second = found.examples
    assert (first.verdict, second.verdict) == ("seven; the baseline takes the stylised image for one", "one")
    assert first.facts == "L2 101.5, L∞ 12"
    assert [name for _, name in first.pictures] == ["clean", "style", "stylised"]
    assert (first.pictures[1][0] == style[0].transpose(1, 2, 0)).all()
    paths = examples.draw(path, tmp_path / "out")
    assert set(paths) == set(figure_files("examples"))
    assert "stylised" in " ".join(ElementTree.parse(paths["examples.svg"]).getroot().itertext())


def test_the_same_file_gives_the_same_bytes(written: Callable[..., Path], tmp_path: Path) -> None:
    once, again = (examples.draw(written(), tmp_path / name) for name in ("once", "again"))
    assert all(once[name].read_bytes() == again[name].read_bytes() for name in once)


def test_a_damaged_file_is_told_in_one_line(
    written: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written()
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 4):
        path.write_bytes(whole[:kept])
        assert examples.main([str(path), "--out", str(tmp_path / "out")]) == 3
        told = capsys.readouterr().err
        assert told.startswith("CACHE_CORRUPT: ")
        assert told.count("\n") == 1
    assert examples.main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err.startswith("CACHE_MISSING: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": 4}, "images of 4 channels cannot be shown"),
        ({"fooled": None}, "holds no examples: no fooled"),
        ({"clean": pa.array([1, 2])}, "column clean holds no images but int64"),
        ({"frames": pa.array([1, 2])}, "column frames holds no images"),
    ],
)
def test_what_cannot_be_shown_is_told(written: Callable[..., Path], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ExamplesError, match=said):
        read(written(**changes))
