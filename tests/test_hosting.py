"""[serve] of teiten.toml: what may stand there, and what is told where it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from teiten import hosting
from teiten.errors import UsageError

IDENTITY = {"header": "X-User", "secret_file": "proxy.secret", "roles": {"*": "viewer"}}


def test_nothing_said_is_this_machine_alone() -> None:
    found = hosting.read({}, "teiten.toml, [serve]", Path())
    assert found == hosting.Serving() and found.host == "127.0.0.1" and found.identity is None and not found.behind


def test_everything_said(tmp_path: Path) -> None:
    table = {
        "host": "192.0.2.10", "port": 443, "names": ["Observe.Example.org"], "certificate": "a.pem", "key": "/etc/a.key",
        "behind": ["127.0.0.1", "10.0.0.0/8", "::1"], "users": "u", "idle": "30m", "longest": "2d",
        "identity": {**IDENTITY, "groups": "X-Groups", "logout": "/oauth2/sign_out"},
    }  # fmt: skip
    found = hosting.read(table, "teiten.toml, [serve]", tmp_path)
    assert found.names == ("observe.example.org",) and found.certificate == tmp_path / "a.pem" and found.users == tmp_path / "u"
    assert (found.idle, found.longest, len(found.behind), found.key) == (1800, 172800, 3, Path("/etc/a.key"))
    assert found.identity is not None and found.identity.roles == (("*", "viewer"),)
    assert found.identity.secret_header == "X-Teiten-Proxy"


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"hosts": "x"}, "no setting 'hosts'"),
        ({"host": ""}, "must be a text"),
        ({"port": True}, "number up to 65535"),
        ({"port": 70000}, "number up to 65535"),
        ({"names": "x"}, "must be a list"),
        ({"names": ["http://x/"]}, "no name of a host"),
        ({"names": ["x:443"]}, "no name of a host"),
        ({"behind": ["proxy"]}, "no address or prefix"),
        ({"behind": ["10.0.0.1/8"]}, "no address or prefix"),
        ({"certificate": "a"}, "without a key"),
        ({"idle": "soon"}, "must be seconds"),
        ({"idle": 5}, "lies between"),
        ({"identity": IDENTITY}, "no proxy is named"),
        ({"behind": ["::1"], "identity": 7}, "must be a table"),
        ({"behind": ["::1"], "identity": {"header": "X"}}, "no secret"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "secret": "x" * 40}}, "named by its place"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "header": "X User"}}, "name of a header"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "header": "Cookie"}}, "three of their own"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "header": "x-teiten-proxy"}}, "three of their own"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "roles": {}}}, "who has which role"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "roles": {"*": "root"}}}, "who has which role"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "logout": "//evil"}}, "must be a path"),
        ({"behind": ["::1"], "identity": {**IDENTITY, "logout": "/\\evil"}}, "must be a path"),
    ],
)
def test_what_does_not_fit(table: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why) as found:
        hosting.read(table, "teiten.toml, [serve]", Path())
    assert "x" * 40 not in str(found.value), "a secret is not repeated"
