"""What comes from a proxy, and is believed from it alone."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from teiten.alerting import Secret
from teiten.errors import UsageError
from teiten.hosting import Identity
from teiten.web.users.proxies import Proxies, Said, role_of

SECRET = "5" * 64
ROLES = (("mari@example.org", "administrator"), ("group:soc", "analyst"), ("*", "viewer"))
IDENTITY = Identity("X-Forwarded-Email", "X-Forwarded-Groups", secret=Secret("secret", plain=SECRET), roles=ROLES)


def own(behind: str = "127.0.0.1", identity: Identity | None = IDENTITY) -> Proxies:
    return Proxies((ipaddress.ip_network(behind),), identity)


def asked(peer: str, *headers: tuple[str, str]) -> dict[str, Any]:
    return {"client": (peer, 5), "scheme": "http", "headers": [(k.lower().encode(), v.encode("utf-8")) for k, v in headers]}


FULL = (("X-Forwarded-Email", "mari@example.org"), ("X-Teiten-Proxy", SECRET))


def test_who_the_proxy_says() -> None:
    scope, said = own().cleaned(asked("127.0.0.1", *FULL, ("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")))
    assert said == Said(True, "mari@example.org", "administrator")
    assert scope["client"][0] == "192.0.2.7" and scope["scheme"] == "https" and scope["headers"] == []


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.66", FULL),
        ("127.0.0.2", FULL),
        ("::1", FULL),
        ("", FULL),
        ("127.0.0.1", FULL[:1]),
        ("127.0.0.1", (FULL[0], ("X-Teiten-Proxy", "5" * 63))),
        ("127.0.0.1", (FULL[0], ("X-Teiten-Proxy", ""))),
        ("127.0.0.1", (*FULL, ("X-Teiten-Proxy", "guess"))),
        ("127.0.0.1", (*FULL, ("X-Forwarded-Email", "eve@example.org"))),
        ("127.0.0.1", (("X-Forwarded-Email", "ma\tri"), FULL[1])),
        ("127.0.0.1", (("X-Forwarded-Email", "x" * 300), FULL[1])),
        ("127.0.0.1", (*FULL, ("X-Forwarded-Groups", "soc"), ("X-Forwarded-Groups", "admin"))),
    ],
)
def test_who_is_not_believed(peer: str, headers: tuple[tuple[str, str], ...]) -> None:
    scope, said = own().cleaned(asked(peer, *headers))
    assert said.refused and not said.role
    assert not scope["headers"], "what was not believed goes no further"


def test_nobody_named_is_nobody() -> None:
    for headers in ((), FULL[1:], (("X-Forwarded-Email", ""), FULL[1])):
        _, said = own().cleaned(asked("127.0.0.1", *headers))
        assert said == Said(True)
    _, said = own(identity=None).cleaned(asked("127.0.0.1", *FULL))
    assert said == Said(True)


def test_addresses_that_are_forwarded() -> None:
    proxies = own("10.0.0.0/8")
    for given, found in (
        ("192.0.2.7", "192.0.2.7"), ("203.0.113.1, 192.0.2.7", "192.0.2.7"), ("192.0.2.7, 10.1.2.3", "192.0.2.7"),
        ("1.1.1.1, nonsense, 10.1.2.3", "10.1.2.3"), ("nonsense", "10.0.0.1"), ("", "10.0.0.1"),
        ("[2001:db8::1]:99", "2001:db8::1"),
        ("192.0.2.7:4711", "192.0.2.7"), ("10.2.2.2", "10.2.2.2"), ("127.0.0.1\x1b[31m", "10.0.0.1"),
    ):  # fmt: skip
        assert proxies.cleaned(asked("10.0.0.1", ("X-Forwarded-For", given)))[0]["client"][0] == found, given
    stranger, said = proxies.cleaned(asked("192.0.2.66", ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https")))
    assert stranger["client"][0] == "192.0.2.66" and stranger["scheme"] == "http" and said == Said(True)
    assert not stranger["headers"]
    last = proxies.cleaned(asked("10.0.0.1", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")))[0]
    assert last["scheme"] == "http", "the last is what the nearest proxy says"


def test_roles() -> None:
    roles = dict(ROLES)
    assert role_of(roles, "mari@example.org", []) == "administrator"
    assert role_of(roles, "ken@example.org", ["x", "soc"]) == "analyst" and role_of(roles, "ken@example.org", []) == "viewer"
    assert role_of({"group:soc": "analyst"}, "ken@example.org", []) == ""
    assert role_of(roles, "*", []) == "viewer" and role_of({"group:soc": "analyst"}, "group:soc", []) == ""
    assert role_of({"mari": "viewer", "group:soc": "administrator"}, "mari", ["soc"]) == "viewer", "one's own role counts"
    assert role_of({"group:a": "viewer", "group:b": "analyst"}, "x", ["a", "b"]) == "analyst"


def test_a_short_secret_is_none() -> None:
    for text in ("", "short", "5" * 31):
        with pytest.raises(UsageError) as found:
            own(identity=Identity("X-User", secret=Secret("secret", plain=text), roles=ROLES))
        assert not text or text not in str(found.value)


def test_words_of_forms() -> None:
    assert own().word("a") == own().word("a") != own().word("b")
