"""The sensor's side: what is durable in the spool goes to the collector over HTTPS, in order, until it is there.

The collector's answer is the truth of how far it is; SPOOL/shipped.json is its memory. Whatever is not there yet stays in
the spool, be it a week: then it goes on where it was, as fast as `rate` allows. Intake never waits for this.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import ssl
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
from teiten.station import certificates, inputs, renewing
from teiten.station._disk import write_whole
from teiten.station.credentials import parts
from teiten.station.feeds import Desk
from teiten.station.keeping import Whole, nothing
from teiten.station.live import Live
from teiten.station.segments import About, SpoolError, numbers, records
from teiten.station.streams import DamagedError, Stream
from teiten.station.trail import Stretch, Trail
from teiten.stationing import Given, Key, Station, Table, given, seconds, size, text

NAME: Final = "collector"
FILE: Final = "shipped.json"
STRETCH = 1 << 20
"""bytes of a stretch, about; one record is sent whole, however large it is"""
_PAUSES: Final = (1, 2, 5, 15, 30, 60)
_TIMEOUT: Final = 60.0
_LATER: Final = 300.0
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


class RefusedError(Exception):
    """The collector answered with something else than yes. `later`: seconds after which it wants to be asked again."""

    def __init__(self, status: int, said: Mapping[str, Any], later: float | None) -> None:
        super().__init__(f"{status} {said.get('error', '')}".strip())
        self.status, self.said, self.later = status, said, later


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
        """The answer's JSON. RefusedError, OSError, http.client.HTTPException."""
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
            raise RefusedError(answer.status, said if isinstance(said, dict) else {}, float(later) if later.isdigit() else None)
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
                raise UnknownError(certificates.fingerprint(shown))
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


def _why(error: Exception) -> str:
    """What went wrong on the way, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); `teiten collect add` tells the pin of its own one"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return error.strerror
    return str(error) or type(error).__name__


class UnknownError(OSError):
    """Whoever answers shows another certificate than the pinned one."""

    def __init__(self, shown: str) -> None:
        super().__init__(f"the collector shows the certificate {shown}, which is not the pinned one: nothing was sent")
        self.strerror = str(self.args[0])


TROUBLE: Final = (OSError, http.client.HTTPException, RefusedError, TeitenError)
"""what may go wrong on the way, and is tried again"""


class Shipper:
    """Sends a spool's streams. `run` until stopped; `status` for people and metrics.

    pause: called with an input's name and what is to be done while it is stopped.
    """

    def __init__(
        self, found: Given, credential: str, desk: Desk, tell: Callable[[str, str], None],
        pause: Callable[[str, Callable[[], None]], None] = lambda _, do: do(),
    ) -> None:  # fmt: skip
        self.desk, self.spool, self.tell, self.pause = desk, desk.spool, tell, pause
        self.every, self.rate = float(found["every"]), found["rate"]
        self.line = Line(found, credential)
        self.shipped: dict[str, dict[str, Any]] = {}
        self.last = 0.0
        """when the collector last took something (Unix time)"""
        self.trouble: str | None = None
        self.left: dict[str, str] = {}
        """streams that are not sent any more, and why"""
        self._trails: dict[str, Trail] = {}
        self._abouts: dict[str, About] = {}
        self._old: dict[str, int] = {}
        self._later: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._remembered = 0.0
        self._ended = False

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
            except TROUBLE as error:
                pause = self._paused(error, tries)
                tries += 1
                stop.wait(pause)
        self._remember(0)
        self._ended = True

    def finish(self, patience: float = 10.0) -> None:
        """Sends what the inputs' end left, if the collector takes it at once; the rest is sent at the next start."""
        end = time.monotonic() + patience
        with contextlib.suppress(*TROUBLE):
            while self._ended and self.trouble is None and time.monotonic() < end and self.round(threading.Event()):
                pass
        if self._ended:  # else it waits for an answer still, on the same connection
            self.line.close()
            self._remember(0)

    def status(self) -> Mapping[str, Any]:
        skew = self.line.skew
        out = {"last": self.last, "sent": self.line.sent, "lag": self.behind(), "waits": self.trouble or ""}
        return {**out, **({"skew": round(skew[0], 4), "skew_within": round(skew[1], 4)} if skew else {})}

    def behind(self) -> int:
        """Records that are durable here and not yet with the collector."""
        out = 0
        for id in list(self._abouts):
            if id not in self.left:
                trail = self._trails.get(id)
                out += max(0, self._until(id) - (trail.place.number if trail is not None else 0))
        return out if self._abouts else 1

    def round(self, stop: threading.Event) -> bool:
        """Sends one stretch of each stream that has something new; whether there was any."""
        busy = False
        for one in self._streams():
            if stop.is_set():
                break
            if one.id in self.left or time.monotonic() < self._later.get(one.id, 0):
                continue
            try:
                busy = self._one(one, stop) or busy
            except RefusedError as no:
                if no.status not in (400, 403, 413):
                    raise
                # it is of this stream alone: the others go on
                self._later[one.id] = time.monotonic() + _LATER
                self._say("error", f"the collector does not take {one.id}: {no}; tried again in {_LATER / 60:.0f} minutes")
        if busy:
            self._remember(5)
        return busy

    # what there is -----------------------------------------------------------------------------------------------------

    def _streams(self) -> list[About]:
        """All streams: those in work, and those of inputs that are no more."""
        names = {path.name for path in self.spool.streams_path.iterdir()}
        if names != self._abouts.keys():
            self._abouts = {one.id: self._abouts.get(one.id, one) for one in self.spool.streams()}
        return list(self._abouts.values())

    def _until(self, id: str) -> int:
        """The last record of a stream that is on the disk for good."""
        for feed in list(self.desk.feeds.values()):
            if feed.stream.about.id == id:
                self._old.pop(id, None)
                return int(feed.stream.last.number)
        if id not in self._old:
            folder = self.spool.streams_path / id
            try:
                stream = Stream(folder, self._abouts[id])  # cuts off what a kill left, so that it is for good
                self._old[id] = stream.last.number
                stream.close()
            except DamagedError:
                held = records(folder, max(numbers(folder)))
                self._old[id] = held[-1].number if held else 0
        return self._old[id]

    def _trail(self, one: About) -> Trail | None:
        """The stream, at where the collector is; it is asked once."""
        found = self._trails.get(one.id)
        if found is None:
            try:
                have = self.line.ask("GET", f"/v1/streams/{one.id}")
            except RefusedError as no:
                if no.status != 404:
                    raise
                have = {}
            fresh = Trail(self.spool.streams_path / one.id)
            if have and not fresh.seek(int(have["number"]), str(have["sha"])):
                self._fork(one, int(have["number"]))
                return None
            found = self._trails[one.id] = fresh
            self._arrived(one, fresh)
        return found

    def _arrived(self, one: About, trail: Trail) -> None:
        now = trail.place
        self.shipped[one.id] = {
            "segment": now.segment, "end": now.end, "number": now.number, "sealed": now.sealed, "at": time.time(),
        }  # fmt: skip

    def whole(self, stream: str, number: int) -> bool:
        """Is all of that segment with the collector, as it said in this run?"""
        there = self.shipped.get(stream)
        return there is not None and (number < there["segment"] or (number == there["segment"] and bool(there["sealed"])))

    # sending -----------------------------------------------------------------------------------------------------------

    def _one(self, one: About, stop: threading.Event) -> bool:
        trail, until = self._trail(one), self._until(one.id)
        if trail is None:
            return True
        try:
            stretch = trail.read(until, STRETCH)
        except SpoolError:
            try:
                stretch = trail.read(until, 1)  # what is good of it goes first
            except SpoolError as error:
                after = trail.beyond() or until
                self._renew(one, after, f"{error} Records {trail.place.number + 1} to {after} are not sent")
                return True
        if stretch is None:
            return False
        self._send(one, trail, stretch, stop)
        return True

    def _send(self, one: About, trail: Trail, stretch: Stretch, stop: threading.Event) -> None:
        begun, before = time.monotonic(), self.line.sent
        try:
            self.line.ask("PUT", f"/v1/streams/{one.id}/{stretch.segment}", self._body(one, stretch))
        except RefusedError as no:
            have = no.said.get("have")
            if no.status != 409 or not isinstance(have, dict):
                raise
            was = trail.place
            if no.said.get("forked") or not trail.seek(int(have["number"]), str(have["sha"])):
                self._fork(one, int(have["number"]))
            elif trail.place == was:
                raise
            else:
                self._arrived(one, trail)  # it may have less than it had
            return
        trail.place = stretch.after
        self.last = time.time()
        self._arrived(one, trail)
        if self.rate:
            stop.wait(max(0.0, (self.line.sent - before) / self.rate - (time.monotonic() - begun)))

    def _body(self, one: About, stretch: Stretch) -> bytes:
        chain = b"".join(stretch.lines)
        if skew := self.line.skew:
            self.desk.beat = {"skew": round(skew[0], 4), "skew_within": round(skew[1], 4)}
        said = {
            "about": {
                "sensor": one.sensor, "input": one.input, "data": one.data, "told": dict(one.told), "follows": one.follows,
            },
            "from": stretch.begin, "chain": len(chain), "data": len(stretch.data or b""),
            "of": {"behind": self.behind(), **self.desk.beat},
            **({"gone": True} if stretch.data is None else {}),
        }  # fmt: skip
        return b"".join((json.dumps(said, ensure_ascii=False).encode(), b"\n", chain, stretch.data or b""))

    # what does not go ----------------------------------------------------------------------------------------------------

    def _fork(self, one: About, theirs: int) -> None:
        """The collector has another history of that stream: what it does not have goes on in another one."""
        trail = Trail(self.spool.streams_path / one.id)

        def there(number: int) -> str | None:
            sha = self.line.ask("GET", f"/v1/streams/{one.id}?record={number}").get("sha")
            return sha if isinstance(sha, str) else None

        shared = renewing.common(there, trail.sha, min(theirs, self._until(one.id)))
        why = f"the collector has another history of {one.id} after record {shared} (was this disk put back to an older state?)"
        self._renew(one, shared, why)

    def _renew(self, one: About, after: int, why: str) -> None:
        """What that stream has after that record goes on as another one, and so does its input."""
        if any(other.follows == one.id for other in self.spool.streams()):
            self._leave(one, "")  # that was seen to before
            return
        made: list[About] = []
        self.pause(one.input, lambda: made.append(renewing.renew(self.spool, one, after)))
        self._abouts[made[0].id] = made[0]
        self._leave(one, f"{why}: it goes on as {made[0].id}; both are kept")

    def _leave(self, one: About, why: str) -> None:
        self.left[one.id] = why
        if why:
            self._say("error", why)

    def _say(self, level: str, text: str) -> bool:
        """Tells it, once an hour."""
        now = time.monotonic()
        self._told = {said: at for said, at in self._told.items() if now - at < _SAID}
        if text in self._told:
            return False
        self._told[text] = now
        self.tell(level, text)
        return True

    def _paused(self, error: Exception, tries: int) -> float:
        """Tells what is wrong; how long to wait."""
        self.trouble = _why(error)
        hint = ""
        if isinstance(error, RefusedError) and error.status in (401, 403):
            hint = " On the collector, `teiten collect list` says which credentials are valid."
        self._say("warning", f"the collector takes nothing: {self.trouble}; it waits in the spool, and is tried again.{hint}")
        if isinstance(error, RefusedError) and error.later is not None:
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
        self._changing = threading.Lock()
        super().__init__(station, tell, also=self._beside, whole=self._whole)

    def _beside(self, station: Station) -> list[inputs.Input]:
        found, credential = settings(station.collector)
        inputs.free(station.inputs, NAME)
        return [inputs.Input(NAME, NAME, replace(found, values={**found.values, "credential": credential}), {}, self._open)]

    def _whole(self) -> Whole:
        return nothing() if self.shipper is None else self.shipper.whole

    def _open(self, found: Given, host: inputs.Host) -> Shipper:
        self.shipper = Shipper(found, found["credential"], host.desk, host.tell, self._paused)
        return self.shipper

    def _paused(self, input: str, do: Callable[[], None]) -> None:
        """Stops an input, if there is one of that name, and its feeds, does something, and starts it again."""
        with self._changing:
            work = self.works.get(input)
            if work is None:
                do()
                return
            self._stop([work])
            if not self.desk.drop(input):
                raise TeitenError(f"The disk does not take what waits of {input}.")
            try:
                do()
            finally:
                self.works[input] = type(work)(work.input)
                self._start(self.works[input])

    def reload(self, station: Station) -> None:
        """As of any station."""
        with self._changing:
            super().reload(station)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Live]:
        with super().at_work():
            yield self
        if self.shipper is not None:
            self.shipper.finish()

    def done(self) -> bool:
        """Have all inputs come to an end by themselves?"""
        return all(one["ended"] for name, one in self.status().items() if name != NAME)
