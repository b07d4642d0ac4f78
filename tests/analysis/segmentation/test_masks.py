"""Sheets of masks hold what the file says, and what cannot be shown is told in one line."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import plot_masks
from analysis.figure_files import figure_files
from analysis.mask_figure import KEYS_MOST, draw_masks
from analysis.mask_pictures import mask_picture
from analysis.masks import read_masks
from analysis.segmentation_evaluated import telling
from analysis.voc_palette import VOID
from search_spaces.study import Study

HOSTILE = ("<script>window.hurt = 1</script>", "\x1b[31mred\u202e", "$x^", "long " * 40)
FILE = "segmentation-examples.parquet"


def text_of(path: Path) -> str:
    return " ".join(ElementTree.parse(path).getroot().itertext())


def test_a_sheet_holds_the_bytes_of_the_file(folder: Path, study: Study) -> None:
    sheet = read_masks(folder, study, [1, 0], 3)
    assert sheet is not None
    assert sheet.trials == (1, 0)
    assert [one.row for one in sheet.images] == [3, 6, 9]
    rows = {(row["trial"], row["row"]): row for row in pq.read_table(folder / FILE).to_pylist()}
    for one in sheet.images:
        assert one.image.shape == (64, 64, 3)
        assert one.image.tobytes() == rows[0, one.row]["image"]
        assert one.truth.tobytes() == rows[0, one.row]["truth"]
        for trial, said in zip(sheet.trials, one.said, strict=True):
            row = rows[trial, one.row]
            assert (said.prediction.tobytes(), said.noisy.tobytes()) == (row["prediction"], row["noisy"])
            assert (said.miou, said.noisy_miou) == (row["miou"], row["noisy_miou"])
    assert sum(sheet.pixels.values()) == 64 * 64 * 3 * (1 + 2 * 2)
    assert sheet.occurring == tuple(sorted(sheet.pixels))
    assert sheet.occurring[-1] == VOID
    shares = dict(sheet.shares(sheet.images[0].truth))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["void"] == 4 / 64**2


def test_the_best_trials_without_noise_and_under_it_are_shown(folder: Path, study: Study) -> None:
    sheet = read_masks(folder, study)
    assert sheet is not None
    assert sheet.trials == (0, 2)  # the lower the number, the better without noise, and the worse under it
    assert len(sheet.images) == 4


def test_one_trial_may_be_best_in_both_and_scores_may_be_missing() -> None:
    scores: dict[int, dict[str, Any]] = {
        1: {"miou.original": 0.5, "noisy_miou.original": 0.2},
        2: {"miou.original": 0.5, "noisy_miou.original": float("nan")},
        3: {"miou.original": None},
    }
    assert telling([3, 1, 2], scores) == (1,)  # the first one among equals
    assert telling([3, 2, 2], scores) == (2,)
    assert telling([3, 4], scores) == (3,)


def test_the_same_file_gives_the_same_bytes_and_enlarged_pixels_stay_sharp(folder: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once, again = (plot_masks.write(folder, tmp_path / name, (), 1) for name in ("once", "again"))
    assert set(once) == set(figure_files("masks"))
    assert all(path.read_bytes() == again[name].read_bytes() for name, path in once.items())
    drawn = np.rint(matplotlib.image.imread(once["masks.png"])[..., :3] * 255).astype(np.uint8)
    row = pq.read_table(folder / FILE).to_pylist()[0]
    truth, said = (np.frombuffer(row[name], np.uint8).reshape(64, 64) for name in ("truth", "noisy"))
    picture = mask_picture(said, truth)[4:-4, 4:-4]  # a thin frame lies over the outermost pixels
    ways = np.lib.stride_tricks.sliding_window_view(drawn, (1, 40, 3))
    starts = np.argwhere((ways[:, :, 0, 0] == picture[0, :40]).all((2, 3)))
    assert any((drawn[top : top + 248, left : left + 248] == picture).all() for top, left in starts)
    said_text = text_of(once["masks.svg"])
    for words in ("trial 0", "trial 2", "mIoU 0.900", "mIoU 0.300", "image 3", "digit 9", "void", "white lines"):
        assert words in said_text


def test_names_of_any_kind_can_be_drawn_and_large_images_have_no_lines(
    grid: Callable[..., Path], masks: Callable[..., Path], study: Study, tmp_path: Path
) -> None:
    made = grid(study, lambda config, *_: config["batch_size"] / 64)
    masks(made, study, [0], size=(90, 240), classes=HOSTILE, images=2)
    paths = plot_masks.write(made, tmp_path, [0, 0])
    assert set(paths) == set(figure_files("masks-0"))
    said = text_of(paths["masks-0.svg"])
    assert "<script>" in said
    assert "\\x1b[31mred" in said
    assert "white lines" not in said


def test_a_score_of_no_class_is_told_and_many_classes_leave_the_legend_readable(
    grid: Callable[..., Path], masks: Callable[..., Path], study: Study
) -> None:
    def void(row: dict[str, Any]) -> None:
        row |= {"miou": None, "noisy_miou": float("nan")}

    made = grid(study, lambda config, *_: config["batch_size"] / 64)
    masks(made, study, [0], classes=[f"class {number}" for number in range(200)], images=2, change=void)
    sheet = read_masks(made, study)
    assert sheet is not None
    assert (sheet.images[0].said[0].miou, sheet.images[0].said[0].noisy_miou) == (None, None)
    said = [text.get_text() for text in draw_masks(sheet, "title").texts]
    assert said.count("no class is told") == 4
    assert sum(text.startswith("class ") for text in said) in (KEYS_MOST - 1, KEYS_MOST)
    assert f"{len(sheet.occurring) - KEYS_MOST} more classes, of fewer pixels" in said


def damaged(folder: Path, name: str) -> None:
    path = folder / FILE
    table = pq.read_table(path)
    rows = table.to_pylist()
    told = table.schema.metadata
    changes: dict[str, Callable[[], pa.Table]] = {
        "other": lambda: table.replace_schema_metadata({**told, b"study": b"another"}),
        "nameless": lambda: table.replace_schema_metadata({b"study": told[b"study"]}),
        "unlisted": lambda: table.replace_schema_metadata({**told, b"classes": b'{"a": 1}'}),
        "column": lambda: table.drop_columns(["noisy"]),
        "kind": lambda: table.set_column(table.column_names.index("height"), "height", pa.array(["x"] * len(rows))),
        "null": lambda: table.set_column(
            table.column_names.index("truth"), "truth", pa.array([None] * len(rows), pa.binary())
        ),
        "short": lambda: changed(table, rows, image=rows[0]["image"][:-1]),
        "flat": lambda: changed(table, rows, height=0),
        "class": lambda: changed(table, rows, noisy=b"\x0b" * 64 * 64),
        "twice": lambda: pa.concat_tables([table, table.slice(0, 1)]),
        "moved": lambda: changed(table, rows, truth=bytes(64 * 64)),
        "apart": lambda: changed(table, [{**row, "row": row["row"] + row["trial"]} for row in rows]),
    }
    if name == "away":
        path.unlink()
    elif name == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif name == "bytes":
        whole = path.read_bytes()
        path.write_bytes(whole[:200] + bytes(400) + whole[600:])
    elif name:
        pq.write_table(changes[name](), path)


def changed(table: pa.Table, rows: list[dict[str, Any]], **first: Any) -> pa.Table:
    return pa.Table.from_pylist([{**rows[0], **first}, *rows[1:]], table.schema)


BROKEN = "remove it, or let `robustune evaluate` make it again"


@pytest.mark.parametrize(
    ("damage", "arguments", "status", "said"),
    [
        ("", ["--trial", "7"], 2, "OPTION_INVALID: noisy: trial 7 was not evaluated (evaluated: 0, 1, 2)"),
        ("away", [], 2, f"OPTION_INVALID: noisy: its folder has no {FILE} of its own"),
        ("other", ["--trial", "0"], 2, f"OPTION_INVALID: noisy: its folder has no {FILE} of its own"),
        ("apart", [], 2, "OPTION_INVALID: noisy: trials 0, 2 were evaluated with no image in common"),
        ("nameless", [], 3, "does not list the names of its classes"),
        ("unlisted", [], 3, "does not list the names of its classes"),
        ("column", [], 3, "has no column noisy"),
        ("kind", [], 3, "has other columns than it should"),
        ("null", [], 3, "has other columns than it should"),
        ("short", [], 3, "has 12287 bytes of image in row 3 of trial 0, where its size takes 12288"),
        ("flat", [], 3, "has an image of 0 x 64 pixels in row 3 of trial 0"),
        ("class", [], 3, "has class 11 in noisy of row 3 of trial 0, and names 11 classes"),
        ("twice", [], 3, "has row 3 of trial 0 twice"),
        ("moved", [], 3, "has another image in row 3 of trial 2 than for trial 0"),
        ("cut", [], 3, "is no whole Parquet file"),
        ("bytes", [], 3, "is no whole Parquet file"),
    ],
)
def test_a_mistake_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, arguments: list[str], status: int, said: str
) -> None:
    damaged(folder, damage)
    assert plot_masks.main([str(folder), *arguments]) == status
    told = capsys.readouterr().err
    assert told.startswith(said if status == 2 else f"RESULTS_UNWRITABLE: {folder / FILE} {said}")
    assert told.endswith(f"{BROKEN}\n") == (status == 3)
    assert told.count("\n") == 1


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "²"])
def test_a_number_of_images_is_at_least_one(folder: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        plot_masks.main([str(folder), "--images", number])
    assert "is no whole number of at least 1" in capsys.readouterr().err
