"""Every language says the same things, with the same fields, in glyphs that the font has; numbers and dates are right."""

from __future__ import annotations

import datetime as dt
import re
import string
import subprocess
from pathlib import Path

import pytest

from teiten import lang
from teiten.data import fonts
from teiten.errors import DataError

SOURCE = Path(lang.__file__).parents[1]


def texts(entry: str | dict[str, str]) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


def fields(entry: str | dict[str, str]) -> set[str]:
    return {name for text in texts(entry) for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_are_found_by_being_there() -> None:
    assert lang.languages() == ["en", "ja"]
    with pytest.raises(DataError, match="xx"):
        lang.words("xx")


@pytest.mark.parametrize("code", lang.languages())
def test_same_keys_and_no_field_that_english_lacks(code: str) -> None:
    english, other = lang.entries("en"), lang.entries(code)
    assert set(english) == set(other)
    # the code hands these to every sentence of their kind, whether a language needs them or not
    always = {"n", "before", "this", "month", "hour", "end", "last"}
    strange = {k: fields(other[k]) - fields(english[k]) - always for k in english}
    assert {k: v for k, v in strange.items() if v} == {}


@pytest.mark.parametrize("code", lang.languages())
def test_every_character_can_be_drawn(code: str) -> None:
    missing = {k: m for k, e in lang.entries(code).items() for t in texts(e) if (m := fonts.covers(t) - {"\n"})}
    assert missing == {}


def test_nothing_shouts() -> None:
    for code in lang.languages():
        for key, entry in lang.entries(code).items():
            assert not any("!" in t or "!" in t for t in texts(entry)), (code, key)


def test_every_key_is_used() -> None:
    """A key that no code names is dead: keys are written out in the code, or made of a prefix that is."""
    code = "\n".join(p.read_text(encoding="utf-8") for kind in ("*.py", "*.html") for p in SOURCE.rglob(kind))
    literal = set(re.findall(r"[\"']([a-z_]+(?:\.[A-Za-z_]+)+)[\"']", code))
    made = set(re.findall(r"f[\"']([a-z_]+\.(?:[a-z_]+_)?)\{", code))
    made |= set(re.findall(r"[\"']([a-z_]+\.(?:[a-z_]+_)?)[\"'] \+", code))
    own = ("daily.", "weekly.", "monthly.", "quarterly.", "span.", "running.", "zone.", "title.", "reading.", "web_wrong.")
    dead = [
        k for k in lang.entries("en") if k not in literal and not k.startswith(own) and not any(k.startswith(m) for m in made)
    ]
    assert dead == []


def test_no_sentence_lives_in_the_code() -> None:
    """Japanese text stands in the language files and data, not in the report's code."""
    for path in (SOURCE / "report").rglob("*.py"):
        if path.parent.name == "figures":
            continue
        code = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", code), path


@pytest.mark.parametrize(
    ("n", "en", "ja"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (12_345, "12,345", "1.23万"),
        (123_456, "123,456", "12.3万"),
        (1_000_000, "1 million", "100万"),
        (1_234_567, "1.23 million", "123万"),
        (123_456_789, "123 million", "1.23億"),
    ],
)
def test_large_numbers(n: int, en: str, ja: str) -> None:
    assert lang.words("en").large(n) == en
    assert lang.words("ja").large(n) == ja


def test_numbers_and_plurals() -> None:
    en, ja = lang.words("en"), lang.words("ja")
    assert [en("count.packets", n=n) for n in (0, 1, 2, 1234)] == ["0 packets", "1 packet", "2 packets", "1,234 packets"]
    assert ja("count.packets", n=1234) == "1,234パケット"
    assert en.signed(-1234) == "−1,234"
    assert en.signed(0) == "±0"
    assert ja.change(0.1234) == "+12.3%"
    assert ja.change(-12.34) == "−1,234%"
    assert (ja.percent(0.1234), en.percent(0.1234)) == ("12.3%", "12.3\N{NO-BREAK SPACE}%")
    assert (ja.percent(0.0004), ja.percent(0)) == ("<0.1%", "0.0%")
    assert en.listed(["a", "b", "c"]) == "a, b and c"
    assert ja.listed(["a", "b", "c"]) == "a、b、c"


def test_places() -> None:
    en, ja = lang.words("en"), lang.words("ja")
    places = (1, 3, 10, 11, 12, 13, 21, 22, 23, 28, 101, 111, 1002)
    expected = "first third tenth 11th 12th 13th 21st 22nd 23rd 28th 101st 111th 1,002nd"
    assert [en.ordinal(n) for n in places] == expected.split()
    assert [ja.ordinal(n) for n in (1, 28, 1002)] == ["1位", "28位", "1,002位"]
    assert (en.nth(1), en.nth(3), en.nth(21)) == ("First", "Third", "21st")
    assert (ja.nth(1), ja.nth(3)) == ("最も多いのは", "3番目に多いのは")


def test_dates() -> None:
    day = dt.date(2019, 10, 22)
    at = dt.datetime(2019, 10, 22, 14, 5)
    en, ja = lang.words("en"), lang.words("ja")
    assert (en.day(day), ja.day(day)) == ("Tue 22 Oct", "10月22日(火)")
    assert (en.month(day), ja.month(day)) == ("October 2019", "2019年10月")
    assert (en.moment(at), ja.moment(at)) == ("Tue 22 Oct, 14:05", "10月22日(火)14時05分")
    midnight = dt.datetime(2019, 10, 23)
    assert (en.span(at, midnight), ja.span(at, midnight)) == ("Tue 22 Oct, 14:05 to 24:00", "10月22日(火)14時05分〜24時")
    assert (en.duration(dt.timedelta(hours=27)), ja.duration(dt.timedelta(hours=27))) == ("1 day 3 hours", "1日3時間")


def test_fields_are_plain_names() -> None:
    """A format with attributes would let text from a log reach into objects; fields are looked up by their whole name."""
    with pytest.raises(KeyError):
        lang._FORMATTER.vformat("{n.__class__}", (), {"n": 1})


def test_starts_without_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; import teiten.lang; print(sorted(m for m in sys.modules if m in {'polars', 'duckdb', 'numpy', 'numba'}))"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
