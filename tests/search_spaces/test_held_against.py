"""A refused value of one section hides nothing that is wrong in another, and accuses nobody."""

import pytest

from search_spaces import StudyError

LATE = "reference = 1.2\nfrom_epoch = 10"
DEAR = "grace = 20"


def keys(read, text):
    with pytest.raises(StudyError) as caught:
        read(text)
    return [one.key for one in caught.value.complaints]


@pytest.mark.parametrize(
    ("part", "instead", "refused"),
    [
        ("trials = 48", "trials = 0", "budget.trials"),
        ("trials = 48", "trials = 48\nhours = 0", "budget.hours"),
        ("trials = 48", "trials = 48\npatience = 48", "budget.patience"),
        ("trials = 48", "trials = 48\ntotal_epochs = true", "budget.total_epochs"),
        ("trials = 48", "trials = 48\nhoers = 2", "budget.hoers"),
        ("trials = 48", "", "budget.trials"),
        ("reduction = 3", "reduction = 1", "early_stopping.reduction"),
        ('metric = "mce"', 'metric = "mse"', "objectives[1].metric"),
        ('metric = "mce"', "metric = 3", "objectives[1].metric"),
        ('goal = "min"', 'goal = "less"', "objectives[1].goal"),
        ('goal = "min"\n', "", "objectives[1].goal"),
        ("startup_trials = 8", "startup_trials = 0", "sampler.startup_trials"),
    ],
)
def test_a_refused_value_hides_nothing_of_other_sections(read, lawful, part, instead, refused):
    assert part in lawful
    text = lawful.replace("reference = 1.2", LATE).replace("grace = 1", DEAR).replace(part, instead, 1)
    assert sorted(keys(read, text)) == sorted([refused, "objectives[1].from_epoch", "early_stopping.grace"])


def test_a_refused_epochs_is_held_against_nothing(read, lawful):
    text = lawful.replace("epochs = 9", "epochs = 0\ntotal_epochs = 2").replace("reference = 1.2", LATE)
    assert keys(read, text) == ["budget.epochs"]


def test_a_refused_count_of_trials_is_held_against_nothing(read, lawful):
    text = lawful.replace("trials = 48", "trials = 0\npatience = 100000").replace(
        "startup_trials = 8", "startup_trials = 99"
    )
    assert keys(read, text) == ["budget.trials"]


def test_what_stands_below_a_refused_table_keeps_its_place(read, lawful):
    text = lawful.replace("reference = 0.5", "reference = true").replace("reference = 1.2", LATE)
    assert keys(read, text) == ["objectives[0].reference", "objectives[1].from_epoch"]
    text = lawful.replace(
        "at_least = 0.6", 'at_least = "much"\n[[constraints]]\nmetric = "mce"\nat_most = 1\nfrom_epoch = 10'
    )
    assert keys(read, text) == ["constraints[0].at_least", "constraints[1].from_epoch"]


def test_one_refused_option_of_a_sampler_hides_no_other_law(read, lawful):
    text = lawful.replace(
        'name = "tpe"\nstartup_trials = 8', 'name = "nsga2"\npopulation_size = 49\nmutation_probability = 2'
    )
    assert sorted(keys(read, text)) == ["sampler.mutation_probability", "sampler.population_size"]
    text = lawful.replace("startup_trials = 8", "startup_trials = 49\ncandidates = 0")
    assert sorted(keys(read, text)) == ["sampler.candidates", "sampler.startup_trials"]
