"""systemd hears what it wants to; where nobody listens nothing happens."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from teiten.station import notify


def test_states_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        for say in (notify.ready, notify.reloading, notify.alive, notify.stopping):
            say()
        said = [manager.recv(100).decode() for _ in range(4)]
    assert said[0] == "READY=1" and said[2:] == ["WATCHDOG=1", "STOPPING=1"]
    assert said[1].startswith("RELOADING=1\nMONOTONIC_USEC=")


@pytest.mark.parametrize("address", ["", "vsock:1", "/no/such/socket", "@nobody-listens-here"])
def test_nobody_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify.tell("READY=1")
