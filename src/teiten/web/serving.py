"""The server: one socket, the application behind it, a clean end. Others reach it by TLS alone, and log in."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from teiten.errors import InputError, TeitenError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import uvicorn
    from starlette.applications import Starlette

    from teiten.hosting import Serving
    from teiten.settings import Settings

HOSTS = ("127.0.0.1", "localhost", "[::1]")
SELF_SIGNED = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN={name} "
    "-addext subjectAltName={kind}:{name} -keyout teiten.key -out teiten.pem"
)
_LOOK_AGAIN = 60
"""seconds between two looks at whether the certificate was replaced"""


def serve(settings: Settings, host: str, port: int, *, ready: Callable[[str], None] | None = None) -> None:
    """Serves until it is told to end (SIGINT, SIGTERM). ready: gets the address once it can be asked.

    UsageError for an address that others reach without TLS, or without anybody who may log in (promise 17), and for a proxy
    without users. InputError where the port is taken.
    """
    import uvicorn

    from teiten.web import patient
    from teiten.web.app import create

    check(settings, host)
    serving = settings.serving
    tls = _Certificate(serving.certificate, serving.key) if serving.certificate and serving.key else None
    with _socket(host, port) as own:
        shown = f"[{host}]" if ":" in host else host
        if tls is not None and serving.names:
            shown = serving.names[0]
        address = f"http{'s' if tls else ''}://{shown}:{own.getsockname()[1]}/"
        patient.room()
        patient.watchful(own)
        application = create(settings, hosts=(*HOSTS, *serving.names), warming=True)
        config = configured(application, tls)
        if ready is not None:
            ready(address)
        uvicorn.Server(config).run(sockets=[own])


def configured(application: Starlette, tls: _Certificate | None = None) -> uvicorn.Config:
    """How the server is set up: HTTP/1.1 alone, bounded in connections and in what a request may begin with."""
    import uvicorn

    from teiten.web import patient

    more: dict[str, Any] = {}
    if tls is not None:
        context = tls.context
        more = {"ssl_certfile": tls.files[0], "ssl_keyfile": tls.files[1], "ssl_context_factory": lambda config, usual: context,
                "callback_notify": tls.look, "timeout_notify": _LOOK_AGAIN}  # fmt: skip
    return uvicorn.Config(
        application, log_level="warning", access_log=False, server_header=False, date_header=True, lifespan="on",
        limit_concurrency=patient.MOST, timeout_keep_alive=10, timeout_graceful_shutdown=5, ws="none",
        h11_max_incomplete_event_size=64 << 10, http=patient.Protocol,
        # what a proxy says is believed by our own door, from named addresses alone
        proxy_headers=False, **more,
    )  # fmt: skip


def check(settings: Settings, host: str) -> None:
    """May it listen there? UsageError that says what is missing; TeitenError where users or certificate cannot be read."""
    from teiten.web.users.proxies import Proxies
    from teiten.web.users.store import Store, folder_of

    serving = settings.serving
    known = Store(folder_of(settings)).known()
    users = bool(known and known.users)
    first = "teiten users add NAME --role administrator"
    if not users and serving.identity is None:
        if not own(host):
            raise UsageError(
                f"{host} can be reached by others, and there is no user who could log in.",
                hint=f"{first}; or let it listen at 127.0.0.1, and reach it through SSH: ssh -L 8017:127.0.0.1:8017 HOST",
            )
        if serving.behind:
            raise UsageError("A proxy lets others in, and there is no user who could log in.", hint=first)
    if not own(host):
        if serving.certificate is None or serving.key is None:
            raise UsageError(
                f"{host} can be reached by others, and there is no TLS: passwords would go over the net in plain sight.",
                hint=f"--tls-cert and --tls-key; to try it: {_self_signed(serving, host)}",
            )
        if _anywhere(host) and not serving.names:
            raise UsageError(
                f"{host} is every address of this machine: by which name is it called?",
                hint="--name observe.example.org, or names under [serve]; requests for other names are refused.",
            )
    Proxies(serving.behind, serving.identity)  # is the secret there?


def _self_signed(serving: Serving, host: str) -> str:
    name = serving.names[0] if serving.names else "observe.example" if _anywhere(host) else host
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return SELF_SIGNED.format(name=name, kind="IP")
    return SELF_SIGNED.format(name=name, kind="DNS")


def own(host: str) -> bool:
    """Is it an address of this machine alone?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _anywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class _Certificate:
    """Certificate and key, TLS 1.2 at least; replaced files are taken up, and where they do not fit the old ones stay."""

    def __init__(self, certificate: Path, key: Path) -> None:
        from teiten.station import certificates

        self.files = certificate, key
        self._seen = self._stamp()
        self.context: ssl.SSLContext = certificates.server(certificate, key)
        self.context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        self.context.set_alpn_protocols(["http/1.1"])

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        out = []
        for path in self.files:
            try:
                found = path.stat()
            except OSError:
                out.append((0, 0))
            else:
                out.append((found.st_mtime_ns, found.st_ino))
        return tuple(out)

    async def look(self) -> None:
        """Takes up files that were replaced."""
        from teiten.station import certificates

        now = self._stamp()
        if now == self._seen:
            return
        self._seen = now
        try:
            certificates.server(*self.files)
            self.context.load_cert_chain(*self.files)
        except (TeitenError, OSError) as error:
            print(f"teiten serve: {error} The certificate that was there stays in use.", file=sys.stderr, flush=True)


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind((host, port))
    except OSError as error:
        own.close()
        raise InputError(
            f"Nothing can listen at {host}, port {port}: {error.strerror}.", hint="Choose another with --port."
        ) from None
    own.listen(1024)
    return own


def said(address: str) -> None:
    """Tells the person at the terminal where it is."""
    print(address, file=sys.stderr, flush=True)
