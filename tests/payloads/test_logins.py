"""Names and passwords: over a connection's messages, and within one payload."""

from __future__ import annotations

from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.payloads import drawn, logins


def test_telnet_logins_over_two_messages(heard: Session) -> None:
    found = {(one.user, one.password): one for one in logins.logins(heard, Filters())}
    assert set(found) == {("root", "xc3511"), ("admin", "admin"), ("admin", "1234")}
    mirai = found["root", "xc3511"]
    assert (mirai.hosts, mirai.times, list(mirai.ports)) == (10, 10, ["23/tcp"])
    assert list(found["admin", "1234"].ports) == ["80/tcp"]
    assert mirai.first < mirai.last


def test_own_addresses_are_covered_in_them(heard: Session) -> None:
    own = [bytes([198, 51, 100, 23])]
    assert logins._of([b"root\r\n", b"198.51.100.23\r\n"], frozenset(own), telnet=True) == (("root", "***.***.***.***"),)


def test_typed_lines() -> None:
    assert drawn.typed(b"\xff\xfd\x03root\r\0vizxv\r\0sh\r\0") == (("root", "vizxv"),)
    assert drawn.typed(b"root\r\nxc3511\r\nadmin\r\nadmin\r\nenable\r\nsystem\r\n") == (("root", "xc3511"), ("admin", "admin"))
    assert drawn.typed(b"enable\r\nsystem\r\nshell\r\n") == ()
    assert drawn.typed(b"") == ()


def test_a_honeypots_words_are_a_login_at_telnet_too() -> None:
    assert logins._of([b"USER root\r\nPASS vizxv\r\n"], frozenset(), telnet=True) == (("root", "vizxv"),)
