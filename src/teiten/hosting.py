"""[serve] of teiten.toml as values: where the dashboard listens, by which names, behind what, to whom. Checked here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.alerting import Secret, secret
from teiten.errors import UsageError
from teiten.stationing import seconds, text

ROLES: Final = ("viewer", "analyst", "administrator")
"""in order: what a viewer may, an analyst may too"""
PORT: Final = 8017
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z0-9\-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """[serve.identity]: who somebody is, as a proxy in front of the dashboard says (OpenID Connect and the like)."""

    header: str = ""
    """the header in which the proxy names the user, such as `X-Forwarded-Email`"""
    groups: str = ""
    """the header with the user's groups, separated by commas; without it, groups count for nothing"""
    secret_header: str = "X-Teiten-Proxy"
    """the header with the secret that the proxy and this dashboard share"""
    secret: Secret | None = field(default=None)
    """that secret, 32 characters at least: `secret_env` names the variable, `secret_file` the file that has it"""
    roles: tuple[tuple[str, str], ...] = ()
    """a table: a user's name, `group:NAME`, or `*` for everybody that the proxy lets through, and the role; of several that
    fit, the user's own counts, else the highest of the groups', else that of `*`; whom none fits is let in nowhere"""
    logout: str = ""
    """the path at which the proxy logs out, such as `/oauth2/sign_out`"""


@dataclass(frozen=True, slots=True)
class Serving:
    """How `teiten serve` listens, and to whom."""

    host: str = "127.0.0.1"
    """the address to listen at; one that others reach needs `certificate`, `key` and a user"""
    port: int = PORT
    """the port"""
    names: tuple[str, ...] = ()
    """names of hosts by which the dashboard is called, beside its own address (and `localhost`); others are refused"""
    certificate: Path | None = None
    """the TLS certificate with its chain, PEM; replaced files are noticed"""
    key: Path | None = None
    """its key"""
    behind: tuple[Network, ...] = ()
    """addresses or prefixes of proxies in front of it: from them alone `X-Forwarded-For` and `X-Forwarded-Proto` are taken"""
    users: Path | None = None
    """the folder of users and the audit log (else the lake's name with `.users`, beside the lake)"""
    reports: Path = Path("teiten-report")
    """the folder in which reports lie beside each other: the dashboard shows them, and makes others there"""
    idle: float = 12 * 3600
    """a login ends after so long without a request that a person made, written `12h`"""
    longest: float = 7 * 86400
    """a login ends after so long in any case, written `7d`"""
    identity: Identity | None = None


KEYS: Final = ("host", "port", "names", "certificate", "key", "behind", "users", "reports", "idle", "longest")
"""settings of [serve] itself, in the order in which they are documented"""
IDENTITY: Final = ("header", "groups", "secret_header", "secret", "roles", "logout")


def read(table: Any, where: str, base: Path) -> Serving:
    """[serve], checked. `base`: the folder to which files are relative. UsageError."""
    _known(table, (*KEYS, "identity"), where)
    out: dict[str, Any] = {}
    if "host" in table:
        out["host"] = text(table["host"], f"{where}: host")
    if "port" in table:
        if not isinstance(table["port"], int) or isinstance(table["port"], bool) or not 0 <= table["port"] <= 65535:
            raise UsageError(f"{where}: port must be a number up to 65535, not {table['port']!r}.")
        out["port"] = table["port"]
    if "names" in table:
        out["names"] = tuple(name(one, f"{where}: names") for one in _list(table["names"], f"{where}: names"))
    if "behind" in table:
        out["behind"] = tuple(network(one, f"{where}: behind") for one in _list(table["behind"], f"{where}: behind"))
    for key in ("certificate", "key", "users", "reports"):
        if key in table:
            out[key] = base / Path(text(table[key], f"{where}: {key}")).expanduser()
    if ("certificate" in out) != ("key" in out):
        raise UsageError(f"{where} has a certificate without a key, or the other way round.", hint="Write both.")
    for key in ("idle", "longest"):
        if key in table:
            out[key] = seconds(table[key], f"{where}: {key}", 60, 366 * 86400)
    if "identity" in table:
        out["identity"] = _identity(table["identity"], f"{where[:-1]}.identity]", base)
        if not out.get("behind"):
            raise UsageError(
                f"{where[:-1]}.identity] belongs to a proxy, and no proxy is named.", hint='Write behind = ["127.0.0.1"].'
            )
    return Serving(**out)


def _identity(table: Any, where: str, base: Path) -> Identity:
    _known(table, (*IDENTITY, "secret_env", "secret_file"), where)
    if "secret" in table:
        raise UsageError(f"{where}: a secret is named by its place.", hint="Write secret_env or secret_file.")
    out: dict[str, Any] = {}
    for key in ("header", "groups", "secret_header"):
        if key in table:
            out[key] = text(table[key], f"{where}: {key}")
            if not _HEADER.fullmatch(out[key]):
                raise UsageError(f"{where}: {key} must be the name of a header, not {out[key]!r}.")
    if "header" not in out:
        raise UsageError(f"{where} names no header.", hint='Write header = "X-Forwarded-Email".')
    out["secret"] = secret(table, "secret", where, base)
    if out["secret"] is None:
        raise UsageError(f"{where} has no secret.", hint='Write secret_file = "proxy.secret", and the same into the proxy.')
    names = [out[key].lower() for key in ("header", "groups") if key in out]
    names.append(out.get("secret_header", Identity().secret_header).lower())
    if len(set(names)) < len(names) or set(names) & {"authorization", "cookie", "host"}:
        raise UsageError(f"{where}: the headers must be three of their own.")
    roles = table.get("roles")
    if not isinstance(roles, dict) or not roles or not all(one in ROLES for one in roles.values()):
        raise UsageError(
            f"{where}: roles must say who has which role.", hint='Write roles = { "group:staff" = "viewer" } (or analyst, ...).'
        )
    out["roles"] = tuple((str(one), str(role)) for one, role in roles.items())
    if "logout" in table:
        out["logout"] = text(table["logout"], f"{where}: logout")
        if not re.fullmatch(r"/(?![/\\])[!-~]*", out["logout"]):
            raise UsageError(f"{where}: logout must be a path such as /oauth2/sign_out, not {out['logout']!r}.")
    return Identity(**out)


def name(value: Any, where: str) -> str:
    """The name of a host, in small letters. UsageError."""
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise UsageError(f"{where}: {value!r} is no name of a host.", hint="Write it like observe.example.org, without a port.")
    return value.lower()


def network(value: Any, where: str) -> Network:
    """An address or a prefix. UsageError."""
    try:
        found = ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise UsageError(f"{where}: {value!r} is no address or prefix.", hint="Write it like 127.0.0.1 or 192.0.2.0/28.")
    return found


def _known(table: Any, keys: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    for key in table:
        if key not in keys:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(sorted(keys))}.")
    return table


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{where} must be a list, not {value!r}.")
    return value
