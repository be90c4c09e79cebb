"""Two days of a household line with known counts, and the application over them."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import uvicorn

from teiten import intake, settings
from teiten.lake import Lake
from teiten.settings import Settings
from teiten.web import serving
from teiten.web.app import create

OWN = "198.51.100.23"
"""the observer's own address, which no page names"""
HOSTILE = "<script>alert(1)</script>"


def line(at: dt.datetime, src: str, port: int) -> str:
    return (
        f"{at.isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST={OWN} LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
        f"PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
    )


BEGIN = dt.datetime(2019, 10, 21, tzinfo=ZoneInfo("Asia/Tokyo"))


def log() -> Iterator[str]:
    """Each hour of 21 and 22 October 2019: three packets for 23/tcp, two for 445/tcp, one for 80/tcp, of ten hosts."""
    for hour in range(48):
        for n, port in enumerate((23, 23, 23, 445, 445, 80)):
            yield line(BEGIN + dt.timedelta(hours=hour, seconds=n), f"8.8.8.{(hour + n) % 10}", port)


def lake_of(folder: Path) -> Settings:
    (folder / "router.log").write_text("".join(log()))
    (folder / "teiten.toml").write_text(f'zone = "Asia/Tokyo"\nlake = "lake"\n[sensor."{HOSTILE}"]\npaths = ["router.log"]\n')
    found = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(found.lake, "Asia/Tokyo")
    assert not intake.ingest(lake, [str(folder / "router.log")], found).failed
    return found


@pytest.fixture(scope="session")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return lake_of(tmp_path_factory.mktemp("web"))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Client:
    """Asks a server on this machine; leads nowhere by itself."""

    port: int

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("GET", path, headers)

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as link:
            link.request(method, quote(path, safe="/?&=%:;,.+-_~#"), headers=dict(headers or {}))
            answer = link.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


@contextlib.contextmanager
def served(chosen: Settings, **more: Any) -> Iterator[Client]:
    """The application behind a real server, at a port of its own."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen(50)
        config = serving.configured(create(chosen, **more))
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [own]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield Client(own.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="session")
def client(chosen: Settings) -> Iterator[Client]:
    with served(chosen, workers=2) as made:
        yield made
