"""Hostile study files are refused soon, in printable lines, without much memory."""

import os
import resource
import time

import pytest

from search_spaces import StudyError, read_study

HEAD = 'trainer = "classification"\ndata = "embedded-digits"\n'
TAIL = '[[objectives]]\nmetric = "mce"\ngoal = "min"\nreference = 1\n[budget]\ntrials = 2\nepochs = 2\n'


def study(space):
    return f"{HEAD}[space]\n{space}\n{TAIL}"


HOSTILE = {
    "100 MB": b"#" * 100_000_000,
    "binary": bytes(range(256)) * 100,
    "not UTF-8": b'trainer = "\xff"',
    "NUL": b'trainer = "\0"',
    "deep lists": "a = " + "[" * 100_000,
    "deep tables": "a = " + "{a = " * 20_000,
    "deep closed lists": "a = " + "[" * 5_000 + "]" * 5_000,
    "dotted key": "a." * 100_000 + "a = 1",
    "dotted quoted key": '"a" . ' * 30_000 + "a = 1",
    "dotted header": "[" + "a." * 100_000 + "a]",
    "long run of one letter": "a" * 250_000,
    "quotes": '"' * 250_000,
    "dots": "." * 250_000,
    "duplicate key": "trainer = 1\ntrainer = 2",
    "duplicate table": "[budget]\n[budget]",
    "no TOML": "trainer: classification",
    "million values": study("batch_size = { choice = [" + "1," * 1_000_000 + "] }"),
    "values": study("batch_size = { choice = [" + ",".join(map(str, range(1, 40_000))) + "] }"),
    "wrong values": study("batch_size = { choice = [" + "'x'," * 50_000 + "] }"),
    "wrong kinds of values": study("batch_size = { choice = [" + "[]," * 60_000 + "] }"),
    "many subsets": study("fooling_rates = { subset = [" + ",".join(map(str, range(1, 40))) + "] }"),
    "many options": study("\n".join(f"a{number} = {{ choice = [1] }}" for number in range(8_000))),
    "many unknown keys": "".join(f"trainr{number} = 1\n" for number in range(12_000)),
    "many objectives": HEAD + '[[objectives]]\nmetric = "mcee"\n' * 7_000,
    "many measures": HEAD + "measure = [" + '"mcee",' * 30_000 + "]",
    "huge grid": study("batch_size = { whole = [1, 8192] }\nattack = { whole = [1, 8192] }\n[sampler]\nname = 'grid'"),
    "endless number": "seed = " + "9" * 10_000,
    "endless hexadecimal number": "seed = 0x" + "f" * 100_000,
    "long conditions": study(
        "batch_size = { choice = [" + ",".join(map(str, range(1, 1000))) + "] }\n"
        "noise_scale = { uniform = [0, 1], when = { batch_size = [" + "999," * 60_000 + "] } }"
    ),
    "ANSI and bidi": '"\\u001b[31m\\u202e" = 1\ntrainer = "\\u001b]0;title\\u0007"\n[space]\n"\\u001b" = 3\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_soon_in_printable_lines(written, vocabularies, name):
    content = HOSTILE[name]
    path = written(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    with pytest.raises(StudyError) as caught:
        read_study(path, vocabularies)
    assert time.process_time() - begun < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert 1 <= len(caught.value.complaints) <= 101
    for line in str(caught.value).splitlines():
        assert line.isprintable()
        assert len(line) < 1_500
        assert str(path) in line


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1\nb = \n", "line 2, column 5"),
        ("trainer: x", "line 1, column 8"),
        ("a = 1\na = 2\n", "line 2, column"),
        ("a = 'x", "end of document"),
        (b"a = 1\n\nb = '\xff'", "line 3: it is not UTF-8"),
    ],
)
def test_what_is_not_toml_has_its_place_named(written, vocabularies, text, place):
    with pytest.raises(StudyError, match=place):
        read_study(written(text), vocabularies)


def test_directories_missing_files_and_pipes_are_one_clear_line(tmp_path, vocabularies):
    os.mkfifo(tmp_path / "pipe.toml")
    cases = {
        tmp_path: "directory",
        tmp_path / "no.toml": "no such file",
        tmp_path / "pipe.toml": "regular",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path / "a\0b": "cannot be read",
    }
    for path, words in cases.items():
        with pytest.raises(StudyError, match=words) as caught:
            read_study(path, vocabularies)
        assert str(caught.value).isprintable()


def test_a_byte_order_mark_and_windows_line_ends_are_read(read, lawful):
    text = b"\xef\xbb\xbf" + lawful.replace("\n", "\r\n").encode()
    assert read(text).digest == read(lawful).digest
