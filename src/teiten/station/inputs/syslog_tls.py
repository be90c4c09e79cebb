"""Syslog over TLS (RFC 5425): lines that nobody on the way reads or changes; senders by certificate, where they have one."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import selectors
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError, UsageError
from teiten.station.feeds import Feed
from teiten.station.inputs import Host, _streams, _syslog
from teiten.stationing import Given, Key, text

NAME: Final = "syslog_tls"
MEANS: Final = "syslog over TLS"

_FINGERPRINT: Final = re.compile(r"sha-?256:((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)
_PIECE: Final = 1 << 18


class CertificateError(TeitenError):
    """A certificate, a key or a list of authorities cannot be used."""


def names(value: Any, where: str) -> dict[str, str]:
    """Names of certificates (or their fingerprints) and the sensors that their lines count for. UsageError."""
    if not isinstance(value, Mapping) or not value:
        raise UsageError(f'{where} must be a table such as {{"router.example" = "home"}}.')
    out = {}
    for name, one in value.items():
        found = _FINGERPRINT.fullmatch(name)
        if not found and (not name.strip() or name.lower().startswith(("sha256:", "sha-256:"))):
            raise UsageError(f"{where}: '{name}' is no name of a certificate.", hint="Write a name, or sha256: and 64 digits.")
        out["sha256:" + found[1].replace(":", "").lower() if found else name.lower()] = _syslog.sensor(one, where)
    return out


KEYS: Final = (
    dataclasses.replace(_streams.KEYS[0], default=("127.0.0.1", 6514)),
    Key("certificate", text, "file of this station's certificate (PEM), with those that lead to its authority", needed=True),
    Key("key", text, "file of its key (PEM), without a password; without it, the key lies in the certificate's file"),
    Key("clients", text, "file of authorities (PEM) whose certificates senders must show; without it, senders need none"),
    Key("names", names, "names in senders' certificates, or their fingerprints (`sha256:...`), and the sensor of each", {}),
    *_streams.KEYS[1:],
)


def check(given: Given) -> None:
    """UsageError where the settings do not go together."""
    if given["names"] and not given["clients"]:
        raise UsageError(
            f"{given.where} has names of certificates, but no clients.",
            hint="Name the file of authorities whose certificates count.",
        )


class _Tls:
    def __init__(self, given: Given, host: Host) -> None:
        check(given)
        self._host, self._most, self._names = host, given["max_line"], given["names"]
        self._files = [given.base / Path(given[key]).expanduser() for key in ("certificate", "key", "clients") if given[key]]
        self._given, self._seen = given, self._state()
        self._context = self._load()
        self.peers = _syslog.Peers(given, host, also=tuple(self._names.values()))
        self.listener = _streams.Listener(given, host, self.peers, self._door)

    def run(self, stop: threading.Event) -> None:
        self.listener.run(stop, self._look)

    def status(self) -> Mapping[str, Any]:
        return self.listener.status()

    def whose(self, handle: ssl.SSLSocket, address: str) -> Feed | None:
        """The feed of the sensor whom the sender's certificate names; of its address, where no names are given."""
        if not self._names:
            return self.peers.of(address)
        for name in shown(handle):
            if name in self._names:
                return self.peers.feeds[self._names[name]]
        return None

    def _door(self, handle: socket.socket, address: str) -> _streams.Connection | None:
        if not self._names and self.peers.of(address) is None:
            self.peers.stranger(address, "connections")
            self.peers.common.count(refused_connections=1)
            return None
        wrapped = self._context.wrap_socket(handle, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False)
        return _Secret(wrapped, address, self, self._most)

    # certificates ----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Reads certificates anew when their files have changed."""
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._context = self._load()
            self._host.tell("info", "certificates have changed, and were read anew")
        except CertificateError as error:
            self._host.tell("warning", f"{error} The one before stays in use")

    def _state(self) -> list[tuple[int, int, int]]:
        out = []
        for path in self._files:
            with contextlib.suppress(OSError):
                found = path.stat()
                out.append((found.st_ino, found.st_mtime_ns, found.st_size))
        return out

    def _load(self) -> ssl.SSLContext:
        given, files = self._given, {}
        for key, path in zip((key for key in ("certificate", "key", "clients") if given[key]), self._files, strict=True):
            files[key] = path
        out = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        out.minimum_version = ssl.TLSVersion.TLSv1_2
        out.options |= ssl.OP_NO_RENEGOTIATION  # (a sender could keep this machine busy with it)
        which = "certificate"
        try:
            # (without a password to give, the library would ask at the terminal)
            out.load_cert_chain(files["certificate"], files.get("key"), password=lambda: b"")
            which = "clients"
            if "clients" in files:
                out.load_verify_locations(files["clients"])
                out.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as error:
            why = _streams.reason(error) if isinstance(error, OSError) else error
            raise CertificateError(
                f"{given.where}: {which} ({files[which]}) cannot be used: {why}.",
                hint="It must be PEM, its key beside it (key = ...) without a password, and readable for this program.",
            ) from None
        return out


class _Secret(_streams.Connection):
    """A connection with TLS on it."""

    def __init__(self, handle: ssl.SSLSocket, address: str, station: _Tls, most: int) -> None:
        super().__init__(handle, address, None, most)
        self._tls, self._station = handle, station
        self._more = False
        self._end: OSError | bytes | None = None
        """what comes after the pieces that were read"""

    def greet(self) -> int | None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            return selectors.EVENT_WRITE
        self.feed = self._station.whose(self._tls, self.address)
        if self.feed is None:
            self._station.peers.common.count(refused_connections=1)
            raise PermissionError(0, f"no sensor is named for its certificate ({', '.join(shown(self._tls))[:200]})")
        self._more = True
        return None

    def read(self) -> bytes | None:
        if isinstance(self._end, OSError):
            raise self._end
        if self._end is not None:
            return self._end
        pieces, size = [], 0
        self._more = True
        while size < _PIECE:
            try:
                piece = self._tls.recv(_PIECE)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._more = False
                break
            except OSError as error:
                self._end = error
                break
            if not piece:
                self._end = b""
                break
            pieces.append(piece)
            size += len(piece)
        if pieces or self._end is None:
            return b"".join(pieces) or None
        return self.read()

    def bye(self) -> None:
        if self.feed is not None:
            self._tls.unwrap()

    def more(self) -> bool:
        return self._more


def shown(handle: ssl.SSLSocket) -> list[str]:
    """The names that a sender's certificate bears (its alternative names, or else its common name), and its fingerprint."""
    whole = handle.getpeercert(binary_form=True)
    if whole is None:
        return []
    found: Mapping[str, Any] = handle.getpeercert() or {}
    out = [str(name).lower() for kind, name in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address", "email")]
    if not out:
        out = [str(value).lower() for part in found.get("subject", ()) for key, value in part if key == "commonName"]
    return [*out, "sha256:" + hashlib.sha256(whole).hexdigest()]


def open(given: Given, host: Host) -> _Tls:
    return _Tls(given, host)
