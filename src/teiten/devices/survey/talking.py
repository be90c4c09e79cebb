"""One question to one address: connect, ask, read a little, end. Bounded in bytes and time; nothing is followed or resolved.

No connection is opened but through `Caller`, whose permission is asked before each of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from teiten import __version__
from teiten.devices import evidence
from teiten.devices.survey import certificate
from teiten.devices.survey.permission import Address, Permission

PATIENCE: Final = 5.0
"""seconds for a connection, and for an answer"""
MOST: Final = 1 << 16
"""bytes of an answer"""
DESCRIPTIONS: Final = {52869: "/picsdesc.xml", 49152: "/description.xml", 5000: "/rootDesc.xml"}
"""port of a UPnP service -> where its description usually lies"""
SSDP: Final = 1900


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked on a port. kind: one of `_ASKERS`."""

    port: int
    kind: str
    protocol: int = 6

    @property
    def text(self) -> str:
        """443/tcp https"""
        return f"{self.port}/{'tcp' if self.protocol == 6 else 'udp'} {self.kind}"


QUESTIONS: Final = (
    Question(80, "http"), Question(443, "https"), Question(8080, "http"), Question(22, "ssh"), Question(23, "telnet"),
    Question(21, "ftp"), Question(554, "rtsp"), *(Question(port, "upnp") for port in DESCRIPTIONS), Question(SSDP, "ssdp", 17),
)  # fmt: skip


class Caller:
    """Opens connections to those whom the permission names, and to nobody else. wait: called before each of them."""

    def __init__(self, permission: Permission, wait: Callable[[], None], patience: float = PATIENCE) -> None:
        self.permission = permission
        self.wait = wait
        self.patience = patience
        self.opened = 0
        self.agent = f"teiten/{__version__} survey (permitted by the network's operator; {permission.contact})"

    def _open(self, address: Address, port: int, kind: socket.SocketKind) -> socket.socket:
        """A socket whose other side is that address and port. NotPermittedError, OSError."""
        self.wait()
        # the last thing before a packet leaves: time and list may have changed while it waited
        self.permission.gate(address)
        self.opened += 1
        own = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, kind)
        try:
            own.settimeout(self.patience)
            own.connect((str(address), port))
        except BaseException:
            own.close()
            raise
        return own

    def ask(self, address: Address, question: Question) -> dict[str, Any] | None:
        """Fields of a row of evidence; None where nothing came that says anything. NotPermittedError."""
        try:
            return _ASKERS[question.kind](self, address, question)
        except (OSError, ValueError):  # also ssl.SSLError: whoever does not answer, or not in this way, was asked
            return None


def _read(own: socket.socket, until: float, most: int = MOST, enough: Callable[[bytes], bool] | None = None) -> bytes:
    """What comes until then (time.monotonic), or up to so many bytes."""
    data = b""
    while len(data) < most:
        left = until - time.monotonic()
        if left <= 0:
            break
        own.settimeout(left)
        try:
            piece = own.recv(min(4096, most - len(data)))
        except (TimeoutError, ConnectionError, ssl.SSLError):
            break
        if not piece:
            break
        data += piece
        if enough is not None and enough(data):
            break
    return data


def _request(caller: Caller, address: Address, path: str) -> bytes:
    host = f"[{address}]" if address.version == 6 else str(address)
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {caller.agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    ).encode("ascii", "replace")


def _web(data: bytes) -> dict[str, Any] | None:
    """What an HTTP answer says."""
    if not data.startswith((b"HTTP/", b"RTSP/")):
        return {"banner": data[: evidence.LONGEST]} if data.strip() else None
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    return {
        "title": evidence.title_of(body),
        "server": evidence.header_of(text, "server"),
        "realm": evidence.realm_of(evidence.header_of(text, "www-authenticate")),
    }


def _http(caller: Caller, address: Address, question: Question) -> dict[str, Any] | None:
    with caller._open(address, question.port, socket.SOCK_STREAM) as own:
        own.sendall(_request(caller, address, "/"))
        return _web(_read(own, time.monotonic() + caller.patience))


def _https(caller: Caller, address: Address, question: Question) -> dict[str, Any] | None:
    # whose certificate it is does not matter: it is looked at, not trusted
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLError, ValueError):
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with caller._open(address, question.port, socket.SOCK_STREAM) as plain, context.wrap_socket(plain) as own:
        der = own.getpeercert(binary_form=True) or b""
        told: dict[str, Any] = {"cert_sha256": hashlib.sha256(der).hexdigest()} if der else {}
        told["cert_subject"], told["cert_issuer"] = certificate.names(der)
        own.sendall(_request(caller, address, "/"))
        return {**told, **(_web(_read(own, time.monotonic() + caller.patience)) or {})}


def _line(data: bytes) -> bool:
    return b"\n" in data


def _greeting(caller: Caller, address: Address, question: Question) -> dict[str, Any] | None:
    """What a service says by itself; SSH is told in turn who asks."""
    with caller._open(address, question.port, socket.SOCK_STREAM) as own:
        data = _read(own, time.monotonic() + caller.patience, 4096, None if question.kind == "telnet" else _line)
        if question.kind == "ssh" and data:
            own.sendall(f"SSH-2.0-teiten_survey {caller.permission.contact}\r\n".encode("ascii", "replace"))
    told = _without_commands(data) if question.kind == "telnet" else data
    return {"banner": told.strip()} if told.strip() else None


def _without_commands(data: bytes) -> bytes:
    """Telnet's text without its commands (RFC 854)."""
    out, at = bytearray(), 0
    while at < len(data):
        if data[at] != 255:
            out.append(data[at])
            at += 1
        elif data[at + 1 : at + 2] == b"\xff":
            out.append(255)
            at += 2
        elif data[at + 1 : at + 2] == b"\xfa":
            end = data.find(b"\xff\xf0", at)
            at = len(data) if end < 0 else end + 2
        else:
            at += 3 if data[at + 1 : at + 2] in (b"\xfb", b"\xfc", b"\xfd", b"\xfe") else 2
    return bytes(out)


def _rtsp(caller: Caller, address: Address, question: Question) -> dict[str, Any] | None:
    with caller._open(address, question.port, socket.SOCK_STREAM) as own:
        own.sendall(f"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: {caller.agent}\r\n\r\n".encode("ascii", "replace"))
        return _web(_read(own, time.monotonic() + caller.patience, 4096, lambda data: b"\r\n\r\n" in data))


def _upnp(caller: Caller, address: Address, question: Question) -> dict[str, Any] | None:
    return _description(caller, address, question.port, DESCRIPTIONS.get(question.port, "/rootDesc.xml"))


def _description(caller: Caller, address: Address, port: int, path: str) -> dict[str, Any] | None:
    """A UPnP description: maker, model, UUID of the root device."""
    from io import BytesIO

    from teiten.devices import xml

    with caller._open(address, port, socket.SOCK_STREAM) as own:
        own.sendall(_request(caller, address, path))
        data = _read(own, time.monotonic() + caller.patience)
    told = _web(data) or {}
    begin = data.partition(b"\r\n\r\n")[2].find(b"<")
    if begin >= 0:
        with contextlib.suppress(xml.RefusedError):
            body = data.partition(b"\r\n\r\n")[2][begin:]
            for root in xml.elements(BytesIO(body), ("root",)):
                device = next((one for one in root.walk() if one.name == "device"), None)
                if device is not None:
                    model = " ".join(part for part in (device.told("modelName"), device.told("modelNumber")) if part)
                    told |= {"manufacturer": device.told("manufacturer"), "model": model, "uuid": device.told("UDN")}
    return told or None


def _ssdp(caller: Caller, address: Address, question: Question) -> dict[str, Any] | None:
    """One datagram; the description is fetched where it lies on the same address, and from nowhere else."""
    host = f"[{address}]" if address.version == 6 else str(address)
    text = (
        f'M-SEARCH * HTTP/1.1\r\nHOST: {host}:{SSDP}\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n'
        f"USER-AGENT: {caller.agent}\r\n\r\n"
    )
    with caller._open(address, question.port, socket.SOCK_DGRAM) as own:
        own.sendall(text.encode("ascii", "replace"))
        data = own.recv(4096).decode("latin-1")
    told: dict[str, Any] = {"server": evidence.header_of(data, "server"), "uuid": evidence.header_of(data, "usn")}
    place = _place(evidence.header_of(data, "location"), address)
    if place is not None:
        found = _description(caller, address, *place) or {}
        told |= {name: value for name, value in found.items() if value and not (name == "server" and told["server"])}
    return told


def _place(location: str | None, address: Address) -> tuple[int, str] | None:
    """Port and path of a description that lies on that very address; None for any other."""
    from urllib.parse import urlsplit

    if not location or not location.isascii() or not location.isprintable() or " " in location:
        return None
    try:
        parts = urlsplit(location)
        host, port = ipaddress.ip_address(parts.hostname or ""), parts.port or 80
    except ValueError:
        return None
    if parts.scheme != "http" or host != address or not 0 < port < 65_536:
        return None
    return port, (parts.path or "/")[:200]


_ASKERS: Final[Mapping[str, Callable[[Caller, Address, Question], dict[str, Any] | None]]] = {
    "http": _http, "https": _https, "ssh": _greeting, "telnet": _greeting, "ftp": _greeting, "rtsp": _rtsp, "upnp": _upnp,
    "ssdp": _ssdp,
}  # fmt: skip
