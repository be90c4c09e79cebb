"""What systemd wants to hear of a service (sd_notify): that it is ready, reloads, stops, is alive. Elsewhere: nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import time


def tell(state: str) -> bool:
    """Sends a state to whoever started us and asked for it ($NOTIFY_SOCKET); False where nobody did."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address[0] == "@":
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.sendto(state.encode(), address)
        return True
    return False


def ready() -> None:
    """It takes in."""
    tell("READY=1")


def reloading() -> None:
    """It reads its configuration again; `ready` follows."""
    tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    """It ends."""
    tell("STOPPING=1")


def alive() -> None:
    """It does what it should (WatchdogSec=)."""
    tell("WATCHDOG=1")
