"""Lines of whole numbers, numbered by a kernel: as a plain reading in Python has them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodassoc_cli.intake.layouts import fimi_codes
from prodassoc_cli.intake.layouts.fimi_codes import numbered_lines


def rows_of(*texts: bytes, folder, start: int = 0) -> tuple[list[tuple[int, str]], int] | None:
    """The line and the text of each word, and the number of lines."""
    files = []
    for place, text in enumerate(texts):
        path = folder / f"{place}.dat"
        path.write_bytes(text)
        files.append((path, start))
    found = numbered_lines(files)
    if found is None:
        return None
    assert found.texts.n_unique() == len(found.texts)
    return list(zip(found.line.tolist(), found.texts.gather(found.word).to_list(), strict=True)), found.lines


def read_plainly(text: bytes) -> tuple[list[tuple[int, str]], int]:
    lines = text.decode().replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    return [(place, word) for place, line in enumerate(lines) for word in line.split()], len(lines)


WORDS = st.one_of(st.integers(0, 30).map(str), st.from_regex(r"\A0{0,3}[0-9]{1,14}\Z"))
GAPS = st.sampled_from([" ", "  ", "\t", " \t "])
LINES = st.lists(
    st.tuples(
        st.sampled_from(["", " ", "\t"]), st.lists(st.tuples(WORDS, GAPS).map("".join), max_size=5),
        st.sampled_from(["\n", "\n", "\r\n"]),
    ).map(lambda parts: parts[0] + "".join(parts[1]) + parts[2]),
    max_size=12,
).map(lambda lines: "".join(lines).encode())  # fmt: skip


@settings(max_examples=40)
@given(text=LINES, ended=st.booleans(), size=st.integers(1, 40), room=st.sampled_from([1, 4, 4096]))
def test_words_are_those_that_python_reads(tmp_path_factory, text, ended, size, room):
    text = text if ended else text.removesuffix(b"\n").removesuffix(b"\r")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fimi_codes, "BLOCK_BYTES", size)
        patch.setattr(fimi_codes, "FIRST_WORDS", room)
        assert rows_of(text, folder=tmp_path_factory.getbasetemp()) == read_plainly(text)


@settings(max_examples=40)
@given(
    text=LINES,
    at=st.integers(0, 200),
    odd=st.sampled_from([b"x", b"-", b"\r", b"\v", b"\xc2\xa0", b"\0", b",", b'"']),
)
def test_what_is_not_plain_is_left_to_others(tmp_path_factory, text, at, odd):
    at = min(at, len(text))
    text = text[:at] + odd + (b"" if odd != b"\r" else b" ") + text[at:]
    assert rows_of(text, folder=tmp_path_factory.getbasetemp()) is None


@pytest.mark.parametrize(
    ("word", "plain"), [("9" * 17, True), ("0" * 17, True), ("9" * 18, False), ("1" * 40, False)]
)
def test_words_that_do_not_fit_into_a_number_are_left_to_others(tmp_path, word, plain):
    found = rows_of(f"1 {word}\n".encode(), folder=tmp_path)
    assert found == (([(0, "1"), (0, word)], 1) if plain else None)


def test_files_go_on_with_lines_and_numbers(tmp_path):
    assert rows_of(b"1 2\n\n3", b"2 3\n", folder=tmp_path) == (
        [(0, "1"), (0, "2"), (2, "3"), (3, "2"), (3, "3")], 4,
    )  # fmt: skip


def test_what_stands_before_the_first_row_is_passed_over(tmp_path):
    assert rows_of(b"sep= \n1 2\n", folder=tmp_path, start=6) == ([(0, "1"), (0, "2")], 1)


def test_more_words_than_the_first_table_holds(tmp_path):
    text = "\n".join(f"{each} {each % 7}" for each in range(20_000)).encode()
    assert rows_of(text, folder=tmp_path) == read_plainly(text)
