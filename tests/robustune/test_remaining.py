"""What is left of a search is told from how long its trials live, those in flight included."""

import numpy as np
import pytest

from robustune.remaining import Life, Pace, epochs_left


def ended(*epochs: int) -> list[Life]:
    return [Life(one, False) for one in epochs]


def running(*epochs: int) -> list[Life]:
    return [Life(one, True) for one in epochs]


def test_without_stops_every_trial_trains_all_its_epochs() -> None:
    assert epochs_left(ended(9, 9, 9) + running(2, 5), 4, 9) == pytest.approx(7 + 4 + 4 * 9)


def test_nothing_is_told_before_a_few_have_ended() -> None:
    assert epochs_left(ended(9, 9) + running(2, 5), 4, 9) is None
    assert epochs_left([], 4, 9) is None


def test_of_ended_trials_alone_it_is_their_mean() -> None:
    lives = [1, 1, 1, 3, 9, 1, 3, 0]
    assert epochs_left(ended(*lives), 5, 9) == pytest.approx(5 * float(np.mean(lives)))


def test_nothing_is_left_once_all_have_ended() -> None:
    assert epochs_left(ended(1, 1, 9), 0, 9) == 0.0


def test_the_first_to_end_do_not_speak_for_those_in_flight() -> None:
    """Three of nine stop after epoch 1; six go on, and nobody has ended later yet."""
    lives = ended(1, 1, 1) + running(2, 2, 2, 2, 2, 2)
    assert epochs_left(lives, 0, 9) == pytest.approx(6 * 7)
    assert epochs_left(lives, 3, 9) == pytest.approx(6 * 7 + 3 * (1 + 8 * 6 / 9))


def test_the_estimate_tends_to_the_truth_while_trials_are_censored() -> None:
    """Lives of 1, 3 or 9 epochs, one in three going on at each rung, some watched only so far."""
    rng = np.random.default_rng(0)
    lives = rng.choice([1, 3, 9], p=[6 / 9, 2 / 9, 1 / 9], size=6000)
    seen = rng.integers(0, 9, size=6000)
    watched = [
        Life(int(life), False) if life <= till else Life(int(till), True)
        for life, till in zip(lives, seen, strict=True)
    ]
    to_come = epochs_left(watched, 1000, 9)
    already = epochs_left(watched, 0, 9)
    assert to_come is not None
    assert already is not None
    assert (to_come - already) / 1000 == pytest.approx(6 / 9 + 3 * 2 / 9 + 9 / 9, rel=0.05)
    assert already == pytest.approx(float(np.maximum(lives - seen, 0)[lives > seen].sum()), rel=0.05)


def test_the_pace_is_counted_from_the_first_epochs_of_this_run() -> None:
    looks = [(100.0, 7), (101.0, 7), (130.0, 9), (131.0, 12)]
    pace = Pace()
    for at, epochs in looks:
        pace = pace.looked(at, epochs)
    assert (pace.since, pace.earlier) == (130.0, 9)
