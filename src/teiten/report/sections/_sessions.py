"""Sessions in words, as one who watches a scanner tells them: what came, how it differs from before, who would have noticed."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from teiten.frame import address_text
from teiten.lang import Words
from teiten.publish.evidence import Line
from teiten.report.model import Footnote, Piece
from teiten.sessions.compare import Change, Compared
from teiten.sessions.join import Port, Session
from teiten.sessions.thresholds import Crossing
from teiten.sessions.watch import Watch
from teiten.settings import Settings

MOST_PORTS: Final = 24
"""ports that a sentence names"""
MOST_SOURCES: Final = 4
"""addresses that a sentence names"""
ROW_PORTS: Final = 1000
ROW_SOURCES: Final = 100
"""what a row of data names of very many"""
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Teller:
    """Says sessions in a language. `ports`: how ports are written, in a row of them.

    `cover`: what the mask of the log lines covers: what it hides in them (minutes, say) is told nowhere else either.
    """

    words: Words
    zone: ZoneInfo
    ports: Callable[[Iterable[Port]], list[str]]
    cover: frozenset[str] = frozenset()

    # pieces

    def length(self, time: dt.timedelta) -> str:
        """41秒, 3分, 2時間5分."""
        seconds = time.total_seconds()
        if seconds < 1:
            return self.words("sessions.less_than_second")
        if seconds < 120:
            return self.words("sessions.seconds", n=round(seconds))
        return self.words.duration(time)

    def ago(self, time: dt.timedelta) -> str:
        """約6時間: to the whole hour from one hour on, to the whole day from two days on."""
        if time < _HOUR:
            return self.words("sessions.about", length=self.length(time))
        if time < 48 * _HOUR:
            return self.words("sessions.about", length=self.words("duration.hours", n=round(time / _HOUR)))
        return self.words("sessions.about", length=self.words("duration.days", n=round(time / (24 * _HOUR))))

    def gap(self, time: dt.timedelta) -> str:
        """…約16秒後, between two lines."""
        seconds = round(time.total_seconds())
        if seconds < 3600:
            return self.words("sessions.gap", n=seconds)
        return self.words("sessions.gap_long", length=self.length(time))

    def row(self, ports: Sequence[Port]) -> str:
        """The ports of a sentence, the first ones of very many."""
        shown = self.ports(ports[:MOST_PORTS])
        if len(ports) > MOST_PORTS:
            return self.words("sessions.ports_more", ports=self.words("number.comma").join(shown), n=len(ports) - MOST_PORTS)
        return (
            self.words("number.comma").join(shown) if len(shown) > 2 and self.words.lang != "en" else self.words.listed(shown)
        )

    def addresses(self, sources: Sequence[bytes], count: int | None = None) -> str:
        """The addresses of a sentence, the first ones of very many."""
        texts = [address_text(a) for a in sources[:MOST_SOURCES]]
        more = (len(sources) if count is None else count) - len(texts)
        if more > 0:
            return self.words("sessions.sources_more", sources=self.words("number.comma").join(texts), n=more)
        return self.words.listed(texts)

    def when(self, time: dt.datetime) -> str:
        """The moment, as exactly as the mask lets it be told: 12時17分, 12時台, or the day alone."""
        local = time.astimezone(self.zone)
        if "hour" in self.cover:
            return self.words.day(local.date())
        if "minute" in self.cover:
            hours = {"hour": str(local.hour), "next": str(local.hour + 1)}
            return self.words("sessions.at_hour", day=self.words.day(local.date()), **hours)
        return self.words.moment(local)

    # sentences

    def lead(self, one: Compared) -> str:
        """What came, when, from where."""
        s = one.session
        fields: dict[str, Any] = {
            "moment": self.when(s.start), "length": self.length(s.length), "n": s.tries, "ports": self.row(s.ports),
            "sources": self.addresses(s.sources, s.source_count),
        }  # fmt: skip
        if one.burst:
            return self.words("sessions.many", **fields)
        if s.tries > 1:
            return self.words("sessions.several", **fields)
        if s.events > 1:
            return self.words("sessions.repeated", **{**fields, "n": s.events})
        return self.words("sessions.one", **fields)

    def against(self, watch: Watch, one: Compared) -> list[str]:
        """How a session differs from those before it; nothing for one that is like them."""
        s = one.session
        out = [*self._origin(watch, one)]
        if one.record is not None and one.burst:
            out.append(self.words("sessions.record", n=s.per_minute, highest=one.record))
        elif one.ties and one.burst and one.same is None:
            out.append(self.words("sessions.ties", n=s.per_minute))
        if one.same is not None:
            key = "sessions.same_other" if one.same.other_source else "sessions.same_source"
            said = self.words(
                key,
                ago=self.ago(one.same.after),
                before=self.addresses(one.same.earlier.sources, one.same.earlier.source_count),
                sources=self.addresses(s.sources, s.source_count),
            )
            ours = "sessions.observer_same" if one.same.same_observer else "sessions.observer_other"
            out.append(self.words.joined(said, self.words(ours)))
        if one.new_ports and (one.burst or len(one.new_ports) > 1):
            out.append(self.words("sessions.new_ports", ports=self.row(one.new_ports)))
        return out

    def _origin(self, watch: Watch, one: Compared) -> list[str]:
        """Another source than on the last active day, and how that day was, where this is a burst."""
        if not one.burst:
            return []
        day = one.session.start.astimezone(self.zone).date()
        earlier = [d for d in watch.days if d.day < day]
        if not earlier:
            return []
        last, out = earlier[-1], []
        if one.moved:
            key = "sessions.moved_yesterday" if (day - last.day).days == 1 else "sessions.moved"
            sources = self.addresses(one.session.sources, one.session.source_count)
            out.append(self.words(key, sources=sources, before=self.words.day(last.day)))
        if last.behaviour == "single" and not any(c.burst for c in self._same_day(watch, one)):
            out.append(self.words("sessions.was_single", before=self.words.day(last.day), ports=self.row(last.ports)))
        return [self.words.joined(*out)] if out else []

    def _same_day(self, watch: Watch, one: Compared) -> list[Compared]:
        """The day's sessions before this one."""
        day = one.session.start.astimezone(self.zone).date()
        return [
            c
            for c in watch.compared
            if c.session.start < one.session.start and c.session.start.astimezone(self.zone).date() == day
        ]

    def silence(self, one: Compared) -> str:
        """The days without any before this session, or an empty text."""
        if not one.silent:
            return ""
        first, last = one.silent[0], one.silent[-1]
        key = "sessions.silent_one" if len(one.silent) == 1 else "sessions.silent"
        if (last - first).days + 1 > len(one.silent):
            key = "sessions.silent_observed"
        return self.words(key, first=self.words.day(first), last=self.words.day(last), n=len(one.silent))

    def few(self, day: dt.date, found: Sequence[Compared], slow: bool) -> str:
        """A day's attempts that were no bursts, together."""
        sessions = [c.session for c in found]
        ports = tuple(dict.fromkeys(p for s in sessions for p in s.ports))
        sources = tuple(dict.fromkeys(a for s in sessions for a in s.sources))
        fields = {
            "day": self.words.day(day), "n": sum(s.events for s in sessions), "ports": self.row(ports),
            "sources": self.addresses(sources),
        }  # fmt: skip
        gaps = [b.start - a.end for a, b in itertools.pairwise(sessions)]
        if slow and gaps:
            return self.words("sessions.day_slow", **fields, shortest=self.length(min(gaps)), longest=self.length(max(gaps)))
        return self.words("sessions.day_single", **fields)

    def changed(self, watch: Watch, day: dt.date) -> list[str]:
        """What changed on that day: the whole first, then single addresses of it."""
        found = [c for c in watch.changes if c.day == day]
        whole = [c for c in found if c.key == watch.key]
        single = sorted((c for c in found if c.key != watch.key), key=lambda c: c.before, reverse=True)
        out = [self.words(f"sessions.to_{c.now}", before=self.words.day(c.before)) for c in whole]
        out += [self._source(c, beside=bool(whole) and n == 0) for n, c in enumerate(single[:MOST_SOURCES])]
        return [self.words.joined(*out, self.words("sessions.perhaps"))] if out else []

    def _source(self, change: Change, *, beside: bool) -> str:
        """A single address; `beside`: after a sentence on the whole."""
        key = f"sessions.source_to_{change.now}" if beside else f"sessions.alone_to_{change.now}"
        return self.words(key, source=change.key, before=self.words.day(change.before))

    # who would have noticed

    def detected(self, session: Session, found: Sequence[Crossing]) -> list[Piece]:
        """Which thresholds a session reaches (one at least) and which it does not, each with its source as a footnote."""
        crossed, rest = reached(found)
        said = self._pieces("sessions.ids_crossed", {"moment": self.when(session.start)}, crossed=crossed)
        return [*said, self.words("number.between"), *self._pieces("sessions.ids_rest", {}, rest=rest)] if rest else said

    def detectors(self, found: Sequence[Crossing]) -> str:
        """The names of those that a session reaches, short: 'psad 1, Zeek'."""
        crossed, _ = reached(found)
        return ", ".join(c.id.replace(".", " ") for c in crossed) or "–"

    def threshold(self, one: Crossing) -> str:
        name, _, level = one.id.partition(".")
        fields: dict[str, Any] = {"needed": one.needed, "level": level, "seconds": int(one.seconds or 0)}
        if name == "snort":
            fields["level"] = self.words(f"sessions.level_{level}")
        key = f"{name}_{level}" if name == "zeek" else name
        return self.words(f"sessions.detector_{key}", **fields)

    def _pieces(self, key: str, fields: dict[str, str], **lists: Sequence[Crossing]) -> list[Piece]:
        """The sentence with its lists put in as pieces, a footnote after each threshold."""
        mark = {name: f"\0{name}\0" for name in lists}
        out: list[Piece] = []
        for part in self.words(key, **mark, **fields).split("\0"):
            if part not in lists:
                out.append(part)
                continue
            for i, one in enumerate(lists[part]):
                last = i == len(lists[part]) - 1
                out += [self.words("number.last" if last else "number.comma")] if i else []
                out += [self.threshold(one), Footnote(one.url, one.url)]
        return [p for p in out if p]


def reached(found: Sequence[Crossing]) -> tuple[list[Crossing], list[Crossing]]:
    """What is worth saying: the highest of psad's levels and the least sensitive of Snort's that are reached, Zeek, CrowdSec;
    and of those not reached, each detector's nearest (psad's are so low that the next level says nothing)."""
    crossed = [c for c in found if c.crossed]
    said = [c for c in crossed if c.id == "crowdsec" or c.id.startswith("zeek")]
    said = [*[c for c in crossed if c.id.startswith("psad")][-1:], *said, *[c for c in crossed if c.id.startswith("snort")][:1]]
    names = {c.id.partition(".")[0] for c in said}
    rest = [c for c in found if c.id in ("crowdsec", "zeek.ports", "snort.high") and c.id.partition(".")[0] not in names]
    if "psad" not in names:
        rest = [c for c in found if c.id == "psad.1"] + rest
    return said, rest


def quoted(teller: Teller, sessions: Sequence[Sequence[Line]]) -> list[str]:
    """The lines of some sessions, how much later each came between them, an empty line between sessions."""
    out: list[str] = []
    for lines in sessions:
        out += [""] if out else []
        for line in lines:
            out += [] if line.gap is None else [teller.gap(line.gap)]
            out.append(line.text)
    return out


def row(teller: Teller, one: Compared, found: Sequence[Crossing] | None) -> dict[str, Any]:
    """A session as a row of data: nothing in it names an address of ours. Very many ports and sources are named in part:
    `tries` and `source_count` count all."""
    s, same, cover = one.session, one.same, teller.cover
    digits = 0 if "minute" in cover else 3
    return {
        "start": _floor(s.start.astimezone(teller.zone), cover),
        "end": None if "minute" in cover else s.end.astimezone(teller.zone),
        "seconds": round(s.length.total_seconds(), digits),
        "events": s.events,
        "packets": s.packets,
        "tries": s.tries,
        "per_minute": s.per_minute,
        "ports": " ".join(plain_port(p) for p in s.ports[:ROW_PORTS]),
        "longest_gap": None if s.longest_gap is None else round(s.longest_gap.total_seconds(), digits),
        "sources": " ".join(address_text(a) for a in s.sources[:ROW_SOURCES]),
        "source_count": s.source_count,
        "source_ports": "" if "src_port" in cover else " ".join(map(str, s.source_ports)),
        "source_port_count": s.source_port_count,
        "ttl_min": s.ttl[0] if s.ttl and "ttl" not in cover else None,
        "ttl_max": s.ttl[1] if s.ttl and "ttl" not in cover else None,
        "windows": "" if "length" in cover else " ".join(map(str, s.windows)),
        "burst": one.burst,
        "same_ports_after": None if same is None else round(same.after.total_seconds(), digits if digits == 3 else -2),
        "same_ports_other_source": None if same is None else same.other_source,
        "observer_same": None if same is None else same.same_observer,
        "record": one.record is not None,
        "new_ports": " ".join(plain_port(p) for p in one.new_ports[:ROW_PORTS]),
        "silent_days": len(one.silent),
        "detected": " ".join(c.id for c in found or () if c.crossed),
    }


def _floor(time: dt.datetime, cover: frozenset[str]) -> dt.datetime:
    """The hour, or the day, that it lies in, where the mask hides more than that."""
    if "hour" in cover:
        return time.replace(hour=0, minute=0, second=0, microsecond=0)
    return time.replace(minute=0, second=0, microsecond=0) if "minute" in cover else time


COLUMNS: Final = (
    "start", "end", "seconds", "events", "packets", "tries", "per_minute", "ports", "longest_gap", "sources", "source_count",
    "source_ports", "source_port_count", "ttl_min", "ttl_max", "windows", "burst", "same_ports_after",
    "same_ports_other_source", "observer_same", "record", "new_ports", "silent_days", "detected",
)  # fmt: skip
"""of `row`, in its order"""


def port_texts(settings: Settings) -> Callable[[Iterable[Port]], list[str]]:
    """Ports in the style of the settings, where there is no report to ask."""
    from teiten.report.context import protocol_name
    from teiten.report.naming import port_text

    def texts(ports: Iterable[Port]) -> list[str]:
        return [
            plain_port((protocol, port)) if port is None else port_text(port, protocol_name(protocol), settings.port_style)
            for protocol, port in ports
        ]

    return texts


def plain_port(port: Port) -> str:
    from teiten.engine.filters import thing_text

    return thing_text(*port)
