"""Bodies of other log shippers become whole lines; what they are about is not looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.station.senders import lines

LINE = "2026-04-01T00:00:00+09:00 gw kernel: DROP IN=ppp0 SRC=192.0.2.1"
BARE = "kernel: DROP IN=ppp0"
TIME = "2026-04-01T01:00:00Z"
BIT = '{"date":1775001600.25,"log":"%s"}'
JSON = "application/json"
ROWS = "application/x-ndjson"


def said(**one: Any) -> bytes:
    return json.dumps(one).encode()


CASES: list[tuple[str, str, bytes, str, int]] = [
    ("text", "text/plain", b"a\nb\n", "a\nb\n", 0),
    ("text without an end", "", b"a\r\nb", "a\r\nb\n", 0),
    ("rsyslog, JSON type but lines", JSON + "; charset=utf-8", b"Apr  1 a\nApr  1 b\n", "Apr  1 a\nApr  1 b\n", 0),
    ("vector", JSON, b"[" + said(message=LINE, host="x", timestamp=TIME) + b"]", LINE + "\n", 0),
    ("vector, lines", ROWS, b'{"message":"2026-04-01 a"}\n{"message":"Apr  1 b"}\n', "2026-04-01 a\nApr  1 b\n", 0),
    ("journal's message", JSON, said(message=BARE, host="gw", timestamp="2026-04-01T01:00:00.5+09:00"),
     f"2026-03-31T16:00:00.500000+00:00 gw {BARE}\n", 0),
    ("fluent bit", JSON, f"[{BIT % BARE}]".encode(), f"2026-04-01T00:00:00.250000+00:00 - {BARE}\n", 0),
    ("with a priority", JSON, b'["<4>Apr  1 00:00:00 gw kernel: x"]', "<4>Apr  1 00:00:00 gw kernel: x\n", 0),
    ("no time at all", JSON, said(message="kernel: x", timestamp="soon"), "kernel: x\n", 0),
    ("a host that is none", JSON, said(log="x", date=0, host="a b\nc"), "1970-01-01T00:00:00.000000+00:00 - x\n", 0),
    ("two lines in one", JSON, said(message="2026-04-01 a\n2026-04-01 forged\n"), "2026-04-01 a 2026-04-01 forged\n", 0),
    ("nothing to say", JSON, b'[{"other":1}, 3, null, {"message":""}, {"message":7}]', "", 5),
    ("an impossible time", JSON, said(log="x", date=1e300), "x\n", 0),
    ("empty", JSON, b"", "", 0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "expected", "refused"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_they_send(kind: str, body: bytes, expected: str, refused: int) -> None:
    assert lines(body, kind) == (expected.encode(), expected.count("\n"), refused)


KEYS = st.sampled_from(["message", "log", "date", "timestamp", "host", "x"])
PLAIN = st.none() | st.floats() | st.text(max_size=9)
ANY = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


@settings(max_examples=60)
@given(st.binary(max_size=200) | ANY.map(lambda one: json.dumps(one).encode()))
def test_any_body(body: bytes) -> None:
    block, many, refused = lines(body, "application/json")
    assert block.count(b"\n") == many and (not block or block.endswith(b"\n")) and refused >= 0
