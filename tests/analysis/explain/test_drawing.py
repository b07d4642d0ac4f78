"""Figures and page of an explanation draw finished tables: made-up ones, hostile names, files that are not whole."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import explain_figures, explained, plot_cka, plot_filters, plot_learning_curves, records, tiles
from analysis.explain_page import likeness_table
from analysis.explained import CKA_SCHEMA, Told, read_explained
from analysis.figure_files import figure_files
from analysis.filter_figure import draw_feature_maps
from analysis.learning_curves import learning_curves
from analysis.schema import LedgerError
from search_spaces.study import Study


def test_every_kind_of_figure_comes_with_the_same_bytes_from_the_same_table(tables: Path, tmp_path: Path) -> None:
    once = {kind: explain_figures.write(kind, tables, tmp_path / "one") for kind in ("filters", "weights")}
    again = {kind: explain_figures.write(kind, tables, tmp_path / "two") for kind in once}
    for kind, paths in once.items():
        assert set(paths) == set(figure_files(kind))
        assert all(path.read_bytes() == again[kind][name].read_bytes() for name, path in paths.items())
    assert "made-up &lt;b" in once["weights"]["weights.svg"].read_text()


def test_a_long_title_is_wrapped_and_never_cut(tables: Path) -> None:
    table = read_explained(tables, explained.FEATURE_MAPS_FILE, explained.FEATURE_MAPS_SCHEMA)
    name = ("a study with a long name " * 6).strip()
    for figure in draw_feature_maps(table, name):
        title = [text for text in figure.texts if text.get_fontsize() == 10.5]
        said = " ".join(text.get_text() for text in title)
        assert said.startswith(f"{name}: feature maps of ")
        assert said.endswith(", perturbed image")
        assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in title)
        assert len({text.get_position()[1] for text in title}) == len(title) > 1
        below = [text.get_position()[1] for text in figure.texts if text.get_fontsize() != 10.5]
        assert max(below) < min(text.get_position()[1] for text in title)


def test_figures_of_a_net_with_more_layers_are_gone_after_one_with_fewer(tables: Path, tmp_path: Path) -> None:
    old = [tmp_path / name for name in figure_files("feature-maps-9")]
    for path in old:
        path.write_text("old")
    assert set(explain_figures.write("feature-maps", tables, tmp_path)) == set(
        figure_files(*(f"feature-maps-{place}" for place in range(1, 5)))
    )
    assert not any(path.exists() for path in old)


def test_what_was_told_of_an_explanation_comes_back(tables: Path) -> None:
    told = Told.of(read_explained(tables, explained.CKA_FILE, CKA_SCHEMA))
    assert told == Told("0" * 64, "made-up <b>", (0,), ("a note & more",))


def test_a_folder_without_tables_and_a_torn_table_are_told_in_one_line(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plot_cka.main([str(tmp_path)]) == 3
    assert "holds no explain/cka.parquet; let `robustune explain` make it" in capsys.readouterr().err
    inside = tmp_path / explained.FOLDER
    shutil.copytree(tables, inside)
    (inside / "cka.parquet").write_bytes(b"PAR1 no")
    assert plot_cka.main([str(tmp_path)]) == 3
    assert "let `robustune explain` make it again" in capsys.readouterr().err
    pq.write_table(pq.read_table(inside / "filters.parquet").drop_columns("depth"), inside / "filters.parquet")
    assert plot_filters.main([str(tmp_path)]) == 3
    assert "has no column depth" in capsys.readouterr().err


def test_tables_of_another_study_are_not_drawn(
    tables: Path, search: Callable[..., Path], study_of: Callable[..., Study]
) -> None:
    folder = search(study_of())
    shutil.copytree(tables, folder / explained.FOLDER)
    with pytest.raises(LedgerError, match="of another study"):
        read_explained(folder, explained.CKA_FILE, CKA_SCHEMA)


def test_likeness_is_a_column_for_each_pair_of_nets_and_nothing_for_one() -> None:
    rows = [
        {
            "net": net,
            "other": other,
            "place": up,
            "other_place": across,
            "layer": f"<l{up}>",
            "other_layer": "",
            "cka": value,
        }
        for net, other, value in (("a", "a", 1.0), ("a", "b", 0.25), ("b", "b", 1.0))
        for up in range(2)
        for across in range(2)
    ]
    shown = likeness_table(pa.Table.from_pylist(rows, schema=CKA_SCHEMA))
    assert shown.count("0.25") == 4  # each cell and what it sorts by
    assert "&lt;l1&gt;" in shown
    assert likeness_table(pa.Table.from_pylist(rows[:4], schema=CKA_SCHEMA)) == ""


def test_tiles_are_enlarged_by_whole_numbers_and_large_ones_averaged() -> None:
    small = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert tiles.fitted(small, 7).shape == (6, 6, 3)
    assert (tiles.fitted(small, 7)[::3, ::3] == small).all()
    assert tiles.fitted(np.full((200, 100, 3), 9, np.uint8), 50).shape == (50, 25, 3)
    grey = tiles.coloured(np.array([[np.nan, 0.0, 1.0]]), 0.0, 1.0)
    assert (grey[0, 0] == tiles.HATCHED).all()
    assert grey[0, 1].sum() < grey[0, 2].sum()
    assert (tiles.signed(np.zeros((1, 2, 2))) == 128).all()
    weights = tiles.signed(np.array([[[-2.0, 0.0, 2.0]]]))
    assert weights[0, :, 0].tolist() == [0, 128, 255]


def test_learning_curves_are_the_recorded_scores_of_the_trials(made_up: Path, tmp_path: Path) -> None:
    study, _, epochs = records.tables(made_up)
    drawn = learning_curves(epochs, study, [3, 0])
    assert drawn.trials.written == ("trial 3", "trial 0")
    assert [panel.metric for panel in drawn.panels] == list(study.metrics)
    recorded = sorted((row["epoch"], row["metrics.mce"]) for row in epochs.to_pylist() if row["trial"] == 3)
    panel = next(panel for panel in drawn.panels if panel.metric == "mce")
    assert panel.lines[0].corners == tuple((float(epoch), score) for epoch, score in recorded)
    assert plot_learning_curves.main([str(made_up), "--trial", "3", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} >= set(figure_files("learning-curves"))
    rows, there = records.export(made_up, tmp_path), tmp_path / "there"
    assert plot_learning_curves.main([str(rows["trials.parquet"]), "--trial", "3", "--out", str(there)]) == 0
    for name in figure_files("learning-curves"):
        assert (there / name).read_bytes() == (tmp_path / name).read_bytes()
    assert plot_learning_curves.main([str(made_up), "--trial", "999"]) == 2
    assert plot_learning_curves.main([str(made_up), "--metric", "x"]) == 2
