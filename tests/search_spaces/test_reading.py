"""Every law of a study file is complained about under its key, with the nearest right name, all at once."""

import os
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import StudyError, find, read_study, shipped
from search_spaces.complaints import quote


def complaints_of(read, text):
    with pytest.raises(StudyError) as caught:
        read(text)
    return {complaint.key: complaint.message for complaint in caught.value.complaints}


def test_a_lawful_study_is_read_whole(read, lawful):
    study = read(lawful)
    assert list(study.space) == [
        "batch_size",
        "learning_rate",
        "fooling_rates",
        "extra_share",
        "transform",
        "mirror",
    ], "as declared, conditions after what they look at"
    assert study.metrics == ("clean_accuracy", "mce", "attacked_accuracy")
    assert study.sampler.options == {"startup_trials": 8}
    assert study.options == {"model": "resnet18", "attack_steps": 5}


def test_comments_order_and_spelling_of_numbers_leave_the_digest(read, lawful):
    head, *sections = re.split(r"(?m)^(?=\[(?!\[))", lawful)
    constraints = "[[constraints]]" + sections[1].partition("[[constraints]]")[2]
    objectives = sections[1].removesuffix(constraints)
    shuffled = head + "# a comment\n" + "".join(reversed([sections[0], constraints, objectives, *sections[2:]]))
    shuffled = shuffled.replace("[1e-5, 1e-2]", "[0.00001, 0.01]").replace("[0.1, 1.0]", "[0.1, 1]")
    assert shuffled != lawful
    assert read(shuffled).digest == read(lawful).digest


BROKEN = [
    # (what the lawful text has, what stands there instead, key, words of the message)
    ("seed = 7", "sead = 7", "sead", "unknown.*did you mean 'seed'"),
    ("seed = 7", "seed = true", "seed", "true is not a whole number"),
    ("seed = 7", "seed = -1", "seed", "-1 is not at least 0"),
    ('"all parts at once"', "3", "description", "3 is not a text"),
    ('"all parts at once"', '"a\\u001b[31m"', "description", "control"),
    ('trainer = "classification"', 'trainer = "clasification"', "trainer", "did you mean 'classification'"),
    ('trainer = "classification"', "", "trainer", "missing"),
    ("embedded-digits", "embedded_digits", "data", "did you mean 'embedded-digits'"),
    ('"attacked_accuracy"', '"atacked_accuracy"', "measure[0]", "did you mean 'attacked_accuracy'"),
    ('["attacked_accuracy"]', '"attacked_accuracy"', "measure", "not a list"),
    ('["attacked_accuracy"]', '["mce", "mce"]', "measure[1]", "twice"),
    ('"resnet18"', '"resnet81"', "options.model", "one of 'resnet18', 'resnet34'.*did you mean 'resnet18'"),
    ("attack_steps = 5", "attack_step = 5", "options.attack_step", "did you mean 'attack_steps'"),
    ("attack_steps = 5", "attack_steps = 0", "options.attack_steps", "0 is not a whole number at least 1"),
    ("attack_steps = 5", "attack_steps = true", "options.attack_steps", "true is not a whole number"),
    ("attack_steps = 5", "attack_steps = { choice = [5] }", "options.attack_steps", "stand in \\[space\\]"),
    ("attack_steps = 5", "noise_scale = nan", "options.noise_scale", "nan is not a number"),
    ("attack_steps = 5", 'path = "a\\u0007"', "options.path", "control"),
    ("attack_steps = 5", "frozen = 1", "options.frozen", "1 is not true or false"),
    ("attack_steps = 5", "batch_size = 8", "space.batch_size", "also stands in \\[options\\]"),
    ("[8, 16, 32]", "[]", "space.batch_size.choice", "empty"),
    ("[8, 16, 32]", "8", "space.batch_size.choice", "8 is not a list"),
    ("[8, 16, 32]", "[8, 16, 8]", "space.batch_size.choice", "8 stands in the list twice"),
    ("[8, 16, 32]", "[8, 0]", "space.batch_size.choice[1]", "0 is not a whole number at least 1"),
    ("[8, 16, 32]", "[8, true]", "space.batch_size.choice[1]", "true is not a whole number"),
    ("[8, 16, 32]", "[8, [3]]", "space.batch_size.choice[1]", "not a text"),
    ("{ choice = [8, 16, 32] }", "{ uniform = [1, 8] }", "space.batch_size.uniform", "use whole"),
    ("{ choice = [8, 16, 32] }", "{ log_uniform = [1, 8] }", "space.batch_size.log_uniform", "use log_whole"),
    ("{ choice = [8, 16, 32] }", "{ whole = [8, 1] }", "space.batch_size.whole", "low must lie below high"),
    ("{ choice = [8, 16, 32] }", "{ whole = [8, 8] }", "space.batch_size.whole", "low must lie below high"),
    ("{ choice = [8, 16, 32] }", "{ whole = [8, 8.5] }", "space.batch_size.whole[1]", "8.5 is not a whole"),
    ("{ choice = [8, 16, 32] }", "{ whole = [8, 9999] }", "space.batch_size.whole[1]", "at most 8192"),
    ("{ choice = [8, 16, 32] }", "{ whole = [8] }", "space.batch_size.whole", "low, high"),
    ("{ choice = [8, 16, 32] }", "{ log_whole = [0, 8] }", "space.batch_size.log_whole[0]", "above zero"),
    ("{ choice = [8, 16, 32] }", "{ chioce = [8] }", "space.batch_size.chioce", "did you mean 'choice'"),
    ("{ choice = [8, 16, 32] }", "{ subset = [8] }", "space.batch_size.subset", "use choice"),
    ("{ choice = [8, 16, 32] }", "{ choice = [8], whole = [1, 2] }", "space.batch_size", "exactly one"),
    ("{ choice = [8, 16, 32] }", "{ }", "space.batch_size", "exactly one"),
    ("{ choice = [8, 16, 32] }", "{ choice = [8], points = [8] }", "space.batch_size.points", "own grid"),
    ("{ choice = [8, 16, 32] }", "8", "space.batch_size", "not a domain.*\\[options\\]"),
    ("batch_size = {", "bach_size = {", "space.bach_size", "did you mean 'batch_size'"),
    ("batch_size = { choice", "attack_step = { choice", "space.attack_step", "not an option"),
    (
        "attack_steps = 5",
        "[space.attack_steps]\nwhole = [1, 4]",
        "space.attack_steps",
        "cannot be searched",
    ),
    ("[1e-5, 1e-2]", "[0, 1e-2]", "space.learning_rate.log_uniform[0]", "above zero"),
    ("[1e-5, 1e-2]", "[-1, 1e-2]", "space.learning_rate.log_uniform[0]", "above zero"),
    ("[1e-5, 1e-2]", "[1e-5, inf]", "space.learning_rate.log_uniform[1]", "inf is not a finite"),
    ("[1e-5, 1e-2]", "[nan, 1e-2]", "space.learning_rate.log_uniform[0]", "nan is not a finite"),
    ("[1e-5, 1e-2]", "[1e-5, true]", "space.learning_rate.log_uniform[1]", "true is not a number"),
    ("[1e-5, 1e-2]", '["1e-5", 1e-2]', "space.learning_rate.log_uniform[0]", "'1e-5' is not a number"),
    ("[1e-5, 1e-2]", "[1e-5, 11]", "space.learning_rate.log_uniform[1]", "at most 10"),
    ("points = [1e-5, 1e-3]", "points = [1]", "space.learning_rate.log_uniform", "outside"),
    ("points = [1e-5, 1e-3]", "when = { transfrom = 1 }", "space.learning_rate.when.transfrom", "'transform'"),
    ("points = [1e-5, 1e-3]", "when = { learning_rate = 1 }", "space.learning_rate.when.learning_rate", "itself"),
    ("points = [1e-5, 1e-3]", "when = { transform = 'nune' }", "space.learning_rate.when.transform", "never takes"),
    ("points = [1e-5, 1e-3]", "when = { batch_size = [8, 9] }", "space.learning_rate.when.batch_size", "never takes 9"),
    ("points = [1e-5, 1e-3]", "when = { batch_size = true }", "space.learning_rate.when.batch_size", "never takes"),
    ("points = [1e-5, 1e-3]", "when = { batch_size = [] }", "space.learning_rate.when", "1 to 100"),
    ("points = [1e-5, 1e-3]", "when = { fooling_rates = 5 }", "space.learning_rate.when.fooling_rates", "nonempty"),
    ("points = [1e-5, 1e-3]", "when = { model = 'resnet18' }", "space.learning_rate.when.model", "held fixed"),
    (
        "points = [1e-5, 1e-3]",
        "when = { extra_share = 0.2 }",
        "space.learning_rate.when.extra_share",
        "never comes",
    ),
    ("points = [1e-5, 1e-3]", "when = 3", "space.learning_rate.when", "3 is not a table"),
    ('["none", "crop_flip"]', '["none", "crop_fip"]', "space.transform.choice[1]", "did you mean 'crop_flip'"),
    ('{ choice = ["none", "crop_flip"] }', "{ whole = [0, 1] }", "space.transform.whole", "use choice"),
    ("[5, 20, 100]", "[5, -20]", "space.fooling_rates.subset[1]", "-20 is not a number above 0"),
    ("[5, 20, 100]", "[5, 5]", "space.fooling_rates.subset", "twice"),
    ("[5, 20, 100]", "[]", "space.fooling_rates.subset", "empty"),
    ("{ subset = [5, 20, 100] }", "{ choice = [5] }", "space.fooling_rates.choice", "use subset"),
    ('goal = "max"', 'goal = "maxx"', "objectives[0].goal", "did you mean 'max'"),
    ('goal = "max"', 'goal = "min"', "objectives[0].goal", "better when higher"),
    ('goal = "max"', 'gaol = "max"', "objectives[0].gaol", "did you mean 'goal'"),
    ('goal = "max"', 'gaol = "max"', "objectives[0].goal", "missing"),
    ('metric = "mce"', 'metric = "mCE"', "objectives[1].metric", "did you mean 'mce'"),
    ('metric = "mce"', "metric = 3", "objectives[1].metric", "3 is not a text"),
    ('metric = "mce"\ngoal = "min"', 'metric = "clean_accuracy"\ngoal = "max"', "objectives[1].metric", "already"),
    ("reference = 0.5", "reference = 50", "objectives[0].reference", "1.0 at best"),
    ("reference = 0.5", "reference = nan", "objectives[0].reference", "nan is not a finite"),
    ("reference = 0.5", "reference = true", "objectives[0].reference", "true is not a number"),
    ("reference = 1.2", "reference = 0", "objectives[1].reference", "0.0 at best"),
    ("at_least = 0.6", "", "constraints[0]", "needs at_least, at_most or both"),
    ("at_least = 0.6", "at_least = 0.6\nat_most = 0.5", "constraints[0]", "lies above"),
    ("at_least = 0.6", "at_least = 60", "constraints[0].at_least", "at most 1.0"),
    ("at_least = 0.6", "at_leest = 0.6", "constraints[0].at_leest", "did you mean 'at_least'"),
    ("[[constraints]]", "[constraints]", "constraints", "write each one under \\[\\[constraints\\]\\]"),
    ("trials = 48", "trials = 0", "budget.trials", "0 is not at least 1"),
    ("trials = 48", "trials = 1000000000", "budget.trials", "at most 100000"),
    ("trials = 48", "", "budget.trials", "missing"),
    ("epochs = 9", "epochs = 9.0", "budget.epochs", "9.0 is not a whole number"),
    ("epochs = 9", "epoch = 9", "budget.epoch", "did you mean 'epochs'"),
    ("[budget]\ntrials = 48\nepochs = 9", "", "budget", "missing"),
    ("[budget]\ntrials = 48\nepochs = 9", "[[budget]]", "budget", "not a table"),
    ('"tpe"', '"tep"', "sampler.name", "did you mean 'tpe'"),
    ('"tpe"', '"nsag2"', "sampler.name", "did you mean 'nsga2'"),
    ('"tpe"', '"random"', "sampler.startup_trials", "unknown"),
    ('name = "tpe"', "", "sampler.name", "missing"),
    ("startup_trials = 8", "startup_trials = 0", "sampler.startup_trials", "at least 1"),
    ("startup_trials = 8", "startup_trails = 8", "sampler.startup_trails", "did you mean 'startup_trials'"),
    ('"tpe"\nstartup_trials = 8', '"nsga2"\npopulation_size = 49', "sampler.population_size", "at random"),
    ('"tpe"\nstartup_trials = 8', '"nsga2"\nmutation_probability = 2', "sampler.mutation_probability", "at most 1"),
    ('"tpe"\nstartup_trials = 8', '"grid"', "space.extra_share", "needs the points of a uniform"),
    ('"pareto_halving"', '"pareto_halfing"', "early_stopping.name", "did you mean 'pareto_halving'"),
    ('name = "pareto_halving"', "", "early_stopping.name", "missing"),
    ("grace = 1", "grace = 10", "early_stopping.grace", "9 epochs of the budget"),
    ("grace = 1", "grace = 0", "early_stopping.grace", "at least 1"),
    ("reduction = 3", "reduction = 1", "early_stopping.reduction", "at least 2"),
]


@pytest.mark.parametrize(("part", "instead", "key", "words"), BROKEN, ids=[f"{b[2]}<-{b[1]}"[:60] for b in BROKEN])
def test_a_broken_law_is_named_under_its_key(read, lawful, part, instead, key, words):
    assert part in lawful
    found = complaints_of(read, lawful.replace(part, instead, 1))
    assert key in found, found
    assert re.search(words, found[key]), found[key]


def test_one_mistake_brings_one_complaint(read, lawful):
    for part, instead, key, _ in BROKEN:
        if "gaol" in instead or "[space.attack" in instead or instead.startswith(("bach", "attack_step =")):
            continue
        found = complaints_of(read, lawful.replace(part, instead, 1))
        siblings = {one for one in found if one.rpartition(".")[0] != key.rpartition(".")[0]}
        assert not siblings - {key}, (instead, found)


def test_all_complaints_come_at_once_with_path_and_key(read, lawful):
    chosen = [
        ("seed = 7", "seed = -7"),
        ('"resnet18"', '"resnet81"'),
        ("[8, 16, 32]", "[8, 8]"),
        ("[1e-5, 1e-2]", "[1e-2, 1e-5]"),
        ('"nonempty"', '"full"'),
        ("reference = 1.2", "reference = -1"),
        ('goal = "max"', 'goal = "up"'),
        ("epochs = 9", "epochs = 0"),
        ('"tpe"', '"bayes"'),
        ("reduction = 3", "reduction = 1"),
    ]
    for part, instead in chosen:
        lawful = lawful.replace(part, instead, 1)
    with pytest.raises(StudyError) as caught:
        read(lawful)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(chosen) == len(caught.value.complaints)
    assert all("mine.toml: " in line for line in lines)
    assert pickle.loads(pickle.dumps(caught.value)).complaints == caught.value.complaints


def test_conditions_that_go_round_are_shown_as_a_round(read, lawful):
    text = lawful.replace('["none", "crop_flip"] }', '["none", "crop_flip"], when = { mirror = true } }')
    found = complaints_of(read, text)
    assert list(found.values()) in (
        ["the conditions go round: 'transform' -> 'mirror' -> 'transform'"],
        ["the conditions go round: 'mirror' -> 'transform' -> 'mirror'"],
    )


def test_a_grid_wants_points_and_a_size_that_can_be_listed(read, lawful):
    text = lawful.replace('"tpe"\nstartup_trials = 8', '"grid"').replace("[0.1, 1.0],", "[0.1, 1.0], points = [0.5],")
    assert read(text).sampler.name == "grid"
    shares = ", ".join(str(number / 10_000) for number in range(1, 1_000))
    large = text.replace("choice = [8, 16, 32]", "whole = [1, 8192]").replace("[0.5]", f"[{shares}]")
    large = large.replace("[0.1, 1.0]", "[0.0001, 1.0]")
    found = complaints_of(read, large)
    assert "at most 1000000" in found["space"]
    # More trials than points are no mistake: the search ends when the grid does.
    assert read(text.replace("trials = 48", "trials = 1000")).budget.trials == 1000


def test_numbers_take_the_option_s_type_and_elements_stay_as_written(read, lawful):
    text = lawful.replace("attack_steps = 5", "noise_scale = 1")
    assert isinstance(read(text).options["noise_scale"], float)
    assert all(isinstance(rate, int) for rate in read(text).space["fooling_rates"].values)


def test_sections_that_may_be_absent_have_defaults(read, lawful):
    study = read(re.sub(r"(?s)\[sampler\].*", "", lawful))
    assert study.sampler.name == "tpe"
    assert study.early_stopping.name == "none"


def test_an_empty_file_lacks_every_required_part(read):
    found = complaints_of(read, "")
    assert set(found) == {"trainer", "data", "space", "objectives", "budget"}


@pytest.mark.parametrize("name", ["a b.toml", "..toml", "a..b.toml", "-rf.toml", "<script>.toml", "x" * 65 + ".toml"])
def test_a_file_s_name_has_to_name_a_study(read, lawful, name):
    with pytest.raises(StudyError, match="letters, digits"):
        read(lawful, name)


def test_find_knows_shipped_names_and_paths_and_the_nearest_name(tmp_path, written):
    assert find("quickstart") == shipped()["quickstart"]
    path = written("", "own.toml")
    assert find(str(path)) == path
    for wrong in ("quikstart", "quickstart.tml", "QuickStart"):
        with pytest.raises(StudyError, match="did you mean 'quickstart'"):
            find(wrong)
    for hostile in ("a\0b", "x" * 5000, "\x1b[31m", "../../nowhere"):
        with pytest.raises(StudyError) as caught:
            find(hostile)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1000


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_one_clear_line(written, vocabularies):
    path = written("trainer = 1")
    path.chmod(0)
    with pytest.raises(StudyError, match="cannot be read: Permission denied"):
        read_study(path, vocabularies)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.text())))
def test_quoted_text_of_a_user_is_short_and_printable(value):
    assert quote(value).isprintable()
    assert len(quote(value)) <= 80
