"""Alignment by runs: what the lake has of a stream is told from what is new."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.lake.overlap import Alignment, Hashes, Stream


def hashes(text: str) -> Hashes:
    return np.array([ord(c) for c in text], dtype=np.uint64)


def had(stored: list[str], new: str, *, cut: bool = False, cut_end: bool = False) -> str:
    """'h' for a line that the stored streams have, 'N' for a new one."""
    alignment = Alignment([Stream(n, hashes(text)) for n, text in enumerate(stored)])
    return "".join("h" if one else "N" for one in alignment.match(hashes(new), cut=cut, cut_end=cut_end))


@pytest.mark.parametrize(
    ("stored", "new", "wanted"),
    [
        ([], "abc", "NNN"),
        (["abc"], "abc", "hhh"),
        (["abc"], "bcd", "hhN"),
        (["xax"], "axx", "hhN"),  # two equal lines in one file stay two events
        (["abc", "def"], "bcdefgh", "hhhhhNN"),  # the second ingest stored only what was new to it
        (["abc"], "xyz", "NNN"),
        (["abcdefgh"], "acegh", "hhhhh"),  # a filtered copy
        (["axbcxd"], "xbcxdq", "hhhhhN"),  # the longest run decides which x it is
        (["wxx"], "wxxxx", "hhhNN"),
        (["xxx"], "xx", "hh"),
        (["wxx"], "xxy", "hhN"),  # ambiguous: the reading with the fewest new events
    ],
)
def test_runs(stored: list[str], new: str, wanted: str) -> None:
    assert had(stored, new) == wanted


def test_files_put_together_in_another_order() -> None:
    first, second = "".join(map(chr, range(65, 91))), "".join(map(chr, range(97, 123)))
    assert had([first + second], second + first) == "h" * 52


def test_first_line_cut_in_the_middle() -> None:
    assert had(["abcdef"], "?def", cut=True) == "hhhh"
    assert had(["abcdef"], "?abc", cut=True) == "Nhhh"  # what stood before the first stored line is not known
    assert had(["abcdef"], "?xyz", cut=True) == "NNNN"


def test_last_line_cut_in_the_middle() -> None:
    assert had(["abcdef"], "bc?", cut_end=True) == "hhh"
    assert had(["abcdef"], "ef?", cut_end=True) == "hhN"


def test_piece_by_piece_is_the_same() -> None:
    stored = [hashes("abcabcabd"), hashes("xyzxy")]
    new = hashes("cabdxyzqabc")
    whole = Alignment([Stream(n, h) for n, h in enumerate(stored)]).match(new)
    pieces = Alignment([Stream(n, h) for n, h in enumerate(stored)])
    assert np.concatenate([pieces.match(new[i : i + 3]) for i in range(0, len(new), 3)]).tolist() == whole.tolist()


def test_an_input_that_goes_on_later() -> None:
    """Its earlier part matched up to the second line; the third may match only from there on."""
    first = Alignment([Stream(7, hashes("xax"))])
    first.match(hashes("ax"))
    assert first.reached() == {7: 3}
    later = Alignment([Stream(7, hashes("xax"), reach=3)])
    assert later.match(hashes("x")).tolist() == [False]


@pytest.mark.parametrize("pattern", [[0], [0, 1], [0, 0, 1], [0, 1, 0, 2]])
@pytest.mark.timeout(60)
def test_hostile_repeats_come_to_an_end(pattern: list[int]) -> None:
    n = 400_000
    stored = np.tile(np.array([0, 0, 0, 1], np.uint64), n // 4)
    new = np.resize(np.array(pattern, np.uint64), n)
    had([""], "a")  # compiled
    alignment = Alignment([Stream(0, stored)])
    # quadratic work would be 10^11 steps: the watchdog's minute tells it from linear
    assert alignment.match(new).any()


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    """A stream of stamped lines, some of them equal within their second, and windows of it in time order.

    Windows begin and end at seconds' edges or inside, but two that overlap share at least one whole second: at a seam
    inside a group of equal lines nobody could tell.
    """
    seed = draw(st.integers(0, 2**32))
    chance = random.Random(seed)
    stream: list[int] = []
    second_starts = []
    for second in range(draw(st.integers(3, 60))):
        second_starts.append(len(stream))
        kinds = chance.randint(1, 4)
        stream += [second * 10 + chance.randrange(kinds) for _ in range(chance.randint(1, 8))]
        stream.append(second * 10 + 9)  # one line that is unlike the others of its second
    ends = [*second_starts[1:], len(stream)]
    spans, at = [], 0
    while True:
        start = max(0, at - chance.randint(1, 12)) if spans else 0
        stop = min(len(ends), max(at, start) + chance.randint(1, 15))
        begin = second_starts[start]
        if start + 1 < at:  # cut the head anywhere in a second that the other window has whole, with a whole one after it
            begin += chance.randrange(ends[start] - second_starts[start])
        spans.append((begin, ends[stop - 1]))
        at = stop
        if stop == len(ends):
            return stream, spans


@settings(max_examples=300, deadline=None)
@given(windows())
def test_windows_of_a_stream_add_up_to_it(case: tuple[list[int], list[tuple[int, int]]]) -> None:
    stream, spans = case
    stored: list[Hashes] = []
    for begin, end in spans:
        lines = np.array(stream[begin:end], dtype=np.uint64)
        known = Alignment([Stream(n, h) for n, h in enumerate(stored)]).match(lines) if stored else np.zeros(len(lines), bool)
        stored.append(lines[~known])
    assert Counter(np.concatenate(stored).tolist()) == Counter(stream)


def test_lines_that_are_named_by_keys() -> None:
    """As with numbers: how far an input came, its last match, and what it used, are said in keys."""
    keys = np.array([10, 25, 40, 90], np.int64)

    def stream(**more: object) -> Stream:
        return Stream(7, hashes("xaxb"), keys=keys, **more)  # type: ignore[arg-type]

    first = Alignment([stream()])
    assert first.match(hashes("xa")).all()
    assert (first.reached(), first.cursor) == ({7: 26}, (7, 26))
    assert first.used()[7].tolist() == [10, 25]
    assert Alignment([stream(reach=26)]).match(hashes("xaxb")).tolist() == [True, False, False, True]
    later = Alignment([stream(used=[np.array([5, 40], np.int64), np.array([90], np.int64)])])
    assert later.match(hashes("xaxb")).tolist() == [True, True, False, False]
    part = Alignment([Stream(7, hashes("xb"), keys=keys[2:], reach=26)])  # a later stretch, in which the last match is not
    part.go_on((7, 26))
    assert part.cursor is None and part.reached() == {}
    assert part.match(hashes("xb")).all() and part.reached() == {7: 91}
    again = Alignment([stream(reach=26)])
    again.go_on((7, 26))
    assert again.cursor == (7, 26) and again.match(hashes("x")).all() and again.cursor == (7, 41)


def test_what_is_known_from_elsewhere_is_not_looked_for() -> None:
    alignment = Alignment([Stream(1, hashes("xy"))])
    assert alignment.match(hashes("xxy"), known=np.array([True, False, False])).tolist() == [False, True, True]
