"""What a proxy in front says: the client's address, whether it came by TLS, who it is. Believed from named addresses alone."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from teiten.errors import UsageError
from teiten.hosting import ROLES, Identity, Network

if TYPE_CHECKING:
    from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]
FORWARDING: Final = frozenset(
    {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-real-ip", b"forwarded", b"via"}
)
SHORTEST_SECRET: Final = 32
_LONGEST_NAME: Final = 254


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a request's headers. user: as the proxy names them; refused: why it was not believed."""

    through: bool
    """does it come from a proxy, by its headers at least?"""
    user: str = ""
    role: str = ""
    refused: str = ""


class Proxies:
    """Reads and removes what a proxy adds. UsageError where the secret is not there or too short."""

    def __init__(self, behind: tuple[Network, ...], identity: Identity | None) -> None:
        self.behind, self.identity = behind, identity
        self._secret = b""
        if identity is not None and identity.secret is not None:
            self._secret = identity.secret.value().encode()
            if len(self._secret) < SHORTEST_SECRET:
                raise UsageError(
                    f"The secret of [serve.identity] has fewer than {SHORTEST_SECRET} characters.", hint="openssl rand -hex 32"
                )
        own = (identity.header, identity.groups, identity.secret_header) if identity is not None else ()
        self._own = frozenset(one.lower().encode() for one in own if one)

    def trusted(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found.version == one.version and found in one for one in self.behind)

    def cleaned(self, scope: Scope) -> tuple[dict[str, Any], Said]:
        """The request without these headers, with the client's own address and scheme; and who it is said to be."""
        headers: Headers = list(scope["headers"])
        peer = str((scope.get("client") or ("", 0))[0])
        out: dict[str, Any] = dict(scope)
        out["headers"] = [(key, value) for key, value in headers if key not in FORWARDING and key not in self._own]
        through = any(key in FORWARDING for key, _ in headers)
        if not self.trusted(peer):
            named = any(key in self._own for key, _ in headers)
            return out, Said(through, refused="it did not come from the proxy" if named else "")
        out["client"] = (self._client(headers, peer), 0)
        protos = [one.strip() for key, value in headers if key == b"x-forwarded-proto" for one in value.lower().split(b",")]
        if protos:
            # the last is what the nearest proxy says
            out["scheme"] = "https" if protos[-1] == b"https" else "http"
        return out, self._who(headers)

    def _client(self, headers: Headers, peer: str) -> str:
        """The last address that no proxy of ours has."""
        said = b",".join(value for key, value in headers if key == b"x-forwarded-for").decode("latin-1")
        for one in reversed([part.strip() for part in said.split(",") if part.strip()]):
            found = _address(one)
            if found is None:
                return peer
            if not self.trusted(str(found)):
                return str(found)
            peer = str(found)
        return peer

    def _who(self, headers: Headers) -> Said:
        identity = self.identity
        if identity is None:
            return Said(True)
        users = _all(headers, identity.header)
        if not users or users == [""]:
            return Said(True)
        if len(users) > 1:
            return Said(True, refused="it names two users")
        given = _all(headers, identity.secret_header)
        if len(given) != 1 or not hmac.compare_digest(given[0].encode("utf-8", "surrogateescape"), self._secret):
            return Said(True, refused="the proxy's secret is another")
        user = users[0]
        if len(user) > _LONGEST_NAME or not user.isprintable():
            return Said(True, refused="the user's name is none")
        groups = _all(headers, identity.groups) if identity.groups else []
        if len(groups) > 1:
            return Said(True, refused="it names groups twice")
        role = role_of(dict(identity.roles), user, [one.strip() for one in (groups or [""])[0].split(",") if one.strip()])
        return Said(True, user, role) if role else Said(True, user, refused="no role is theirs")

    def word(self, user: str) -> str:
        """What their forms carry: nobody can make it who does not know the secret."""
        return hmac.new(self._secret, b"word " + user.encode(), hashlib.sha256).hexdigest()


def role_of(roles: Mapping[str, str], user: str, groups: list[str]) -> str:
    """The user's own role, else the highest of their groups', else that of everybody; '' for none."""
    if user in roles and not user.startswith("group:") and user != "*":
        return roles[user]
    found = [roles[f"group:{one}"] for one in groups if f"group:{one}" in roles]
    return max(found, key=ROLES.index) if found else roles.get("*", "")


def _all(headers: Headers, name: str) -> list[str]:
    wanted = name.lower().encode()
    return [value.decode("utf-8", "surrogateescape").strip() for key, value in headers if key == wanted]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as proxies write it: 192.0.2.1, [2001:db8::1], with a port or without."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def loopback(address: str) -> bool:
    """Is it an address of this machine alone?"""
    found = _address(address)
    return found is not None and found.is_loopback
