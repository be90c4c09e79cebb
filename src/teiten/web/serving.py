"""The server: one socket on this machine, the application behind it, a clean end."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from teiten.errors import InputError, UsageError

if TYPE_CHECKING:
    from teiten.settings import Settings

HOSTS = ("127.0.0.1", "localhost", "[::1]")


def serve(settings: Settings, host: str, port: int, *, ready: Callable[[str], None] | None = None) -> None:
    """Serves until it is told to end (SIGINT, SIGTERM). ready: gets the address once it can be asked.

    UsageError for an address that others reach: without users and TLS nobody else is let in (promise 17). InputError where the
    port is taken.
    """
    import uvicorn

    from teiten.web import patient
    from teiten.web.app import create

    if not _own(host):
        raise UsageError(
            f"{host} can be reached by others, and this dashboard asks nobody who they are.",
            hint="Let it listen at 127.0.0.1, and reach it through SSH: ssh -L 8017:127.0.0.1:8017 HOST",
        )
    with _socket(host, port) as own:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{own.getsockname()[1]}/"
        patient.room()
        patient.watchful(own)
        application = create(settings, hosts=HOSTS)
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, server_header=False, date_header=True, lifespan="on",
            limit_concurrency=patient.MOST, timeout_keep_alive=10, http=patient.Protocol,
            timeout_graceful_shutdown=5, h11_max_incomplete_event_size=64 << 10,
        )  # fmt: skip
        if ready is not None:
            ready(address)
        uvicorn.Server(config).run(sockets=[own])


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
