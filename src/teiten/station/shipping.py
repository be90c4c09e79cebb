"""The sensor's side: what is durable in the spool goes to the collector over HTTPS, in order, until it is there.

The collector's answer is the truth of how far it is; SPOOL/shipped.json is its memory. Whatever is not there yet stays in
the spool, be it a week: then it goes on where it was, as fast as `rate` allows. Intake never waits for this.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from teiten import __version__
from teiten.errors import TeitenError, UsageError
from teiten.station import certificates, inputs
from teiten.station.credentials import parts
from teiten.station.feeds import Desk
from teiten.station.live import Live
from teiten.station.spool import About, Stream, write_whole
from teiten.station.trail import Stretch, Trail
from teiten.stationing import Given, Key, Station, Table, given, seconds, size, text

NAME: Final = "collector"
FILE: Final = "shipped.json"
_STRETCH: Final = 1 << 20
"""bytes of a stretch, about; one record is sent whole, however large it is"""
_PAUSES: Final = (1, 2, 5, 15, 30, 60)
_TIMEOUT: Final = 60.0
_SAID: Final = 3600.0


def _url(value: Any, where: str) -> str:
    found = urllib.parse.urlsplit(value) if isinstance(value, str) else None
    try:
        good = found is not None and found.scheme == "https" and found.hostname and (found.port is None or found.port)
    except ValueError:
        good = False
    if not good or found is None or found.query or found.fragment or found.username:
        raise UsageError(f'{where} must be an address such as "https://collector.example:8514", not {value!r}.')
    return str(value).rstrip("/")


KEYS: Final = (
    Key("url", _url, "the collector's address, such as `https://collector.example:8514`", needed=True),
    Key("credential", text, "the sensor's credential, as `teiten collect add NAME` tells it"),
    Key("credential_file", text, "a file that holds it, instead"),
    Key("pin", certificates.pins, "the fingerprint of the collector's certificate, or a list of them: nobody else is trusted"),
    Key("ca", text, "a file of certificates (PEM) of the authorities that are trusted instead of the machine's own"),
    Key("every", lambda value, where: seconds(value, where, 0.1, 3600), "seconds between two looks for what is new", 1.0),
    Key("rate", size, "bytes a second that are sent, at most; without it, as many as go"),
)


class Refused(Exception):
    """The collector answered with something else than yes. `later`: seconds after which it wants to be asked again."""

    def __init__(self, status: int, said: Mapping[str, Any], later: float | None) -> None:
        super().__init__(f"{status} {said.get('error', '')}".strip())
        self.status, self.said, self.later = status, said, later


class Forked(TeitenError):
    """The collector has another history of a stream: this spool was put back to an older state."""


def settings(table: Table | None) -> tuple[Given, str]:
    """[station.collector], checked, and the credential. UsageError, TeitenError."""
    if table is None:
        raise UsageError(
            "[station.collector] is missing: nobody is there to send to.",
            hint="On the collector, `teiten collect add NAME` prints what to put into this sensor's teiten.toml.",
        )
    found = given(table, KEYS)
    if (found["credential"] is None) == (found["credential_file"] is None):
        raise UsageError(f"{found.where} needs credential, or credential_file.")
    said = found["credential"]
    if said is None:
        path = found.base / Path(found["credential_file"]).expanduser()
        try:
            said = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise TeitenError(f"{found.where}: the credential in {path} cannot be read: {error}.") from None
    if parts(said) == ("", ""):
        raise UsageError(f"{found.where}: the credential is not of the form NAME.SECRET.")
    return found, said.strip()


class Line:
    """The connection to the collector: kept open, opened anew when it broke; measures how its clock differs from ours."""

    def __init__(self, found: Given, credential: str) -> None:
        self.url = urllib.parse.urlsplit(found["url"])
        self.pins: tuple[str, ...] = found["pin"] or ()
        ca = found.base / Path(found["ca"]).expanduser() if found["ca"] else None
        self.context = certificates.client(ca, bool(self.pins))
        self.headers = {"Authorization": f"Bearer {credential}", "User-Agent": f"teiten/{__version__}"}
        self.sent = 0
        """bytes of bodies, as they went over the wire"""
        self._samples: list[tuple[float, float]] = []
        self._open: http.client.HTTPSConnection | None = None

    def ask(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        """The answer's JSON. Refused, OSError, http.client.HTTPException."""
        try:
            return self._ask(method, path, body)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def skew(self) -> tuple[float, float] | None:
        """Seconds that the collector's clock is ahead of ours, and how exact that is; None before the first answer."""
        return min(self._samples, key=lambda one: one[1]) if self._samples else None

    def _ask(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        if self._open is None:
            self._open = self._connect()
        headers = dict(self.headers)
        if body:
            headers["Content-Type"] = "application/x-teiten-block"
            packed = zlib.compress(body, 1)
            if len(packed) < len(body):
                body, headers["Content-Encoding"] = packed, "deflate"
        begun = time.time()
        self._open.request(method, self.url.path + path, body or None, headers)
        self.sent += len(body)
        answer = self._open.getresponse()
        ended = time.time()
        whole = answer.read(1 << 20)
        self._clock(begun, ended, answer.getheader("Teiten-Time"))
        if answer.will_close:
            self.close()
        try:
            said = json.loads(whole)
        except ValueError:
            said = {"error": whole[:200].decode("utf-8", "replace")}
        if not isinstance(said, dict) or answer.status != 200:
            later = answer.getheader("Retry-After") or ""
            raise Refused(answer.status, said if isinstance(said, dict) else {}, float(later) if later.isdigit() else None)
        return said

    def _connect(self) -> http.client.HTTPSConnection:
        fresh = http.client.HTTPSConnection(
            self.url.hostname or "", self.url.port or 443, timeout=_TIMEOUT, context=self.context
        )
        fresh.connect()
        if self.pins:
            shown = fresh.sock.getpeercert(binary_form=True) or b""
            if certificates.fingerprint(shown) not in self.pins:
                fresh.close()
                raise Unknown(certificates.fingerprint(shown))
        return fresh

    def _clock(self, begun: float, ended: float, said: str | None) -> None:
        """NTP's four times: ours before and after, the collector's when the headers had come and when it answered."""
        try:
            come, answered = map(float, (said or "").split())
        except ValueError:
            return
        round_trip = (ended - begun) - (answered - come)
        if 0 <= round_trip < _TIMEOUT:
            self._samples = [*self._samples[-15:], (((come - begun) + (answered - ended)) / 2, round_trip / 2)]


class Unknown(OSError):
    """Whoever answers shows another certificate than the pinned one."""

    def __init__(self, shown: str) -> None:
        super().__init__(f"the collector shows the certificate {shown}, which is not the pinned one: nothing was sent")
        self.strerror = str(self.args[0])


class Shipper:
    """Sends a spool's streams. `run` until stopped; `status` for people and metrics."""

    def __init__(self, found: Given, credential: str, desk: Desk, tell: Callable[[str, str], None]) -> None:
        self.desk, self.spool, self.tell = desk, desk.spool, tell
        self.every, self.rate = float(found["every"]), found["rate"]
        self.line = Line(found, credential)
        self.shipped: dict[str, dict[str, Any]] = {}
        self.last = 0.0
        """when the collector last took something (Unix time)"""
        self.trouble: str | None = None
        self.forked: set[str] = set()
        self._trails: dict[str, Trail] = {}
        self._abouts: dict[str, About] = {}
        self._old: dict[str, int] = {}
        self._told: dict[str, float] = {}
        self._remembered = 0.0

    def run(self, stop: threading.Event) -> None:
        """Sends what is durable, and waits for more."""
        tries = 0
        while not stop.is_set():
            try:
                busy = self.round(stop)
                if self.trouble is not None:
                    self.tell("info", "the collector takes what comes again")
                tries, self.trouble = 0, None
                if not busy:
                    stop.wait(self.every)
            except (OSError, http.client.HTTPException, Refused, TeitenError) as error:
                pause = self._paused(error, tries)
                tries += 1
                stop.wait(pause)
        self._remember(0)

    def finish(self, patience: float = 10.0) -> None:
        """Sends what the inputs' end left, if the collector takes it at once; the rest is sent at the next start."""
        end = time.monotonic() + patience
        with contextlib.suppress(OSError, http.client.HTTPException, Refused, TeitenError):
            while self.trouble is None and time.monotonic() < end and self.round(threading.Event()):
                pass
        self.line.close()
        self._remember(0)

    def status(self) -> Mapping[str, Any]:
        skew = self.line.skew
        out = {"last": self.last, "sent": self.line.sent, "behind": self.behind(), "waits": self.trouble or ""}
        return {**out, **({"skew": round(skew[0], 4), "skew_within": round(skew[1], 4)} if skew else {})}

    def behind(self) -> int:
        """Records that are durable here and not yet with the collector."""
        return sum(max(0, self._until(id) - trail.place.number) for id, trail in list(self._trails.items()))

    def round(self, stop: threading.Event) -> bool:
        """Sends one stretch of each stream that has something new; whether there was any."""
        busy = False
        for one in self._streams():
            if stop.is_set():
                break
            if one.id in self.forked:
                continue
            trail = self._trail(one)
            stretch = trail.read(self._until(one.id), _STRETCH) if trail is not None else None
            if trail is not None and stretch is not None:
                busy = True
                self._send(one, trail, stretch, stop)
        if busy:
            self._remember(5)
        return busy

    # what there is -----------------------------------------------------------------------------------------------------

    def _streams(self) -> list[About]:
        """Streams in work, and those of inputs that are no more."""
        active = {feed.stream.about.id: feed.stream.about for feed in list(self.desk.feeds.values())}
        if not self._abouts.keys() >= active.keys() or not self._abouts:
            for one in self.spool.streams():
                if one.id not in active and one.id not in self._old:
                    stream = Stream(self.spool.streams_path / one.id, one)  # cuts off what a kill left, so that it is for good
                    self._old[one.id] = stream.last.number
                    stream.close()
                self._abouts[one.id] = one
            self._abouts.update(active)
        return list(self._abouts.values())

    def _until(self, id: str) -> int:
        """The last record of a stream that is on the disk for good."""
        for feed in list(self.desk.feeds.values()):
            if feed.stream.about.id == id:
                return int(feed.stream.last.number)
        return self._old.get(id, 0)

    def _trail(self, one: About) -> Trail | None:
        """The stream, at where the collector is; it is asked once."""
        found = self._trails.get(one.id)
        if found is None:
            try:
                have = self.line.ask("GET", f"/v1/streams/{one.id}")
            except Refused as no:
                if no.status != 404:
                    raise
                have = {}
            fresh = Trail(self.spool.streams_path / one.id)
            if have and not fresh.seek(int(have["number"]), str(have["sha"])):
                self._fork(one)
                return None
            found = self._trails[one.id] = fresh
            self._arrived(one, fresh)
        return found

    def _arrived(self, one: About, trail: Trail) -> None:
        now = trail.place
        self.shipped[one.id] = {"segment": now.segment, "end": now.end, "number": now.number, "at": time.time()}

    def _fork(self, one: About) -> None:
        self.forked.add(one.id)
        self.tell(
            "error", f"the collector has another history of {one.id}: it is not sent (was this spool put back from a copy?)"
        )

    # sending -----------------------------------------------------------------------------------------------------------

    def _send(self, one: About, trail: Trail, stretch: Stretch, stop: threading.Event) -> None:
        begun, before = time.monotonic(), self.line.sent
        try:
            self.line.ask("PUT", f"/v1/streams/{one.id}/{stretch.segment}", self._body(one, stretch))
        except Refused as no:
            if no.status != 409:
                raise
            have = no.said.get("have")
            if no.said.get("forked") or not isinstance(have, dict) or not trail.seek(int(have["number"]), str(have["sha"])):
                self._fork(one)
            return
        trail.place = stretch.after
        self.last = time.time()
        self._arrived(one, trail)
        if self.rate:
            stop.wait(max(0.0, (self.line.sent - before) / self.rate - (time.monotonic() - begun)))

    def _body(self, one: About, stretch: Stretch) -> bytes:
        chain = b"".join(stretch.lines)
        skew = self.line.skew
        of = {"behind": self.behind(), **({"skew": round(skew[0], 4), "skew_within": round(skew[1], 4)} if skew else {})}
        said = {
            "about": {"sensor": one.sensor, "input": one.input, "data": one.data, "told": dict(one.told)},
            "from": stretch.begin, "chain": len(chain), "data": len(stretch.data or b""), "of": of,
            **({"gone": True} if stretch.data is None else {}),
        }  # fmt: skip
        return b"".join((json.dumps(said, ensure_ascii=False).encode(), b"\n", chain, stretch.data or b""))

    def _paused(self, error: Exception, tries: int) -> float:
        """Tells what is wrong, once an hour for the same; how long to wait."""
        why = str(error) or type(error).__name__
        hint = ""
        if isinstance(error, Refused) and error.status in (401, 403):
            hint = " On the collector, `teiten collect list` says which credentials are valid."
        self.trouble = why
        if time.monotonic() - self._told.get(why, -_SAID) >= _SAID:
            self._told = {**{k: v for k, v in self._told.items() if time.monotonic() - v < _SAID}, why: time.monotonic()}
            self.tell("warning", f"the collector takes nothing: {why}; it waits in the spool, and is tried again.{hint}")
        if isinstance(error, Refused) and error.later is not None:
            return min(error.later, 300)
        return _PAUSES[min(tries, len(_PAUSES) - 1)] * random.uniform(0.7, 1.3)

    def _remember(self, every: float) -> None:
        if time.monotonic() - self._remembered < every or not self.shipped:
            return
        self._remembered = time.monotonic()
        with contextlib.suppress(OSError):
            told = json.dumps({"at": time.time(), "streams": self.shipped}, indent=1)
            write_whole(self.spool.path / FILE, told.encode() + b"\n")


class Sensor(Live):
    """A sensor at work: its inputs, and a shipper beside them that sends the last of it when they have ended."""

    def __init__(self, station: Station, tell: Callable[[str, str], None]) -> None:
        self.shipper: Shipper | None = None
        super().__init__(station, tell, also=self._beside)

    def _beside(self, station: Station) -> list[inputs.Input]:
        found, credential = settings(station.collector)
        return [inputs.Input(NAME, NAME, replace(found, values={**found.values, "credential": credential}), {}, self._open)]

    def _open(self, found: Given, host: inputs.Host) -> Shipper:
        self.shipper = Shipper(found, found["credential"], host.desk, host.tell)
        return self.shipper

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Live]:
        with super().at_work():
            yield self
        if self.shipper is not None:
            self.shipper.finish()

    def done(self) -> bool:
        """Have all inputs come to an end by themselves?"""
        return all(one["ended"] for name, one in self.status().items() if name != NAME)
