"""A permission says who may be asked; anything that is missing or doubtful in it stops the survey before it begins."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

import pytest

from teiten.devices.survey import permission
from teiten.errors import UsageError

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
GOOD = """[permission]
by = "Example Net"
reference = "letter of 2026-11-02"
contact = "survey@example.ac.jp"
from = 2026-11-03
until = 2027-01-31
prefixes = ["203.0.113.0/24", "2001:db8::/32"]
opt_out = "no.txt"
"""


def written(folder: Path, text: str, out: str = "203.0.113.128/25  # the school\n\n") -> Path:
    (folder / "no.txt").write_text(out)
    path = folder / "permission.toml"
    path.write_text(text)
    return path


def test_who_may_be_asked(tmp_path: Path) -> None:
    found = permission.read(written(tmp_path, GOOD), NOW)
    for text, may in (
        ("203.0.113.7", True),
        ("203.0.113.200", False),
        ("203.0.114.1", False),
        ("2001:db8::1", True),
        ("::1", False),
    ):
        assert (found.why_not(ipaddress.ip_address(text), NOW) is None) is may, text
    assert found.why_not(ipaddress.ip_address("203.0.113.7"), NOW + dt.timedelta(days=200)) is not None
    with pytest.raises(permission.NotPermittedError):
        found.gate(ipaddress.ip_address("192.0.2.1"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('by = "Example Net"', ""), "by is missing"),
        (('reference = "letter of 2026-11-02"', 'reference = ""'), "reference is missing"),
        (("survey@example.ac.jp", "me"), "no mail address"),
        (("survey@example.ac.jp", "a@b.c\\r\\nX: y"), "contact is missing, or no text of one line"),
        (("2027-01-31", "2026-11-22"), "today is 2026-11-23"),
        (("2027-01-31", "2028-01-31"), "at most 366 days"),
        (("2026-11-03", "2026-12-03"), "today is"),
        (("from = 2026-11-03", ""), "from is a day"),
        (('["203.0.113.0/24", "2001:db8::/32"]', "[]"), "prefixes is a list"),
        (("203.0.113.0/24", "0.0.0.0/0"), "wider than anybody may permit"),
        (("203.0.113.0/24", "203.0.113.1/24"), "is no prefix"),
        (("2001:db8::/32", "::/0"), "wider than anybody may permit"),
        (("[permission]", "[permissions]"), r"one table"),
        (("by =", "buy ="), "no 'buy'"),
        (("opt_out = \"no.txt\"", "opt_out = \"none.txt\""), "opt-out list .* cannot be read"),
        (("by =", "by = ="), "no TOML"),
    ],
)  # fmt: skip
def test_what_is_doubtful_stops_it(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        permission.read(written(tmp_path, GOOD.replace(*change)), NOW)


def test_a_line_of_the_opt_out_list_that_is_not_understood_stops_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no.txt, line 2: '203.0.113' is no address"):
        permission.read(written(tmp_path, GOOD, "203.0.113.1\n203.0.113\n"), NOW)
    with pytest.raises(UsageError, match="There is no permission"):
        permission.read(tmp_path / "nothing.toml", NOW)
