"""Which trials deserve more seeds: those of which it is not clear whether they stand on the front."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from analysis.confirmation.confirming import judged, standing
from analysis.confirmation.drawing import likely
from analysis.confirmation.nets import Floats, Nets, Whole, nets_of
from analysis.confirmation.variances import spread
from analysis.front import goals, losses
from search_spaces.study import Study

FIRST_SEEDS = 3
"""Seeds that every trial gets before any is told from the others."""
CLEAR = 0.1
"""A trial is clear where the probability of belonging to the front is below this, or above 1 minus it."""
RIVAL = 0.25
"""A trial is a rival of an open one where the probability that it dominates that one is between this and 1 minus it."""
DRAWS = 500


def next_seeds(
    trials: pa.Table, outcomes: pa.Table, study: Study, most: int, trained: Mapping[int, int] | None = None
) -> Mapping[int, int]:
    """Returns how many more seeds each trial deserves now, the least clear first; empty where nothing is open.

    Every trial gets `FIRST_SEEDS`; then each whose place is not clear gets one more, and so does each that dominates
    such a one in some of the draws and not in others, until it has `most`. Ask again when those are in.

    Args:
        trials: of `analysis.records.trials`.
        outcomes: so far, of the columns `record.OUTCOMES`; trials without a row are not told of.
        study: theirs.
        most: seeds of one trial.
        trained: nets of each trial so far, with those that failed and so have no row; None: no net failed. A trial
            whose nets fail gets no more for that.

    Raises:
        NotConfirmable: as `confirming.confirmed`.
    """
    nets = nets_of(outcomes)
    counts = nets.seeds if trained is None else np.array([trained[trial] for trial in nets.trials])
    return {nets.trials[point]: more for point, more in wanted(nets, study, most, counts).items()}


def wanted(nets: Nets, study: Study, most: int, counts: Whole | None = None, seed: int = 0) -> dict[int, int]:
    """Returns the same for points, by the (K,) `counts` of their nets, by default those that scored."""
    first, counts = min(FIRST_SEEDS, most), nets.seeds if counts is None else counts
    few = {point: int(first - count) for point, count in enumerate(counts) if count < first}
    if few or counts.min() >= most:
        return few
    joint = judged(nets, study)
    seen = spread(joint)
    drawn = likely(seen, DRAWS, np.random.default_rng(seed))
    chance = standing(drawn, joint.metrics, study).mean(axis=0)
    open_ = (chance > CLEAR) & (chance < 1 - CLEAR)
    doubt = np.minimum(chance, 1 - chance)
    rivalry = _rivalry(losses(drawn[:, :, : len(study.objectives)], goals(study)), open_)
    more = (open_ | (rivalry > RIVAL)) & (counts < most)
    order = np.argsort(-np.maximum(doubt, rivalry), kind="stable")
    return {int(point): 1 for point in order if more[point]}


def _rivalry(drawn: Floats, open_: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """(K,) how undecided it is whether a point dominates some open one: 0 decided, 0.5 not at all."""
    found = np.zeros(drawn.shape[1])
    for point in np.flatnonzero(open_):
        over = (drawn <= drawn[:, point, None, :]).all(axis=2).mean(axis=0)
        over[point] = 0.0
        found = np.maximum(found, np.minimum(over, 1 - over))
    return found
