"""Keys: a member's own (Ed25519, kept in a file that only its owner reads), and the list of members whose word counts.

members.toml, kept by whoever merges:

    federation = "three-friends"
    zone = "Asia/Tokyo"

    [[member]]
    name = "ume"
    formerly = ["ume-home"]            # names that it had
    mib = 8                            # the largest file that is taken of it; 1 to 64, where nothing is said 8
    [[member.key]]
    public = "0vJ6...="                # as `teiten federate key` prints it
    from = 2026-10-01                  # signs from this day on, by its own clock
    until = 2027-09-30                 # and up to this one
    revoked = 2026-11-20               # the key was lost on this day: nothing new of it is accepted
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten import checking, disk, federating, periods
from teiten.enrich import datasets
from teiten.errors import TeitenError, UsageError

SECRET: Final = "teiten-federation-secret 1"
LARGEST: Final = 1 << 20
"""bytes of a list of members"""
MIB: Final = 8
"""the largest file that is taken of a member: a household's 400 days with sketches are some 6 MB"""
MOST_MIB: Final = 64
_ALIKE: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("2", "z"), ("-", ""))
"""letters, and digits, that are read as others"""


def folder() -> Path:
    """Where a member's keys and chains lie: with the user's own data."""
    return datasets.user_folder().parent / "federation"


def key_id(public: bytes) -> str:
    """A key's short name: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Signer:
    """A member's own key: 32 secret bytes."""

    seed: bytes

    @property
    def public(self) -> bytes:
        """Its 32 public bytes."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """The signature's 64 bytes (Ed25519, RFC 8032)."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    @property
    def noise(self) -> bytes:
        """A key of its own for noise: whoever has the contributions cannot work the noise out."""
        return hashlib.blake2b(b"teiten federation noise", key=self.seed, digest_size=32).digest()


def verified(public: bytes, message: bytes, signature: bytes) -> bool:
    """Did the holder of that key sign the message?"""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def own(place: Path | None = None) -> Signer:
    """The key in that folder (default: `folder()`). TeitenError where there is none, or something else."""
    path = (place or folder()) / "key"
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        seed = base64.b64decode(lines[1], validate=True)
    except FileNotFoundError:
        raise TeitenError(f"There is no key {path}.", hint="'teiten federate key' makes one.") from None
    except (OSError, UnicodeDecodeError, IndexError, binascii.Error) as error:
        raise TeitenError(
            f"{path} cannot be read as a key ({type(error).__name__}).", hint="Bring it back from a copy."
        ) from None
    if lines[0] != SECRET or len(seed) != 32:
        raise TeitenError(f"{path} is no key of a federation.", hint="Bring it back from a copy.")
    if path.stat().st_mode & 0o077:
        raise TeitenError(f"{path} can be read by others.", hint=f"chmod 600 {path}; if others had a look, make a new one.")
    return Signer(seed)


def make(*, new: bool = False, place: Path | None = None) -> Signer:
    """The key in that folder; made where there is none. new: another one is made, and the old one kept beside it."""
    base = place or folder()
    path = base / "key"
    if path.exists() and not new:
        return own(base)
    made = Signer(secrets.token_bytes(32))
    try:
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            path.replace(base / f"key.{own(base).id}")
        disk.write_whole(path, f"{SECRET}\n{base64.b64encode(made.seed).decode()}\n".encode(), mode=0o600)
    except OSError as error:
        raise TeitenError(f"{path} cannot be written: {error.strerror}.") from None
    return made


def make_hosts(path: Path) -> str:
    """A new key for sketches in that file; its id. TeitenError where something lies there."""
    if path.exists():
        raise TeitenError(f"{path} is there already.", hint="One key serves the whole federation; remove it to make another.")
    try:
        disk.write_whole(path, base64.b64encode(secrets.token_bytes(32)) + b"\n", mode=0o600)
    except OSError as error:
        raise TeitenError(f"{path} cannot be written: {error.strerror}.") from None
    return hosts_id(hosts_key(path))


def hosts_key(path: Path) -> bytes:
    """The members' shared key for sketches. TeitenError where the file holds none."""
    try:
        found = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise TeitenError(f"{path} cannot be read as a key for sketches ({type(error).__name__}).") from None
    if len(found) != 32:
        raise TeitenError(f"{path} is no key for sketches: it holds {len(found)} bytes and not 32.")
    return found


def hosts_id(key: bytes) -> str:
    """By which sketches of one key are told: 8 hexadecimal digits."""
    return hashlib.blake2b(b"id", key=key, digest_size=4).hexdigest()


# members ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A member's public key, and the days on which it signs."""

    public: bytes
    since: dt.date | None = None
    until: dt.date | None = None
    revoked: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody whose contributions count."""

    name: str
    formerly: tuple[str, ...]
    keys: tuple[Key, ...]
    mib: int = MIB
    """the largest file that is taken of it; what a month of it may weigh is a multiple (`federation.bounds`)"""

    @property
    def names(self) -> tuple[str, ...]:
        return self.name, *self.formerly


@dataclass(frozen=True, slots=True)
class Members:
    """The list of members: of which federation, in which zone its days are."""

    federation: str
    zone: str
    members: tuple[Member, ...]

    def by_key(self, key: str) -> tuple[Member, Key] | None:
        """Whose key it is; None for nobody's."""
        for one in self.members:
            for own_key in one.keys:
                if key_id(own_key.public) == key:
                    return one, own_key
        return None


def members(path: Path) -> Members:
    """The list in that file. UsageError where it is none: every name, key and day is looked at."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is too large for a list of members.")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"There is no list of members {path}.", hint="docs/guide/en/federate.md shows one; --members FILE names another."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML that I can read: {error}.") from None
    _only(table, {"federation", "zone", "member"}, str(path))
    zone = table.get("zone")
    if not isinstance(zone, str):
        raise UsageError(f"{path} names no zone of its days.", hint='Write zone = "Asia/Tokyo".')
    periods.zone(zone)
    listed = table.get("member")
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"{path} lists no member.", hint="Write one as [[member]].")
    found = tuple(_member(one, f"{path}, member {n}") for n, one in enumerate(listed, 1))
    _apart(found, path)
    return Members(federating.checked_name(table.get("federation"), f"{path}: federation"), zone, found)


def _only(table: Any, known: set[str], where: str) -> None:
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    for key in table:
        if key not in known:
            raise UsageError(f"{where} knows no '{key}'.", hint=f"It knows: {', '.join(sorted(known))}.")


def _member(table: Any, where: str) -> Member:
    _only(table, {"name", "formerly", "mib", "key"}, where)
    name = federating.checked_name(table.get("name"), f"{where}: name")
    older, listed = table.get("formerly", []), table.get("key")
    if not isinstance(older, list):
        raise UsageError(f"{where} ({name}): formerly must be a list of names.")
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"{where} ({name}) has no key.", hint="Write it as [[member.key]] with public = ....")
    mib = checking.whole(table.get("mib", MIB), 1, MOST_MIB, f"{where} ({name}): mib")
    formerly = tuple(federating.checked_name(one, f"{where}: formerly") for one in older)
    return Member(name, formerly, tuple(_key(one, f"{where} ({name}), key {n}") for n, one in enumerate(listed, 1)), mib)


def _key(table: Any, where: str) -> Key:
    _only(table, {"public", "from", "until", "revoked"}, where)
    try:
        public = base64.b64decode(table.get("public", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        public = b""
    if len(public) != 32:
        raise UsageError(f"{where}: public is no key of 32 bytes.", hint="Copy what 'teiten federate key' prints.")
    days = {}
    for name in ("from", "until", "revoked"):
        value = table.get(name)
        if value is not None and (not isinstance(value, dt.date) or isinstance(value, dt.datetime)):
            raise UsageError(f"{where}: {name} must be a day, such as 2026-10-01.")
        days[name] = value
    return Key(public, days["from"], days["until"], days["revoked"])


def _apart(found: tuple[Member, ...], path: Path) -> None:
    """UsageError where two members share a key, or a name, or have names that are read as one."""
    names: dict[str, str] = {}
    owners: dict[bytes, str] = {}
    for n, one in enumerate(found):
        if one.name in (other.name for other in found[:n]):
            raise UsageError(f"{path} lists '{one.name}' twice.", hint="Several keys of a member stand under one [[member]].")
        for name in one.names:
            other = names.setdefault(skeleton(name), one.name)
            if other != one.name:
                raise UsageError(
                    f"{path}: the names of '{one.name}' and '{other}' are read as one ({name}).", hint="Rename one."
                )
        for key in one.keys:
            if owners.setdefault(key.public, one.name) != one.name:
                raise UsageError(f"{path}: '{one.name}' and '{owners[key.public]}' have the same key.")


def skeleton(name: str) -> str:
    """What a name looks like at a glance: names of the same are taken for each other."""
    for letters, other in _ALIKE:
        name = name.replace(letters, other)
    return name
