"""A collector that runs in this process, streams to send to it, and a client that says what a test wants it to say."""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import http.client
import json
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teiten.station import certificates, collecting, serving
from teiten.station.feeds import Desk
from teiten.station.spool import About, Spool, Stream
from teiten.stationing import Station, Table


@dataclass
class Remote:
    """A collector at work."""

    collector: collecting.Collector
    spool: Spool
    told: list[tuple[str, str]]

    @property
    def port(self) -> int:
        return self.collector.server.port

    @property
    def pin(self) -> str:
        return certificates.fingerprint_of(self.collector.files[0])

    def add(self, name: str, *also: str) -> str:
        return self.collector.credentials.add(name, also)[1]

    def table(self, credential: str, **more: Any) -> Table:
        """[station.collector] of a sensor that sends here."""
        given = {"url": f"https://127.0.0.1:{self.port}", "credential": credential, "pin": self.pin, "every": 0.1, **more}
        return Table("collector", given, "[station.collector]", self.spool.path)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request on a connection of its own."""
        line = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=unchecked())
        with contextlib.closing(line):
            line.request(method, path, body, dict(headers or {}))
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())


@functools.cache
def _made() -> Path:
    """A certificate made once for all tests."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certificates.own(folder, ["127.0.0.1"])
    return folder


def unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def basic(credential: str) -> dict[str, str]:
    name, _, secret = credential.rpartition(".")
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@contextlib.contextmanager
def collector(folder: Path, **given: Any) -> Iterator[Remote]:
    """A collector on a free port of loopback; its spool is folder/spool."""
    serving.TICK, collecting._SLOWER = 0.02, 0.0
    spool = Spool.open(folder / "spool")
    if not (spool.path / "tls").exists() and "certificate" not in given:
        shutil.copytree(_made(), spool.path / "tls")
    desk = Desk(spool, Station(spool=spool.path, sync=0.01))
    table = Table("collect", {"listen": "127.0.0.1:0", "names": ["127.0.0.1"], **given}, "[station.collect]", folder)
    told: list[tuple[str, str]] = []
    found = collecting.settings(table, folder)
    one = collecting.Collector(found, desk, lambda level, text: told.append((level, text)))
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    desk.start()
    thread.start()
    try:
        yield Remote(one, spool, told)
    finally:
        stop.set()
        thread.join(20)
        desk.stop()


def stream(spool: Spool, sensor: str = "home", input: str = "kern", *, limit: int = 400) -> Stream:
    """A stream with small segments, to be written to."""
    made = spool.stream(input, sensor)
    return Stream(made.folder, made.about, limit=limit)


def fill(one: Stream, first: int, many: int) -> None:
    """So many records of a numbered line each."""
    for number in range(first, first + many):
        one.commit(b"line %d\n" % number, counts={"received": 1}, mark={"at": number})


def files(spool: Spool) -> dict[str, bytes]:
    """Every file of every stream: what a replica has to have, too."""
    return {
        str(path.relative_to(spool.streams_path)): path.read_bytes()
        for path in sorted(spool.streams_path.rglob("*"))
        if path.suffix in (".data", ".chain")
    }


def about(one: Stream, **more: Any) -> dict[str, Any]:
    """How a sensor says what a stream is."""
    own: About = one.about
    return {"sensor": own.sensor, "input": own.input, "data": own.data, "told": dict(own.told), **more}


def until(true: Any, seconds: float = 20) -> bool:
    """Waits for it."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
