"""A station's log: one line a thing, whatever a stranger wrote; a flood is told as a number; a closed stream stops nothing."""

from __future__ import annotations

import io
import json

import pytest

from teiten.errors import UsageError
from teiten.station import telling
from teiten.station.telling import Log, formed, level_of, plain


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("text", "1970-01-01T00:01:40Z warning kern: no file"),
        ("journal", "<4>kern: no file"),
        ("json", '{"time": "1970-01-01T00:01:40Z", "level": "warning", "message": "kern: no file"}'),
    ],
)
def test_forms(form: str, line: str) -> None:
    assert formed(form, "warning", "kern: no file", 100) == line


def test_what_a_stranger_wrote_is_one_line_of_text() -> None:
    out = io.StringIO()
    log = Log("json", out)
    log("error", "a\nb\x1b[31m\r\0" + "x" * 5000)
    [line] = out.getvalue().splitlines()
    assert json.loads(line)["message"].startswith("a\\nb\\x1b[31m\\r\\x00xxx")
    assert len(line) < 2200
    assert plain("日本語です") == "日本語です"


def test_what_is_below_the_least_is_not_told() -> None:
    out = io.StringIO()
    Log("text", out)("debug", "much")
    assert out.getvalue() == ""
    Log("text", out, least="debug")("debug", "much")
    assert out.getvalue().endswith("much\n")


def test_a_flood_is_told_as_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    out, now = io.StringIO(), [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    log = Log("journal", out)
    for number in range(1000):
        log("info", str(number))
    assert len(out.getvalue().splitlines()) == 200
    now[0] = 11.0
    log("info", "later")
    assert out.getvalue().splitlines()[200:] == [
        "<4>800 lines of this log were left out: more than 200 within 10 s",
        "<6>later",
    ]


def test_a_closed_stream_stops_nothing() -> None:
    out = io.StringIO()
    out.close()
    Log("text", out)("error", "nobody hears")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("<3>bad", ("error", "bad")),
        ("<0>bad", ("error", "bad")),
        ("<4>so so", ("warning", "so so")),
        ("<5>fine", ("info", "fine")),
        ("<7>detail", ("debug", "detail")),
        ("<x>text", ("info", "<x>text")),
        ("text", ("info", "text")),
        ("<3", ("info", "<3")),
        ("<9>", ("debug", "")),
    ],
)
def test_a_childs_level(line: str, told: tuple[str, str]) -> None:
    assert level_of(line) == told


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError, match="no form of log 'xml'"):
        Log("xml")
