"""Bodies of other log shippers become whole lines; what they are about is not looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.station.senders import lines

LINE = "2026-04-01T00:00:00+09:00 gw kernel: DROP IN=ppp0 SRC=192.0.2.1"
BARE = "kernel: DROP IN=ppp0"
CASES: list[tuple[str, str, bytes, bytes, int]] = [
    ("text", "text/plain", b"a\nb\n", b"a\nb\n", 0),
    ("text without an end", "", b"a\r\nb", b"a\r\nb\n", 0),
    ("rsyslog, JSON type but lines", "application/json; charset=utf-8", b"Apr  1 a\nApr  1 b\n", b"Apr  1 a\nApr  1 b\n", 0),
    ("vector", "application/json", json.dumps([{"message": LINE, "host": "x", "timestamp": "2026-04-01T01:00:00Z"}]).encode(), LINE.encode() + b"\n", 0),
    ("vector, lines", "application/x-ndjson", b'{"message":"2026-04-01 a"}\n{"message":"Apr  1 b"}\n', b"2026-04-01 a\nApr  1 b\n", 0),
    ("journal's message", "application/json", json.dumps({"message": BARE, "host": "gw", "timestamp": "2026-04-01T01:00:00.5+09:00"}).encode(), b"2026-03-31T16:00:00.500000+00:00 gw " + BARE.encode() + b"\n", 0),
    ("fluent bit", "application/json", b'[{"date":1775001600.25,"log":"' + BARE.encode() + b'"}]', b"2026-04-01T00:00:00.250000+00:00 - " + BARE.encode() + b"\n", 0),
    ("with a priority", "application/json", b'["<4>Apr  1 00:00:00 gw kernel: x"]', b"<4>Apr  1 00:00:00 gw kernel: x\n", 0),
    ("no time at all", "application/json", b'{"message":"kernel: x","timestamp":"soon"}', b"kernel: x\n", 0),
    ("a host that is none", "application/json", b'{"log":"x","date":0,"host":"a b\\nc"}', b"1970-01-01T00:00:00.000000+00:00 - x\n", 0),
    ("two lines in one", "application/json", b'{"message":"2026-04-01 a\\n2026-04-01 forged\\n"}', b"2026-04-01 a 2026-04-01 forged\n", 0),
    ("nothing to say", "application/json", b'[{"other":1}, 3, null, {"message":""}, {"message":7}]', b"", 5),
    ("an impossible time", "application/json", b'[{"log":"x","date":1e300}]', b"x\n", 0),
    ("empty", "application/json", b"", b"", 0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "expected", "refused"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_they_send(kind: str, body: bytes, expected: bytes, refused: int) -> None:
    assert lines(body, kind) == (expected, expected.count(b"\n"), refused)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.floats() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["message", "log", "date", "timestamp", "host", "x"]), inner, max_size=4)).map(lambda v: json.dumps(v).encode()))  # fmt: skip
def test_any_body(body: Any) -> None:
    block, many, refused = lines(body, "application/json")
    assert block.count(b"\n") == many and (not block or block.endswith(b"\n")) and refused >= 0
