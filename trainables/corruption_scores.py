"""Scores of a network under corruptions, relative to a baseline's: pure functions of tables of error rates."""

from collections.abc import Collection, Sequence
from typing import Final

import torch
from torch import Tensor

from trainables.corruption_errors import ErrorTable, check_rates, listed
from trainables.corruption_overlaps import GROUPS

# A sum of rates below this is none: one error in a million images is more, what float64 rounds is less.
_NONE: Final = 1e-9


def corruption_error(errors: Tensor, baseline_errors: Tensor, names: Sequence[str] = ()) -> Tensor:
    """Severity-summed error of each corruption relative to a baseline network's.

    Args:
        errors: (corruptions, severities) top-1 error rates in [0, 1].
        baseline_errors: same shape, of the baseline.
        names: of the corruptions, for messages.

    Returns:
        (corruptions,) float64 ratios; 1 means as bad as the baseline.

    Raises:
        ValueError: other shapes or rates, or the baseline makes no error at all on some corruption.

    Source: Hendrycks & Dietterich 2019, section 4, with the sums over the severities at hand.
    """
    _check_pair("corruption_error", errors, baseline_errors)
    sums = baseline_errors.double().sum(1)
    for row in (sums <= _NONE).nonzero().flatten().tolist():
        raise ValueError(
            f"corruption_error: the baseline makes no error under {_name(names, row)}, so nothing can be relative to "
            "it; take more images, higher severities or a weaker baseline, or leave this corruption out"
        )
    return errors.double().sum(1) / sums


def relative_corruption_error(
    errors: Tensor, clean: float, baseline_errors: Tensor, baseline_clean: float, names: Sequence[str] = ()
) -> Tensor:
    """Severity-summed error that a corruption adds to the clean one, relative to what it adds to a baseline's.

    Args:
        errors: (corruptions, severities) top-1 error rates in [0, 1].
        clean: error rate on clean images.
        baseline_errors: same shape, of the baseline.
        baseline_clean: of the baseline.
        names: of the corruptions, for messages.

    Returns:
        (corruptions,) float64 ratios; 0 means that corruptions do no harm, below 0 that they help.

    Raises:
        ValueError: other shapes or rates, or some corruption adds no error to the baseline's clean one.

    Source: Hendrycks & Dietterich 2019, section 4.
    """
    _check_pair("relative_corruption_error", errors, baseline_errors)
    check_rates("relative_corruption_error", torch.tensor([clean, baseline_clean]))
    added = (baseline_errors.double() - baseline_clean).sum(1)
    for row in (added <= _NONE).nonzero().flatten().tolist():
        raise ValueError(
            f"relative_corruption_error: {_name(names, row)} adds no error to the baseline's clean "
            f"{baseline_clean:.3g}, so nothing can be relative to that; take more images or higher severities, or "
            "leave this corruption out"
        )
    return (errors.double() - clean).sum(1) / added


def corruption_errors(table: ErrorTable, baseline: ErrorTable) -> dict[str, float]:
    """CE by corruption.

    Raises:
        ValueError: as `corruption_error`, or the two tables were measured under other corruptions or severities.
    """
    _check_alike(table, baseline)
    ratios = corruption_error(table.errors, baseline.errors, table.corruptions)
    return dict(zip(table.corruptions, ratios.tolist(), strict=True))


def flawless(baseline: ErrorTable, beyond: float = 0.0) -> tuple[str, ...]:
    """Corruptions under which a baseline's errors, summed over severities, are none beyond a rate.

    Nothing can be relative to them: CE where the rate is 0, relative CE where it is the baseline's clean one.
    """
    sums = (baseline.errors - beyond).sum(1)
    return tuple(baseline.corruptions[row] for row in (sums <= _NONE).nonzero().flatten().tolist())


def group_errors(table: ErrorTable, baseline: ErrorTable) -> dict[str, float]:
    """Mean CE of each group's corruptions that are in the table; groups without any are left out.

    Raises:
        ValueError: as `corruption_errors`.
    """
    own = corruption_errors(table, baseline)
    there = {group: [own[name] for name in names if name in own] for group, names in GROUPS.items()}
    return {group: sum(values) / len(values) for group, values in there.items() if values}


def group_ratios(table: ErrorTable, baseline: ErrorTable) -> dict[str, Tensor]:
    """(severities,) error of each group's corruptions relative to the baseline's, severity by severity.

    Raises:
        ValueError: the tables were measured in different ways, or the baseline makes no error in a group at a severity.
    """
    _check_alike(table, baseline)
    found = {}
    for group, names in GROUPS.items():
        there = [name for name in names if name in table.corruptions]
        if there:
            sums = [which.only(there).errors.double().sum(0) for which in (table, baseline)]
            for column in (sums[1] <= _NONE).nonzero().flatten().tolist():
                raise ValueError(
                    f"group_ratios: the baseline makes no error under {group} at severity {table.severities[column]}, "
                    "so nothing can be relative to it; take more images or a weaker baseline"
                )
            found[group] = sums[0] / sums[1]
    return found


def mce(table: ErrorTable, baseline: ErrorTable, without: Collection[str] = ()) -> float:
    """Mean CE over the corruptions in the table but those of `without`; 1 for the baseline itself.

    Args:
        table: of the network.
        baseline: measured under the same corruptions and severities.
        without: corruptions that count for nothing, such as those that training resembles.

    Raises:
        ValueError: as `corruption_errors`, or no corruption is left.
    """
    _check_alike(table, baseline)
    own = corruption_errors(table.without(without), baseline.without(without))
    return sum(own.values()) / len(own)


def relative_mce(table: ErrorTable, baseline: ErrorTable, without: Collection[str] = ()) -> float:
    """Mean relative CE over the corruptions in the table but those of `without`; 1 for the baseline itself.

    Raises:
        ValueError: as `mce` and `relative_corruption_error`.
    """
    _check_alike(table, baseline)
    mine, other = table.without(without), baseline.without(without)
    ratios = relative_corruption_error(mine.errors, mine.clean, other.errors, other.clean, mine.corruptions)
    return float(ratios.mean())


def _check_alike(table: ErrorTable, baseline: ErrorTable) -> None:
    for kind in ("corruptions", "severities"):
        own, other = getattr(table, kind), getattr(baseline, kind)
        if own != other:
            raise ValueError(
                f"the network's {kind} are {listed(own)}, the baseline's {listed(other)}: scores measured in "
                "different ways are not compared; measure the baseline again"
            )


def _check_pair(where: str, errors: Tensor, baseline_errors: Tensor) -> None:
    if errors.ndim != 2 or errors.shape != baseline_errors.shape:
        came = f"{tuple(errors.shape)} and {tuple(baseline_errors.shape)}"
        raise ValueError(f"{where}: want two tables (corruptions, severities) of one shape, got {came}")
    check_rates(where, errors)
    check_rates(f"{where}: baseline", baseline_errors)


def _name(names: Sequence[str], row: int) -> str:
    return names[row] if names else f"corruption {row}"
