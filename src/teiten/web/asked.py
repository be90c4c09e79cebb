"""What an address asks for: language, span, filters, unit; and the addresses that lead from there to others.

Everything that a page shows is in its address, in the contract's words, so that it can be shared, kept, and gone back to:
/ports?from=2019-10-01&to=2019-10-22&country=CN&by=hosts. What is not said has a default and is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from teiten import periods
from teiten.engine import filters
from teiten.engine.filters import Filters
from teiten.errors import UsageError
from teiten.settings import LANGUAGES, Settings

FILTERS: Final = (
    "port", "protocol", "country", "asn", "src", "sensor", "group", "action", "kind", "tool", "scanner", "scanners", "spoofed",
)  # fmt: skip
SPANS: Final = {
    "hour": dt.timedelta(hours=1),
    "day": dt.timedelta(days=1),
    "week": dt.timedelta(days=7),
    "month": dt.timedelta(days=30),
}
"""values of `period` that reach back from now"""
NOW: Final = "now"
"""in keys of answers: the end of a span that goes on"""
UNITS: Final = ("packets", "hosts", "per-ip")
FORMS: Final = ("stack", "lines")
ROWS: Final = ("from", "to", "period", *FILTERS, "unit", "n", "after", "step", "label", "mask", "lang", "format")
"""words that say which rows are meant: those that addresses of the API are given"""
SCALES: Final = ("linear", "log")
OWN: Final = ("hide", "after", "before", "q", "month", "chart", "y", "format", "set", "own")
"""words that mean something on one page alone, and do not go along to others"""
MOST_HIDDEN: Final = 20
LONGEST: Final = dt.timedelta(days=3660)
EARLIEST, LATEST = dt.datetime(1980, 1, 1, tzinfo=dt.UTC), dt.datetime(2500, 1, 1, tzinfo=dt.UTC)
"""no log tells of a time before or after; with a span before it, and in any zone, it is a date"""
MOST_ROWS: Final = 1000
_MINUTES: Final = dt.timedelta(hours=2)
_HOURLY: Final = dt.timedelta(days=8)
"""up to these lengths series are drawn by the minute and by the hour, beyond them by the day"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, checked. `words` are what the address says, without defaults; `now` is the moment that counts as now."""

    settings: Settings
    path: str
    words: Mapping[str, str]
    lang: str
    """ja or en"""
    start: dt.datetime
    end: dt.datetime
    filters: Filters
    unit: str
    form: str
    n: int
    now: dt.datetime
    live: bool
    """does the span end now?"""
    told: Mapping[str, str] = field(default_factory=dict)
    """parts of the path: port, country, ..."""
    scale: Any = "linear"
    """of value axes: linear or log"""
    hours: bool = False
    """are series by the hour however long the span is? Of heat maps, whose columns are hours"""
    hide: tuple[str, ...] = ()
    """keys of series that charts leave out"""

    @property
    def by(self) -> Any:
        """What rankings go by; packets of an address rank as packets do."""
        return "hosts" if self.unit == "hosts" else "packets"

    @property
    def step(self) -> Any:
        length = self.end - self.start
        if self.hours or length > _HOURLY:
            return "hour" if self.hours else "day"
        return "hour" if length > _MINUTES else "minute"

    @property
    def before(self) -> tuple[dt.datetime, dt.datetime]:
        """The span of the same length before this one."""
        return self.start - (self.end - self.start), self.start

    @property
    def key(self) -> tuple[Any, ...]:
        """What two requests with the same answers have in common."""
        texts = tuple(sorted((k, v) for k, v in self.words.items() if k in FILTERS))
        return self.when, texts, self.unit, self.n

    @property
    def when(self) -> tuple[Any, Any]:
        """The span; of one that ends now, what stays the same while time goes on (web/_patience.py: ends_now)."""
        # in a lake that is not live, now stands still
        still = dt.datetime.now(dt.UTC) - self.now > dt.timedelta(hours=1)
        if still or not self.live or self.end < self.now.replace(second=0, microsecond=0):
            return self.start, self.end
        begins = self.words.get("from") or self.words.get("period", "day") not in SPANS
        return (self.start, NOW) if begins else (NOW, self.end - self.start)

    def url(self, path: str | None = None, **changes: Any) -> str:
        """The address of another view with the same span and filters; a change to None leaves a word out."""
        words = self.words if path is None or path == self.path else {k: v for k, v in self.words.items() if k not in OWN}
        kept = {**words, **{k.rstrip("_"): v for k, v in changes.items()}}
        rows = (path or "").startswith("/api/")
        found = {k: str(v) for k, v in kept.items() if v not in (None, "") and (k in ROWS or not rows)}
        return (self.path if path is None else path) + (f"?{urlencode(sorted(found.items()))}" if found else "")

    def over(self, start: dt.datetime, end: dt.datetime) -> str:
        """The address of the same view over another span."""
        return self.url(period=None, from_=self.moment(start), to=self.moment(end), after=None)

    def moment(self, at: dt.datetime) -> str:
        """A moment as an address writes it: in the zone, a day alone where it is midnight, with its offset where need be."""
        own = at.astimezone(self.settings.zone)
        short = own.replace(tzinfo=None).isoformat(timespec="minutes")
        if periods.moment(short, self.settings.zone).timestamp() != own.replace(second=0, microsecond=0).timestamp():
            return own.isoformat(timespec="minutes")  # an hour that the clock shows twice
        return short.removesuffix("T00:00")

    @property
    def earlier(self) -> str:
        """The address of the span of the same length before this one."""
        return self.over(*self.before)

    @property
    def later(self) -> str:
        """The address of the span of the same length after this one; none where that has not begun."""
        return self.over(self.end, self.end + (self.end - self.start)) if self.end < self.now else ""

    @property
    def wider(self) -> str:
        """The address of a span twice as long around this one, that ends now at the latest."""
        half = (self.end - self.start) / 2
        end = max(self.end, min(self.end + half, self.now))
        start = end - 4 * half
        return self.over(start, end) if end - start <= LONGEST else ""

    def toggled(self, key: str) -> str:
        """The address with that series left out, or taken in again."""
        left = [one for one in self.hide if one != key] if key in self.hide else [*self.hide, key]
        return self.url(hide=",".join(quote(one, safe="/: ") for one in left[:MOST_HIDDEN]))

    @property
    def unnarrowed(self) -> str:
        """The address without any filter."""
        return self.url(hide=None, after=None, **dict.fromkeys(FILTERS))

    @property
    def narrowing(self) -> list[tuple[str, str, str]]:
        """The filters in force: name, value, the address without it."""
        out = [(name, self.words[name]) for name in FILTERS if self.words.get(name)]
        return [(name, value, self.url(**{name: None})) for name, value in out if (name, value) not in _ALL]


_ALL: Final = {("scanners", "in"), ("spoofed", "in")}


def place(*parts: Any) -> str:
    """A path of parts, each escaped: place("port", "23/tcp") -> /port/23/tcp."""
    return "/" + "/".join(quote(str(part), safe="/:") for part in parts)


def read(
    settings: Settings,
    path: str,
    words: Mapping[str, str],
    *,
    extent: tuple[dt.datetime, dt.datetime] | None,
    told: Mapping[str, str] | None = None,
    accept: str = "",
    cookie: str | None = None,
    most: int = MOST_ROWS,
) -> Asked:
    """The request behind an address. extent: first and last event of the lake: where the last is long ago, that is "now".

    UsageError for a word, or its value, that means nothing; the message says what would.
    """
    given = {k: v.strip() for k, v in words.items() if v.strip()}
    now = dt.datetime.now(dt.UTC)
    if extent is not None and now - extent[1] > dt.timedelta(days=2):
        # a lake that is not live: its end, rounded up to a whole hour, stands for now
        now = extent[1].replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    start, end, live = _span(settings, given, now)
    if start < EARLIEST or end > LATEST:
        raise _nowhere(start, end)
    if end - start > LONGEST:
        raise UsageError("That is more than ten years.", hint="Ask for a shorter time.")
    return Asked(
        settings=settings,
        path=path,
        words=given,
        lang=_language(settings, given.get("lang") or cookie, accept),
        start=start,
        end=end,
        filters=filters.parse(settings, **{k: given.get(k) for k in FILTERS}),
        unit=_one_of(given.get("unit", given.get("by", "packets")), UNITS, "unit"),
        form=_one_of(given.get("form", "stack"), FORMS, "form"),
        n=_count(given.get("n", "20"), most),
        now=now,
        live=live,
        told=told or {},
        scale=_one_of(given.get("scale", "linear"), SCALES, "scale"),
        hide=tuple(unquote(one) for one in given.get("hide", "").split(",")[:MOST_HIDDEN] if one),
    )


def _span(settings: Settings, given: Mapping[str, str], now: dt.datetime) -> tuple[dt.datetime, dt.datetime, bool]:
    zone = settings.zone
    if given.get("from") or given.get("to"):
        start = periods.moment(given["from"], zone) if given.get("from") else None
        end = periods.moment(given["to"], zone) if given.get("to") else now
        if end > LATEST or (start or end) < EARLIEST:
            # before anything is reckoned from them: a day before the year 1 is no date
            raise _nowhere(start or end, end)
        start = start or end - SPANS["day"]
        if start >= end:
            raise UsageError("The beginning is not before the end.", hint="from is included, to is not.")
        return start, end, not given.get("to")
    text = given.get("period", "day")
    if text in SPANS:
        end = _whole_minute(now)
        return end - SPANS[text], end, True
    for kind in periods.KINDS:
        try:
            period = periods.parse(kind, text, zone)
        except UsageError:
            continue
        if period.start < now < period.end:
            # what is not over goes up to now: so it is compared with as long a time before, and divided by days that have been
            return period.start, min(_whole_minute(now), period.end), True
        return period.start, period.end, False
    raise UsageError(f"'{text}' names no period.", hint=f"Write {', '.join(SPANS)}, or 2026-05-01, 2026-W18, 2026-05, 2026-Q2.")


def _nowhere(start: dt.datetime, end: dt.datetime) -> UsageError:
    return UsageError(f"No sensor was there at that time: {start.year} to {end.year}.", hint="Ask for a time since 1980.")


def _whole_minute(now: dt.datetime) -> dt.datetime:
    """The end of the minute that goes on: what came a second ago is in a span that ends now, and is seen at once."""
    begun = now.replace(second=0, microsecond=0)
    return begun if begun == now else begun + dt.timedelta(minutes=1)


def _language(settings: Settings, said: str | None, accept: str) -> str:
    if said in LANGUAGES:
        return str(said)
    for part in accept.split(","):
        code = part.split(";")[0].strip()[:2].lower()
        if code in LANGUAGES:
            return code
    return settings.language


def _one_of(value: str, known: tuple[str, ...], name: str) -> str:
    if value not in known:
        raise UsageError(f"{name} '{value}' is unknown.", hint=f"Choose one of: {', '.join(known)}.")
    return value


def _count(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise UsageError(f"n is a number from 1 to {most}, not '{text[:20]}'.")
    return int(text)
