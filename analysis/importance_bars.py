"""Computes the bars of importance: a group for each option, a bar for each way of asking."""

from analysis.bars import Bar, Bars, bar_axis
from analysis.importance import EVALUATORS, Importances
from analysis.partial_panels import ranked
from analysis.wording import readable

NOTE = (
    "Shares of the sum over options. fANOVA: of the variance, what an option explains alone; options that are not "
    "always drawn have none. PED-ANOVA: how far the best trials' values differ from all others'. Permutation: R2 lost "
    "on held-out trials where an option is shuffled; whiskers are its standard deviation over five folds."
)


def importance_bars(found: Importances) -> dict[str, Bars]:
    """Returns the bars of each objective of which anything is said, the option that matters most first."""
    return {one.metric: _bars(found, one.metric) for one in found.judged if not one.why}


def _bars(found: Importances, objective: str) -> Bars:
    order = ranked(found, objective)
    rows = [row for row in found.table.to_pylist() if row["objective"] == objective]
    lost = sum(max(0.0, row["value"]) for row in rows if row["evaluator"] == "permutation") or 1.0
    bars = []
    for row in rows:
        spread = (row["deviation"] or 0.0) / lost
        low, high = (max(0.0, row["share"] - spread), row["share"] + spread) if spread else (row["share"],) * 2
        place = list(EVALUATORS).index(row["evaluator"])
        bars.append(Bar(order.index(row["option"]), place, row["share"], low, high))
    return Bars(
        title=readable(objective),
        label="",
        groups=tuple(readable(option) for option in order),
        series=tuple(EVALUATORS.values()),
        y=bar_axis("Share of importance", [bar.high for bar in bars]),
        bars=tuple(bars),
        notes=("",) * len(order),
    )
