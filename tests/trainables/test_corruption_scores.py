import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.corruption_errors import ErrorCount, ErrorTable
from trainables.corruption_overlaps import EXTRA, FIFTEEN, GROUPS, OVERLAPS, overlapping
from trainables.corruption_scores import (
    corruption_error,
    corruption_errors,
    group_errors,
    group_ratios,
    mce,
    relative_corruption_error,
    relative_mce,
)
from trainables.perturbations import corruptions

NAMES = ("fog", "frost", "saturate")


def table(errors: list[list[float]], clean: float = 0.1, names: tuple[str, ...] = NAMES) -> ErrorTable:
    return ErrorTable(names, tuple(range(1, len(errors[0]) + 1)), torch.tensor(errors, dtype=torch.float64), clean)


OURS = table([[0.2, 0.4], [0.3, 0.3], [0.1, 0.2]], clean=0.1)
BASELINE = table([[0.4, 0.8], [0.5, 0.7], [0.2, 0.4]], clean=0.2)


def test_scores_have_their_closed_forms() -> None:
    assert corruption_errors(OURS, BASELINE) == pytest.approx({"fog": 0.5, "frost": 0.5, "saturate": 0.5})
    other = table([[0.4, 0.8], [0.25, 0.35], [0.3, 0.6]])
    assert corruption_errors(other, BASELINE) == pytest.approx({"fog": 1, "frost": 0.5, "saturate": 1.5})
    assert group_errors(other, BASELINE) == pytest.approx({"weather": 0.75, "extra": 1.5})
    assert mce(other, BASELINE) == pytest.approx(1)
    assert mce(other, BASELINE, without=["saturate", "glass_blur"]) == pytest.approx(0.75)
    # fog (0.1 + 0.3) / (0.2 + 0.6), frost 0.4 / 0.8, saturate (0 + 0.1) / (0 + 0.2)
    assert relative_mce(OURS, BASELINE) == pytest.approx(0.5)
    assert relative_mce(other, BASELINE, without=["frost"]) == pytest.approx((1.0 / 0.8 + 0.7 / 0.2) / 2)
    ratios = group_ratios(OURS, BASELINE)
    assert ratios["weather"].tolist() == pytest.approx([0.5 / 0.9, 0.7 / 1.5])
    assert ratios["extra"].tolist() == pytest.approx([0.5, 0.5])


def test_a_part_of_a_table_is_a_table() -> None:
    part = BASELINE.only(["saturate", "fog"], [2])
    assert (part.corruptions, part.severities) == (("fog", "saturate"), (2,))
    assert part.errors.tolist() == [[0.8], [0.4]]
    assert mce(OURS.only(["fog", "saturate"], [2]), part) == pytest.approx(0.5)


def test_a_baseline_is_as_bad_as_itself() -> None:
    assert mce(BASELINE, BASELINE) == pytest.approx(1)
    assert relative_mce(BASELINE, BASELINE) == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=4, max_size=4), st.permutations(range(4))
)
def test_order_of_corruptions_and_of_severities_changes_no_score(errors: list[list[float]], order: list[int]) -> None:
    own = torch.tensor(errors[:2], dtype=torch.float64)
    other = torch.tensor(errors[2:], dtype=torch.float64)
    columns = torch.tensor([place for place in order if place < 3])
    ratios = corruption_error(own, other)
    assert torch.allclose(corruption_error(own[:, columns].flip(0), other[:, columns].flip(0)).flip(0), ratios)
    assert torch.allclose(corruption_error(own / 2, other / 2), ratios)


def test_a_baseline_without_errors_is_a_message_and_no_infinity() -> None:
    perfect = table([[0.4, 0.8], [0.0, 0.0], [0.2, 0.4]], clean=0.0)
    with pytest.raises(ValueError, match=r"the baseline makes no error under frost, .* leave this corruption out"):
        mce(OURS, perfect)
    assert math.isfinite(mce(OURS, perfect, without=["frost"]))
    with pytest.raises(ValueError, match="frost adds no error to the baseline's clean 0"):
        relative_mce(OURS, perfect)
    calm = table([[0.2, 0.2], [0.3, 0.1], [0.2, 0.4]], clean=0.2)
    with pytest.raises(ValueError, match=r"fog adds no error to the baseline's clean 0\.2"):
        relative_mce(OURS, calm)
    with pytest.raises(ValueError, match="no error under extra at severity 1"):
        group_ratios(OURS, table([[0.1, 0.1], [0.1, 0.1], [0.0, 0.1]]))
    with pytest.raises(ValueError, match="under corruption 1,"):
        corruption_error(OURS.errors, perfect.errors)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: mce(OURS, table([[0.1], [0.1], [0.1]])), "severities are 1, 2, the baseline's 1: scores measured in"),
        (lambda: mce(OURS, BASELINE.only(["fog"])), "corruptions are fog, frost, saturate, the baseline's fog"),
        (lambda: mce(OURS, BASELINE, without=NAMES), "without fog, frost, saturate no corruption is left"),
        (lambda: OURS.only(["snow"]), "no errors under 'snow'; there are fog, frost, saturate"),
        (lambda: OURS.only(["fog"], [3]), "no errors under severity 3; there are 1, 2"),
        (lambda: table([[0.1], [1.5], [0.2]]), "1.5 is no error rate from 0 to 1"),
        (lambda: table([[0.1], [math.nan], [0.2]]), "nan is no error rate"),
        (lambda: table([[0.1], [0.1], [0.2]], clean=-1), "clean: -1.0 is no error rate"),
        (lambda: table([[0.1], [0.1]]), r"errors of shape \(2, 1\), the names want \(3, 1\)"),
        (lambda: table([[0.1], [0.1]], names=("fog", "fog")), "names one twice"),
        (lambda: corruption_error(torch.rand(2, 3), torch.rand(3, 2)), r"of one shape, got \(2, 3\) and \(3, 2\)"),
        (lambda: relative_corruption_error(torch.rand(1, 3), 2.0, torch.rand(1, 3), 0.1), "2.0 is no error rate"),
        (lambda: ErrorTable.read({"errors": [[0.1]]}), "no table of errors"),
    ],
)
def test_what_cannot_be_scored_is_named(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_table_survives_plain_data() -> None:
    again = ErrorTable.read(OURS.plain())
    assert (again.corruptions, again.severities, again.clean) == (OURS.corruptions, OURS.severities, OURS.clean)
    assert torch.equal(again.errors, OURS.errors)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 2**31))
def test_streamed_errors_are_those_of_the_whole_whatever_the_batches(sizes: list[int], seed: int) -> None:
    cells = [("clean", 0), *((name, severity) for name in NAMES for severity in (1, 5))]
    wrong = torch.rand(len(cells), 97, generator=torch.Generator().manual_seed(seed)) < 0.3
    counts = [ErrorCount(), ErrorCount()]
    for row, (name, severity) in enumerate(cells):
        for number, batch in enumerate(cut(wrong[row], sizes)):
            counts[number % 2].add(name, severity, batch)
    counts[0].merge(counts[1])
    found = counts[0].table(NAMES, (1, 5))
    assert torch.equal(found.errors, wrong[1:].double().mean(1).view(3, 2))
    assert found.clean == float(wrong[0].double().mean())


def cut(values: Tensor, sizes: list[int]) -> list[Tensor]:
    """In batches of these sizes, over and over."""
    found, first = [], 0
    while first < len(values):
        size = sizes[len(found) % len(sizes)]
        found.append(values[first : first + size])
        first += size
    return found


def test_missing_and_uneven_cells_are_named() -> None:
    counts = ErrorCount()
    counts.add(*ErrorCount.CLEAN, torch.zeros(4, dtype=torch.bool))
    counts.add("fog", 1, torch.ones(4, dtype=torch.bool))
    with pytest.raises(ValueError, match="no image counted for fog 2"):
        counts.table(("fog",), (1, 2))
    counts.add("fog", 2, torch.ones(3, dtype=torch.bool))
    with pytest.raises(ValueError, match="other numbers of images than the 4 of clean for fog 2"):
        counts.table(("fog",), (1, 2))
    with pytest.raises(ValueError, match=r"want \(n,\) booleans"):
        counts.add("fog", 1, torch.zeros(4))


def test_groups_are_those_of_the_corruptions() -> None:
    assert dict(GROUPS) == corruptions.groups()
    assert (*FIFTEEN, *EXTRA) == corruptions.names()
    assert len(FIFTEEN) == 15


def test_overlaps_name_known_corruptions_and_give_reasons() -> None:
    for name, overlap in OVERLAPS.items():
        assert set(overlap.corruptions) <= set(corruptions.names()), name
        assert overlap.reason
    assert overlapping(["crop_flip", "augmix", "fooling", "stylised"]) == {}
    found = overlapping(["pixel", "gaussian", "augmix/brightness"])
    assert set(found) == {"gaussian_noise", "shot_noise", "speckle_noise", "impulse_noise", "brightness"}
    assert set(found["impulse_noise"]) == {"pixel"}
    with pytest.raises(ValueError, match="no training perturbation 'gausian'; did you mean 'gaussian'"):
        overlapping(["gausian"])
