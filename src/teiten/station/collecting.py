"""The collector: sensors' streams come in over HTTPS and are kept byte for byte; lines of other log shippers are taken too.

    GET  /v1/streams/STREAM              how far the collector has that stream; ?record=N: that record's hash
    PUT  /v1/streams/STREAM/SEGMENT      records and their bytes; answered when they are on the disk
    POST /v1/lines                       lines of rsyslog, syslog-ng, Vector, Fluent Bit, curl ... (`station.senders`)

Every request shows a credential (`Authorization: Bearer NAME.SECRET`, or Basic with the name as user). It says for which sensor
what it brings counts: neither a line nor a header does.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError, UsageError
from teiten.station import certificates, inputs, senders
from teiten.station.credentials import FILE, Credential, Credentials, parts
from teiten.station.feeds import Desk
from teiten.station.replica import ElsewhereError, ForkedError, Replica, WrongError
from teiten.station.segments import LINES, PACKETS, About, SpoolError, about
from teiten.station.serving import Answer, RefuseError, Request, Server
from teiten.stationing import NAME, Given, Key, Station, Table, endpoint, given, size, text

INPUT: Final = "collect"
"""the input as which plain senders' lines are counted"""
STREAMS: Final = 256
"""streams that one credential may begin"""
STATUS: Final = "sensors.json"
"""in the spool: when each sensor was last heard, and what it said of itself"""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,199}", re.ASCII)
_SAID: Final = 600.0
"""seconds between two lines of the log on one wrong credential"""
_SLOWER = 0.5
"""seconds that whoever shows one waits for the answer"""


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise UsageError(f"{where} must be a list of host names and addresses, not {value!r}.")
    return tuple(value)


def _number(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise UsageError(f"{where} must be a number from 1 to 10000, not {value!r}.")
    return value


KEYS: Final = (
    Key("listen", endpoint, "the address and port at which sensors are listened to", ("127.0.0.1", 8514)),
    Key(
        "certificate",
        text,
        "the certificate with its chain (PEM); without it one is made, which sensors know by its fingerprint",
    ),
    Key("key", text, "the certificate's key (PEM)"),
    Key("names", _names, "the collector's host names and addresses, for the certificate that is made", ()),
    Key("credentials", text, "the file of the credentials (default: `credentials.json` in the spool)"),
    Key("body", size, "bytes of a request at most, uncompressed", 32 * 10**6),
    Key("rate", size, "bytes a second that one credential may bring, uncompressed; more has to wait", 50 * 10**6),
    Key("connections", _number, "connections at once", 256),
)


def settings(table: Table | None, base: Path) -> Given:
    """[station.collect], checked; the defaults where there is none. UsageError."""
    found = given(table or Table("collect", {}, "[station.collect]", base), KEYS)
    if (found["certificate"] is None) != (found["key"] is None):
        raise UsageError(f"{found.where} needs both certificate and key, or neither.")
    return found


def credentials(found: Given, spool: Path) -> Credentials:
    named = found["credentials"]
    return Credentials(found.base / Path(named).expanduser() if named else spool / FILE)


def certificate(found: Given, spool: Path) -> tuple[Path, Path]:
    """Certificate and key that the collector shows; made where none are named. TeitenError."""
    if found["certificate"] is not None:
        return found.base / Path(found["certificate"]).expanduser(), found.base / Path(found["key"]).expanduser()
    return certificates.own(spool / "tls", found["names"])


def heard(spool: Path) -> dict[str, dict[str, Any]]:
    """What a collector has noted of its sensors, by name: `last`, `credential`, `behind`, `skew`, `skew_within`."""
    try:
        found = json.loads((spool / STATUS).read_text(encoding="utf-8"))
        return {str(name): dict(one) for name, one in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def wanted(station: Station) -> list[inputs.Input]:
    """The collector, as something that comes in, for `Live`. UsageError."""
    found = settings(station.collect, Path())
    inputs.free(station.inputs, INPUT)
    return [inputs.Input(INPUT, INPUT, found, {}, _open)]  # the same where the table is the same: a reload goes on


def _open(found: Given, host: inputs.Host) -> Collector:
    return Collector(found, host.desk, host.tell)


class Collector:
    """The HTTPS side of a station. `run` until stopped, like an input's."""

    def __init__(self, found: Given, desk: Desk, tell: Callable[[str, str], None]) -> None:
        self.desk, self.spool, self.tell, self.found = desk, desk.spool, tell, found
        self.credentials = credentials(found, self.spool.path)
        self.files = certificate(found, self.spool.path)
        self.sensors = heard(self.spool.path)
        self.totals = {"blocks": 0, "records": 0, "replayed": 0, "bytes": 0, "lines": 0, "denied": 0, "wrong": 0}
        self._replicas: dict[str, Replica] = {}
        self._begun: dict[str, int] = {}
        self._lock = threading.Lock()
        self._denied: dict[tuple[str, str], tuple[float, int]] = {}
        self._spent: dict[str, tuple[float, float]] = {}
        self._context: tuple[float, ssl.SSLContext] = (0.0, certificates.server(*self.files))
        self._changed = self._stamp()
        for one in self.spool.streams():
            if via := one.told.get("via"):
                self._begun[str(via)] = self._begun.get(str(via), 0) + 1
        self.server = Server(found["listen"], self.answer, tell, context=self.context, most=found["connections"])

    def run(self, stop: threading.Event) -> None:
        host, port = self.found["listen"][0], self.server.port
        self.tell("info", f"listening at {host}, port {port}; certificate {certificates.fingerprint_of(self.files[0])}")
        self.server.run(stop)
        self._note(0)

    def status(self) -> Mapping[str, Any]:
        """Counters; `_sensors`: what is known of each that may come, {} of one that was never heard."""
        sensors = dict(self.sensors)
        with contextlib.suppress(TeitenError):
            known = {one.name for one in self.credentials.all() if one.valid(time.time())}
            sensors = {name: self.sensors.get(name, {}) for name in sorted(known)}
        last = max((one["last"] for one in sensors.values() if one.get("last")), default=None)
        counts = {"connections": self.server.connections(), **self.server.counts, **self.totals}
        return {**counts, "_sensors": sensors, **({"last": last} if last else {})}

    # TLS ---------------------------------------------------------------------------------------------------------------

    def _stamp(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in self.files)

    def context(self) -> ssl.SSLContext:
        """The certificate as it is now: a renewed one is shown to the next that connects."""
        looked, context = self._context
        if time.monotonic() - looked > 5:
            try:
                if (stamp := self._stamp()) != self._changed:
                    context, self._changed = certificates.server(*self.files), stamp
                    self.tell("info", f"the certificate is now {certificates.fingerprint_of(self.files[0])}")
            except Exception as error:  # half-written files: the old one goes on
                self.tell("warning", f"the renewed certificate cannot be used: {error}")
            self._context = (time.monotonic(), context)
        return context

    # requests ----------------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        """One request's answer."""
        who = self._who(request)
        request.slot.known = who.name
        way = request.path.split("?")[0].strip("/").split("/")
        if request.method == "PUT" and way[:2] == ["v1", "streams"] and len(way) == 4 and way[3].isascii() and way[3].isdigit():
            return self._block(request, who, way[2], int(way[3]))
        if request.method == "GET" and way[:2] == ["v1", "streams"] and len(way) == 3:
            return self._have(who, way[2], request.path.partition("?")[2])
        if request.method == "POST" and way == ["v1", "lines"]:
            return self._lines(request, who)
        raise RefuseError(404, "there are PUT and GET /v1/streams/..., and POST /v1/lines")

    def _who(self, request: Request) -> Credential:
        scheme, _, said = (request.headers.get("Authorization") or "").partition(" ")
        name, secret = "", ""
        if scheme.lower() == "bearer":
            name, secret = parts(said)
        elif scheme.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(said.strip(), validate=True).decode("utf-8").partition(":")
            except (binascii.Error, ValueError):
                name = ""
            if "." in secret:  # the whole NAME.SECRET as password
                secret = parts(secret)[1] if parts(secret)[0] == name else ""
        found = self.credentials.check(name, secret) if name and secret else None
        if found is None:
            self._deny(request.slot.peer, name)
            raise RefuseError(401, "the credential is not valid", close=True, WWW_Authenticate='Basic realm="teiten"')
        return found

    def _deny(self, peer: str, name: str) -> None:
        """Told once, and then every ten minutes at most; whoever tries it gets slower answers."""
        now, key = time.monotonic(), (peer, name[:64] if NAME.fullmatch(name[:64]) else "")
        with self._lock:
            self.totals["denied"] += 1
            said, since = self._denied.get(key, (-_SAID, 0))
            tell = now - said >= _SAID and (key in self._denied or len(self._denied) < 1000)
            if tell or key in self._denied:
                self._denied[key] = (now, 0) if tell else (said, since + 1)
        if tell:
            more = f" ({since} more times since the last such line)" if since else ""
            self.tell("warning", f"a wrong credential for '{key[1]}' came from {peer}: refused{more}")
        time.sleep(_SLOWER)

    def _paid(self, who: Credential, bytes: int) -> None:
        """Refuse (429) where the credential brings more than its rate."""
        rate, now = float(self.found["rate"]), time.monotonic()
        with self._lock:
            left, then = self._spent.get(who.name, (2 * rate, now))
            left = min(2 * rate, left + (now - then) * rate)
            wait = (bytes - left) / rate if left < min(bytes, 2 * rate) else 0
            self._spent[who.name] = (left if wait else left - bytes, now)
        if wait:
            raise RefuseError(429, "more than this credential's rate", Retry_After=f"{max(1, round(wait))}")

    def _room(self, request: Request, who: Credential) -> bytes:
        """The body, if there is room for it. RefuseError."""
        if self.desk.full:
            raise RefuseError(507, f"nothing is taken now: {self.desk.full}", close=True, Retry_After="60")
        body = request.body(self.found["body"])
        self._paid(who, len(body))
        return body

    # sensors' streams --------------------------------------------------------------------------------------------------

    def _have(self, who: Credential, stream: str, asked: str) -> Answer:
        replica = self._replica(who, stream, None)
        if replica is None:
            return 404, {"error": "there is no such stream"}
        key, _, number = asked.partition("=")
        if key == "record" and number.isascii() and number.isdigit() and len(number) < 19:
            return 200, {"sha": replica.find(int(number))}
        return 200, replica.have.plain()

    def _block(self, request: Request, who: Credential, stream: str, segment: int) -> Answer:
        body = self._room(request, who)
        first, _, rest = body.partition(b"\n")
        try:
            said = json.loads(first)
            begin, many = int(said["from"]), int(said["chain"])
            whose = _about(said["about"], stream, who)
            chain, data = rest[:many], rest[many:]
            if many < 0 or begin < 0 or not chain.endswith(b"\n") or len(data) != int(said["data"]):
                raise ValueError
            gone = said.get("gone") is True
        except (ValueError, KeyError, TypeError, RecursionError):
            raise RefuseError(400, "the block is not written as it should be") from None
        replica = self._replica(who, stream, whose)
        assert replica is not None
        lines = chain.splitlines(keepends=True)
        try:
            new = replica.take(segment, begin, lines, None if gone else data)
        except WrongError as wrong:
            self.totals["wrong"] += 1
            self.tell("warning", f"{who.name}: a block of {stream} is not as its records say ({wrong}): refused")
            raise RefuseError(400, str(wrong)) from None
        except ElsewhereError:
            return 409, {"error": "it does not follow", "have": replica.have.plain()}
        except ForkedError as forked:
            self.totals["wrong"] += 1
            self.tell("error", f"{who.name}: {stream} tells another history than the one kept here: {forked}")
            return 409, {"error": "another history", "forked": True, "have": replica.have.plain()}
        with self._lock:
            self.totals["blocks"] += 1
            self.totals["records"] += new
            self.totals["replayed"] += len(lines) - new
            self.totals["bytes"] += len(data) if new else 0
        self._heard(who, said.get("of"))
        return 200, replica.have.plain()

    def _replica(self, who: Credential, stream: str, whose: About | None) -> Replica | None:
        """The stream's replica; made where `whose` says what it is. Refuse where it is another's."""
        with self._lock:
            found = self._replicas.get(stream)
            if found is None:
                known = about(self.spool.streams_path / stream) if _ID.fullmatch(stream) else None
                if known is None and whose is None:
                    return None
                if known is None:
                    if self._begun.get(who.name, 0) >= STREAMS:
                        raise RefuseError(403, f"a credential may begin {STREAMS} streams")
                    self._begun[who.name] = self._begun.get(who.name, 0) + 1
                try:
                    found = self._replicas[stream] = Replica(self.spool, known or whose)  # type: ignore[arg-type]
                except SpoolError as error:
                    self.tell("error", f"{who.name}: {error}")
                    raise RefuseError(503, error.message, Retry_After="300") from None
                if found.damaged:
                    self.tell("error", f"{found.damaged} It is set aside in the spool's folder `damaged`, and asked for again.")
        mine = found.about
        other = whose is not None and (whose.sensor, whose.input, whose.data) != (mine.sensor, mine.input, mine.data)
        if other or mine.told.get("via") != who.name or not who.may(mine.sensor):
            raise RefuseError(403, "that stream is not this credential's")
        return found

    def _heard(self, who: Credential, of: Any) -> None:
        """Notes when the sensor was heard, and the numbers that it said of itself."""
        numbers = {k: v for k, v in of.items() if k in ("behind", "skew", "skew_within")} if isinstance(of, dict) else {}
        numbers = {k: v for k, v in numbers.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
        with self._lock:
            self.sensors[who.name] = {"last": time.time(), "credential": who.id, **numbers}
        self._note(10)

    _noted = 0.0

    def _note(self, every: float) -> None:
        """What is known of the sensors, for `teiten collect list` and the doctor; not more often than that."""
        now = time.monotonic()
        with self._lock:
            if now - self._noted < every:
                return
            self._noted = now
            text = json.dumps(self.sensors, indent=1) + "\n"
        path = self.spool.path / STATUS
        try:
            fresh = path.with_suffix(".new")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
        except OSError:
            pass  # it is a convenience

    # plain senders -----------------------------------------------------------------------------------------------------

    def _lines(self, request: Request, who: Credential) -> Answer:
        body = self._room(request, who)
        block, many, refused = senders.lines(body, request.headers.get("Content-Type") or "")
        feed = self.desk.feed(INPUT, who.name)
        until = _Until(20)
        request.slot.deadline = time.monotonic() + 60
        if refused:
            feed.count(received=refused, refused=refused)
        if block:
            number = feed.put(block, received=many, stop=until)  # type: ignore[arg-type]
            if number < 0:
                raise RefuseError(503, "the disk takes nothing now", Retry_After="10")
            if not feed.wait(number, 30):
                raise RefuseError(503, "the disk takes nothing now: not acknowledged", Retry_After="10")
        self.totals["lines"] += many
        self._heard(who, None)
        return 200, {"lines": many, "refused": refused}


class _Until:
    """Looks like an event that is set after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def is_set(self) -> bool:
        return time.monotonic() >= self.end


def _about(said: Any, stream: str, who: Credential) -> About:
    """What a sensor says a stream is. ValueError, Refuse."""
    sensor, input, data, told = said["sensor"], said["input"], said["data"], said.get("told", {})
    if not (sensor is None or (isinstance(sensor, str) and NAME.fullmatch(sensor))) or data not in (LINES, PACKETS):
        raise ValueError
    if not isinstance(input, str) or not NAME.fullmatch(input) or not isinstance(told, dict) or len(json.dumps(told)) > 4096:
        raise ValueError
    if not _ID.fullmatch(stream) or stream.rpartition(".")[0] != (f"{input}.{sensor}" if sensor else input):
        raise ValueError
    if not who.may(sensor):
        raise RefuseError(403, f"this credential is not for the sensor {sensor}")
    return About(
        stream,
        sensor,
        input,
        data,
        {**told, "via": who.name},
        follows if isinstance(follows := said.get("follows"), str) else "",
    )
