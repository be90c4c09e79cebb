"""What is told of a change: a detection (what one day shows), and a story (a detection followed from day to day).

Both are plain values, without language: reports, feeds and alerts say them in words.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Port = tuple[int, int | None]
"""protocol number, and destination port; None where the protocol has none (ICMP)"""

BURST: Final = "burst"
NEW_PORT: Final = "new_port"
RISING: Final = "rising"
HIGH: Final = "high"
FALLING: Final = "falling"
ENDED: Final = "ended"
SPREADING: Final = "spreading"
OVERTOOK: Final = "overtook"
CLOSING_IN: Final = "closing_in"
PORT_GROUP: Final = "port_group"
CAMPAIGN: Final = "campaign"
RHYTHM: Final = "rhythm"
RHYTHM_LOST: Final = "rhythm_lost"
DYNAMIC: Final = "dynamic"
ARRIVALS: Final = "arrivals"
BACKSCATTER: Final = "backscatter"
PORT_RUN: Final = "port_run"
FEW_MANY: Final = "few_many"
MANY_FEW: Final = "many_few"
STANDS_OUT: Final = "stands_out"
OWN_FALL: Final = "own_fall"
OUTAGE: Final = "outage"
CLOCK_STEP: Final = "clock_step"
DUPLICATE_FEED: Final = "duplicate_feed"
WATCH: Final = "watch"

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    BURST: ("many more within hours than is usual", "一時的な増加"),
    NEW_PORT: ("a port that was hardly ever tried before", "これまでほとんど観測されなかったポート"),
    RISING: ("days above the usual, and a new one", "増加"),
    HIGH: ("stays as high as it rose", "高止まり"),
    FALLING: ("on its way back to the usual", "減少"),
    ENDED: ("back at the usual", "終息"),
    SPREADING: ("country after country joins", "発信元地域の拡大"),
    OVERTOOK: ("passed another in the ranking", "順位の逆転"),
    CLOSING_IN: ("about to pass another in the ranking", "上位への接近"),
    PORT_GROUP: ("ports tried by the same sources at once", "同じ送信元が狙うポート群"),
    CAMPAIGN: ("the same doing, over ports, days or addresses", "一連の活動"),
    RHYTHM: ("sources that sleep at night", "日内変動"),
    RHYTHM_LOST: ("a rhythm of day and night that is no longer there", "日内変動の消失"),
    DYNAMIC: ("sources in dynamic ranges of access providers", "動的割り当てアドレス"),
    ARRIVALS: ("arrivals like a DoS at a service that is really run", "DoSライクな着信"),
    BACKSCATTER: ("answers to forged traffic", "バックスキャッタ"),
    PORT_RUN: ("long runs of consecutive ports", "連続したポートへの着信"),
    FEW_MANY: ("few sources that try very many ports", "少数のホストによる広範なスキャン"),
    MANY_FEW: ("many sources that try few ports", "多数のホストによる少数のポートへのスキャン"),
    STANDS_OUT: ("a port's share of one country is far above its share of all", "特定の国で際立つポート"),
    OWN_FALL: ("all fell at once: the observer's own line", "観測側の要因による減少"),
    OUTAGE: ("nothing was observed", "観測の欠落"),
    CLOCK_STEP: ("the sensor's clock was set", "センサーの時計のずれ"),
    DUPLICATE_FEED: ("the same was put in twice", "重複した入力"),
    WATCH: ("what the user asked to be told", "利用者の設定による通知"),
}
"""every kind of detection, in English and Japanese"""
OWN: Final = frozenset({OWN_FALL, OUTAGE, CLOCK_STEP, DUPLICATE_FEED})
"""kinds that tell of the observer, never of the world"""

OF_TODAY: Final = "of_today"
"""in the reason of a burst over midnight: of its packets, and of those usual, those of the day on which it is told"""

Confidence = Literal["sure", "likely", "possible"]


@dataclass(frozen=True, slots=True)
class About:
    """What a detection is about. Nothing stated: all of it. country "" and asn 0 are the unknown ones."""

    ports: tuple[Port, ...] = ()
    country: str | None = None
    asn: int | None = None
    sensor: str | None = None
    group: str | None = None

    def text(self) -> str:
        """The same for the same things: 25/6,465/6|US|||"""
        ports = ",".join(f"{'' if port is None else port}/{protocol}" for protocol, port in sorted(self.ports, key=_order))
        asn = "" if self.asn is None else str(self.asn)
        country = "" if self.country is None else self.country or "?"
        return "|".join((ports, country, asn, self.sensor or "", self.group or ""))


def _order(port: Port) -> tuple[int, int]:
    return port[0], -1 if port[1] is None else port[1]


@dataclass(frozen=True, slots=True)
class Part:
    """Who carries it: of `what` (port, country, asn, sensor, prefix) that `key`, with its packets and share of the excess."""

    what: str
    key: str
    packets: float
    share: float
    since: dt.datetime | None = None
    """when it joined, for what spreads"""


@dataclass(frozen=True, slots=True)
class Detection:
    """A change, as one day shows it. Times are UTC, beginnings of hours."""

    kind: str
    about: About
    day: dt.date
    """the day (of the settings' zone) on which it is told"""
    start: dt.datetime
    end: dt.datetime | None = None
    """the first hour after it; None: it goes on where what is known ends"""
    peak: dt.datetime | None = None
    packets: float = 0.0
    """in [start, end) of that day; of a burst that is told over midnight (`OF_TODAY`) in all of its hours"""
    hosts: float | None = None
    usual: float | None = None
    """packets that the baseline expects in the same time, over what was watched; None: there is no baseline"""
    times: float | None = None
    """packets / usual; None where the usual is next to nothing"""
    measure: Literal["packets", "hosts"] = "packets"
    """in which of the two it stands out"""
    score: float = 0.0
    """-log10 of the chance that a day on which nothing happens shows one so large anywhere (all that was tried reckoned in)"""
    confidence: Confidence = "likely"
    parts: tuple[Part, ...] = ()
    sources: Literal["few", "many"] | None = None
    reason: Mapping[str, Any] = field(default_factory=dict)
    """series, baseline, threshold, window: numbers and names that `teiten explain` shows; JSON"""

    @property
    def id(self) -> str:
        """Eight characters; the same for the same change, however often the day is made again."""
        text = f"{self.kind}|{self.about.text()}|{self.start.date().isoformat()}"
        if self.kind == WATCH:  # two watches may look at one thing
            text += f"|{self.reason.get('name', '')}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]


State = Literal["new", "growing", "high", "falling", "ended", "once", "resting"]
"""of a story on a day. new: it began, or came back (`again`); once: it came and went within that day; resting: it is over and
was told, and is kept for some days since it may come back: nothing is said of it (`stories.told` leaves it out)"""


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one thing that changed, as it stands on `day`."""

    id: str
    """that of its first detection"""
    kind: str
    """of the detection that says most of it"""
    about: About
    day: dt.date
    state: State
    first: dt.datetime
    last: dt.datetime | None = None
    """the first hour after it; None: it goes on"""
    detections: tuple[Detection, ...] = ()
    """of this day, most telling first; empty where it only goes on"""
    times: float | None = None
    """how many times the usual on this day"""
    peak: float | None = None
    """the most times the usual on any day, and that day"""
    peak_day: dt.date | None = None
    rank: int | None = None
    """of its port (or else country) over three days, and on the day before"""
    rank_before: int | None = None
    days: int = 1
    """days on which it was told"""
    seen: dt.date | None = None
    """the last day on which there was a detection of it"""
    again: int = 0
    """how many times it came back after it had come to an end"""
    verdict: Literal["false", "explained"] | None = None
    """what the analyst says of it, and in which words"""
    because: str | None = None


def told(reason: Mapping[str, Any]) -> str:
    """A reason as it is kept: JSON with its keys in order."""
    return json.dumps(reason, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """A number of numpy's as Python's; TypeError for what is no number."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a reason")
