"""teiten.toml and the command line's flags, as one object; every setting has a default that works.

Looked for: --config FILE, $TEITEN_CONFIG, ./teiten.toml. A flag wins over the file, the file over the default.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import locale
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten import alerting, answering, clustering, federating, hosting, notifying, periods, publishing, stationing, storing
from teiten.data import countries
from teiten.errors import UsageError

LANGUAGES = ("ja", "en")
PORT_STYLES = ("23/tcp", "23/TCP", "TCP#23")
MASKS = ("seed", "strict")
MOST_PAYLOAD_BYTES = 512
DEFAULT_SENSOR = "home"
DEFAULT_LAKE = "teiten-lake"
LEAST_QUERY_MEMORY_MB = 100


@dataclass(frozen=True, slots=True)
class Run:
    """A time [start, end) in which a sensor ran; None: without such an end. addresses: how many; None: nobody says."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    addresses: int | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time [start, end) in which a sensor was off, as its operator says, and why; end None: it still is."""

    start: dt.datetime
    end: dt.datetime | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One observation point. `paths` are globs, relative to the configuration file, of the inputs that are its own."""

    name: str
    group: str | None = None
    country: str | None = None
    addresses: int | None = None
    """how many it watches; None: nobody says, and those count that packets were sent to"""
    zone: str | None = None
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    paths: tuple[str, ...] = ()
    services: tuple[tuple[int, int], ...] = ()
    """what its host serves, as protocol and port: arrivals there are told of (`teiten attacks`)"""
    runs: tuple[Run, ...] = ()
    """several times with a number of addresses each, in order, in place of `start`, `end` and `addresses`"""
    outages: tuple[Outage, ...] = ()
    """when it was off, in order; silences that nobody states are told from its own usual rate (`engine.gaps`)"""

    def running(
        self, start: dt.datetime, end: dt.datetime, zone: dt.tzinfo
    ) -> list[tuple[dt.datetime, dt.datetime, int | None]]:
        """The parts of [start, end) in which it ran by what the configuration says, each with its addresses (None: not said).

        `zone`: that of times without one."""
        out = []
        for run in self.runs or (Run(self.start, self.end, self.addresses),):
            low = max(start, _aware(run.start, zone)) if run.start else start
            high = min(end, _aware(run.end, zone)) if run.end else end
            if low < high:
                out.append((low, high, run.addresses))
        return out

    def off(self, start: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> list[tuple[dt.datetime, dt.datetime, str]]:
        """The parts of [start, end) in which it was off by what the configuration says, and why. `zone`: as in `running`."""
        out = []
        for one in self.outages:
            low = max(start, _aware(one.start, zone))
            high = min(end, _aware(one.end, zone)) if one.end else end
            if low < high:
                out.append((low, high, one.because))
        return out


@dataclass(frozen=True, slots=True)
class Reading:
    """Limits on hostile input."""

    max_line: int = 1 << 20
    """bytes; a longer line is rejected (counted), never held in memory whole"""
    max_ratio: int = 300
    """uncompressed / compressed, looked at once `ratio_floor` bytes came out; a bomb is refused"""
    ratio_floor: int = 64 << 20
    """bytes that must have come out before `max_ratio` counts"""
    max_repeat: int = 10_000
    """'last message repeated N times': more than this is rejected"""
    payload_bytes: int = 0
    """first bytes above the transport header that are kept of a captured packet (column `payload`); 512 at most. They may hold
    anything, the sensor's address too: nothing of them is published"""
    alerts_count: int = 1
    """packets that an alert of Suricata's counts as: 1, or 0 where the flows of the same log count its packets already"""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long the lake keeps events and evidence of devices ([lake]). Statistics, verdicts, notes, coverage stay for good."""

    keep_events: int | None = None
    """days after which events go, written `90d`, `26w` or `2y`; without it they are kept for good"""
    disk: int | None = None
    """bytes that the lake may take on the disk, written `50GB` or `2TB`: beyond it the oldest finished days' events go; from
    four fifths of it on, that is told beforehand"""
    keep_devices: int | None = None
    """days after which evidence of devices goes (what addresses answered to scanners), written as `keep_events` is, and counted
    apart from it: quarters are compared by that evidence; without it, it is kept for good"""

    @property
    def told(self) -> bool:
        """Is anything said about how long something is kept?"""
        return self.keep_events is not None or self.disk is not None or self.keep_devices is not None


@dataclass(frozen=True, slots=True)
class Names:
    """Whether and how PTR names are looked up by `teiten names resolve`; nothing else ever asks."""

    resolve: bool = False
    """false: no name server is asked"""
    servers: tuple[str, ...] = ()
    """addresses, with a port where it is not 53; none: those that the machine asks"""
    per_second: float = 5
    """questions a second, at most"""
    timeout: float = 3
    """seconds that a question waits for its answer"""
    attempts: int = 2
    """questions for one thing, over the servers in turn"""
    cache_days: int = 30
    """days after which an answer is asked for again; a name counts for that many days before and after an answer gave it"""
    cache_addresses: int = 200_000
    """addresses whose answers are kept"""
    cache: Path | None = None
    """the cache's file; None: names.sqlite beside imported lists"""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that decides something, with its default and what it decides."""

    default: float
    text: str


THRESHOLDS: Final[dict[str, Threshold]] = {
    "port_scanner_ports": Threshold(
        10, "a source that tries this many ports (protocol and port, TCP and UDP) within one day is a port scanner (TSUBAME)"
    ),
    "tool_chance": Threshold(
        0.01,
        "a tool is named where the chance that any of the sources looked at has its mark so often by accident is at most this",
    ),
    "tool_packets": Threshold(
        2, "and where a source sent at least this many different packets with the mark (Mirai's, of 32 bits: one is enough)"
    ),
    "tool_share": Threshold(
        0.001, "and where at least this share of the source's packets has it (0 to 1): many packets have many accidents"
    ),
    "zmap_order_destinations": Threshold(
        12, "a source's order of destinations is held against ZMap's where it tried this many of them on one port (at least 5)"
    ),
    "zmap_order_tries": Threshold(
        500,
        "and of so many sources a day at most, of those with the TCP window that ZMap writes, busiest first (some 20 ms each)",
    ),
    "zmap_order_others": Threshold(25, "and of so many of the other sources a day"),
    "large_scanner_ports": Threshold(
        30, "a source that sends TCP SYN and UDP to this many distinct ports within one day may be a large scanner (NICTER)"
    ),
    "large_scanner_packets": Threshold(
        300_000,
        "and is one where these are this many packets or more, at `large_scanner_addresses` observed addresses (NICTER)",
    ),
    "large_scanner_addresses": Threshold(
        300_000,
        "observed addresses to which `large_scanner_packets` belongs: for others it is scaled in proportion; 0: never",
    ),
    "large_scanner_floor": Threshold(
        300, "packets below which nobody is a large scanner, however few addresses are observed (a household line has one)"
    ),
    "telnet_packets": Threshold(
        2,
        "a source that sends this many TCP SYN to 23 or 2323 within one day, and none with Mirai's mark, scans Telnet (NICTER)",
    ),
    "detect_outage_hours": Threshold(0.5, "a sensor's outage is told where it was not watching for this many hours"),
    "detect_own_factor": Threshold(
        0.75, "the own line fell where all ports and countries are at this part of the usual (0 to 1), or have as much more"
    ),
    "detect_own_deviations": Threshold(
        5, "and where as many hours at other times lie off the usual by this many robust deviations less"
    ),
    "detect_clock_deviations": Threshold(
        3, "after hours without anything, as many hours with twice as much are a clock's step from so many deviations"
    ),
    "detect_twice_evidence": Threshold(
        16, "input came twice where so many even counts are likelier so than by chance by this much (natural logarithm)"
    ),
    "detect_silent_evidence": Threshold(
        14, "hours without a packet are an outage where the line's usual gives them a chance of e to minus this"
    ),
    "detect_own_hours": Threshold(48, "hours watched without which nothing is said of a line's fall"),
    "detect_own_days": Threshold(7, "days for which a change of the own line is told while it lasts; then it is the usual"),
    "comparable_coverage": Threshold(
        0.95, "two periods are compared where the sensors were watching for this share of both (0 to 1)"
    ),
    "peak_deviations": Threshold(
        5, "a day of a quarter is a peak where it exceeds the median of the 29 days around it by this many robust deviations"
    ),
    "peak_times": Threshold(1.3, "and where it is at least this many times that median"),
    "ranked_coverage": Threshold(
        0.5, "ranks of the period before are told where the same sensors were watching for this share of both (0 to 1)"
    ),
    "overwhelming_share": Threshold(
        0.67, "ports are called the overwhelming majority where at most three of them hold this share of all packets (0 to 1)"
    ),
    "session_gap_seconds": Threshold(
        120, "a session ends where its source, or its organisation, sends nothing for longer than this"
    ),
    "burst_ports_per_minute": Threshold(5, "a session that tries this many ports within some 60 seconds is a burst"),
    "slow_ports": Threshold(
        3, "an organisation (or source) that tries this many ports in a day without a burst is low-and-slow on that day"
    ),
    "own_mirai_packets": Threshold(
        3, "a machine of one's own is told of where it sent this many packets with Mirai's mark in a day"
    ),
    "own_bot_destinations": Threshold(
        5, "a machine of one's own is told of where it tried this many addresses in a day on a port that bots of devices use"
    ),
    "own_port_destinations": Threshold(
        30, "a machine of one's own is told of where it tried this many addresses in a day on one port that is no client's"
    ),
    "attack_packets": Threshold(
        25, "a victim's answers are an attack with this many packets (RSDoS, CAIDA); arrivals likewise"
    ),
    "attack_seconds": Threshold(60, "and from the first of them to the last this many seconds (RSDoS, CAIDA)"),
    "attack_packets_per_minute": Threshold(30, "and this many within some 60 seconds, which slide by 10 (RSDoS, CAIDA)"),
    "attack_idle_seconds": Threshold(300, "an attack has ended after this many seconds without a packet (RSDoS, CAIDA)"),
    "backscatter_share": Threshold(
        0.9, "a source's packets are backscatter where this share of its day's is answers that nobody asked for (0 to 1)"
    ),
    "backscatter_packets": Threshold(
        20, "and a source with this many of them has backscatter among its packets, whatever else it sends"
    ),
    "flood_sources": Threshold(200, "a flood of forged sources has this many distinct ones at least"),
    "flood_packets_per_minute": Threshold(
        30, "its minutes bring so many sources of one packet to one port of one destination, to one port or to one destination"
    ),
    "flood_times_usual": Threshold(
        3, "and more than so many times what the quietest quarter of the day's minutes brings there"
    ),
    "flood_one_packet_share": Threshold(
        0.9, "this share of a flood's sources sent one packet there, and nothing else all day (0 to 1)"
    ),
    "flood_unevenness": Threshold(
        0.35, "its sources lie evenly over the /8s: Cohen's w of the chi-square, less what chance makes, is at most this"
    ),
    "flood_chance": Threshold(
        1e-6, "so many of its sources lie where no source can be that the day's others would do so with this chance at most"
    ),
    "flood_impossible_share": Threshold(
        0.1, "or, with this share of its sources where no source can be (a poor generator's are not even), (0 to 1)"
    ),
    "flood_nearness": Threshold(
        2, "two of them share a /16 at most so many times as often as if its two bytes had been drawn one by one"
    ),
    "flood_confidence": Threshold(
        0.9, "a flood's source is named where the chance that it is forged is this at least (0 to 1)"
    ),
    "port_run_ports": Threshold(30, "consecutive ports at one destination in order of time are a run from this many on"),
    "port_run_density": Threshold(0.7, "this share of a run's range of ports was really seen (0 to 1)"),
    "port_run_idle_seconds": Threshold(300, "a run ends after this many seconds without its next port"),
    "many_ports": Threshold(100, "a source that tries this many ports in a day tries very many"),
    "few_ports": Threshold(3, "a source that tries at most this many ports tries few"),
    "misconfigured_packets": Threshold(
        10, "a source that keeps to one port of one destination is wrongly set up with this many packets in a day at least"
    ),
    "misconfigured_hours": Threshold(3, "in this many different hours of it at least"),
    "misconfigured_rate": Threshold(1, "and at most this many packets a second on average (a flood has more)"),
    "scan_idle_seconds": Threshold(624, "a scan event ends after this many seconds without a packet (ORION, Merit)"),
    "scan_destinations": Threshold(10, "a scan event has this many distinct destinations at least (ORION, Merit)"),
    "scan_rate": Threshold(
        10, "and this many packets a second, scaled from the observed addresses to all of IPv4 (ORION, Merit)"
    ),
    "spread_times": Threshold(
        1.5, "a sensor shows a rise or fall where its packets a day watched are this many times those before, or were"
    ),
    "spread_share": Threshold(
        0.67, "a change is of a group, or everywhere, where this share of the sensors (of each group) show it (0 to 1)"
    ),
    "detect_level_times": Threshold(
        2, "a port, country or AS is told to have risen (or fallen) where its day is this many times its usual one (or it that)"
    ),
    "detect_slow_times": Threshold(1.6, "and what rises slowly, where the days of a week are so on average"),
    "detect_level_packets": Threshold(15, "and by this many packets a day at least"),
    "detect_level_share": Threshold(0.00001, "and by this share of all packets of a day"),
    "detect_fall_share": Threshold(
        0.0001, "and, what falls in one country alone, by this share: that a few rare sources stay away is no news"
    ),
    "detect_level_days": Threshold(
        0.02, "of days on which nothing happens, the share on which a level, a new port or a ranking may be told all the same"
    ),
    "detect_settled_days": Threshold(
        21, "what stays away from its usual for this many observed days is its usual from then on"
    ),
    "detect_new_packets": Threshold(15, "a port that was hardly ever tried before is told with this many packets in a day"),
    "detect_new_hosts": Threshold(4, "and this many hosts (a host counts once in each hour)"),
    "detect_new_before": Threshold(0.2, "and is new where it had at most this many packets a day on average before"),
    "detect_spread_countries": Threshold(3, "a rise spreads where this many countries joined it, one after another"),
    "detect_rank_places": Threshold(10, "overtaking is told of these places of the three days' ranking"),
    "detect_rank_near": Threshold(0.75, "a port that rises closes in on the next one where it has this share of its packets"),
    "detect_stands_out_times": Threshold(4, "a port stands out in a country where its share is this many times that of all"),
    "detect_stands_out_share": Threshold(0.1, "and this share of the country's packets at least (0 to 1)"),
    "detect_rhythm_depth": Threshold(
        0.35,
        "a country's sources have a rhythm where the quiet hours of their day have this much less than the busy ones (0 to 1)",
    ),
    "detect_group_share": Threshold(
        0.5, "ports are tried by the same sources where this share of the sources of each tried another of them, too (0 to 1)"
    ),
    "detect_group_sources": Threshold(5, "and so many sources did at least"),
    "detect_false_days": Threshold(
        0.05, "of days on which nothing happens, the share on which a change may be told all the same (hours; 0 to 1)"
    ),
    "detect_times": Threshold(2, "a change within hours has this many times what is expected of its hours, at least"),
    "detect_packets": Threshold(10, "and this many packets more than expected"),
    "detect_hosts": Threshold(5, "or this many hosts more (a host counts once in each hour)"),
    "detect_root": Threshold(
        0.04, "and, where much is observed, so many times the square root of a usual day's packets, or hosts, more"
    ),
    "detect_visit_days": Threshold(
        0.02, "what few hosts carry is more than a single one sends to a port within an hour on this share of days (0 to 1)"
    ),
    "detect_share": Threshold(
        0.8, "a change is told of the port, country, AS or sensor that carries this share of what is more (0 to 1)"
    ),
    "detect_days": Threshold(3, "days must have been watched before anything is said of a change within hours"),
    "detect_cells": Threshold(
        100_000,
        "so many cells (an hour of a sensor, port, country and AS) of a day are looked at each by itself; of a day with more, "
        "the rarest are put together, by port, by country, by AS and by sensor",
    ),
    "detect_watch_times": Threshold(
        1.5, "what a user's watch says rises is at least this many times its usual, where the watch itself names no number"
    ),
    "detect_watch_chance": Threshold(
        0.01, "and of the days like any other, at most this share shows as much there in any of 1 to 24 hours (0 to 1)"
    ),
    "detect_watch_new_packets": Threshold(
        3,
        "what a user's watch says is new has so many packets on its day at least, and none in the days before",
    ),
    "detect_watch_days": Threshold(
        7, "and so many days before it were watched at least: with fewer nothing can be said to be new, or to rise"
    ),
    "detect_taught_false": Threshold(
        1.5,
        "after a story was marked false, the same change of the same thing is told from this many times its size on",
    ),
    "detect_taught_explained": Threshold(
        1,
        "after a story was marked explained, the same up to this many times its size has that explanation, and no alert",
    ),
    "detect_taught_days": Threshold(90, "what a marked story teaches holds for this many days"),
    "detect_story_days": Threshold(
        3, "what comes back within this many days after its end is the same story; then it is a new one"
    ),
    "detect_single_chance": Threshold(
        0.01,
        "what single sources do (runs of ports, few that try many, backscatter) is told where a day like those before has so "
        "many of them, in any of the countries looked at, with this chance at most",
    ),
    "detect_single_times": Threshold(2, "and where they are this many times those of a usual day"),
    "detect_many_hosts": Threshold(
        50, "a change is told as one of many hosts that try few ports where this many hosts more than usual take part"
    ),
    "detect_many_packets": Threshold(3, "and each of them sends this many packets on average, at most"),
    "detect_dynamic_share": Threshold(
        0.5, "sources are said to sit in dynamic ranges where more than this share of those with a telling name do (0 to 1)"
    ),
    "detect_dynamic_named": Threshold(
        0.2, "and where the names of this share of all of them tell it, one way or the other, of ten at least (0 to 1)"
    ),
    "device_days": Threshold(
        1, "evidence of what stands behind an address counts for the address on its own day and so many days before and after"
    ),
    "device_addresses_a_day": Threshold(
        48, "a UUID, key or certificate that is seen at more addresses than this within a day is not one device's"
    ),
    "silent_days": Threshold(
        7, "a watched organisation is said to have stopped after this many observed days without it, up to the period's end"
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the commands go by."""

    zone_name: str
    zone_from: str
    """where the zone comes from, for the footer: 'flag', 'teiten.toml', 'machine'"""
    language: str = "en"
    lake: Path = Path(DEFAULT_LAKE)
    keeping: Keeping = field(default_factory=Keeping)
    sensors: tuple[Sensor, ...] = ()
    reading: Reading = field(default_factory=Reading)
    thresholds: dict[str, float] = field(default_factory=dict)
    port_style: str = PORT_STYLES[0]
    """how reports write a port: one of `PORT_STYLES`"""
    country: str | None = None
    """code of the country that monthly reports follow; 'none' for none; None: as `followed` says"""
    organisations: tuple[str, ...] | None = None
    """announced scanners with a section of their own in monthly reports; None: those that the built-in lists feature"""
    watch_since: dt.date | None = None
    """the day on which a measure began, whose before and after monthly reports compare"""
    animations: bool = True
    """whether monthly reports hold moving pictures of their days"""
    watchlists: tuple[Path, ...] = ()
    """the user's own lists, beside those of the package and the imported ones"""
    device_signatures: Path | None = None
    """a folder with the user's own signatures of devices, beside those of the package"""
    ptr_names: Path | None = None
    """a table of addresses and their PTR names that the user made"""
    names: Names = field(default_factory=Names)
    ports: Path | None = None
    """the user's own table of ports, which adds to the package's and changes it (`data.ports`)"""
    mask: str | tuple[str, ...] = MASKS[0]
    """how published log lines are masked: one of `MASKS`, or the fields to cover (`publish.masks.FIELDS`)"""
    query_memory_mb: int | None = None
    """MiB that DuckDB may take for a question; None: a quarter of the machine's memory, 300 to 1,536"""
    own_side: bool = True
    """whether reports tell of machines of the observer's own that scan; the doctor tells of them in any case"""
    publisher: str = ""
    """who publishes the reports: author of feeds, of PDFs and of lists for others"""
    site: str = ""
    """where they are published, an https address that ends with /: feeds lead there"""
    pdf: bool = True
    """whether reports hold a PDF of themselves"""
    aggregate_events: int = 200_000
    """events of a day from which its aggregates are made by themselves"""
    alerts: alerting.Alerts = field(default_factory=alerting.Alerts)
    """what is told of at once, to whom ([alerts])"""
    publishing: publishing.Publishing = field(default_factory=publishing.Publishing)
    """the rules of `teiten publish`"""
    federating: federating.Federating = field(default_factory=federating.Federating)
    """with whom counts are shared ([federation])"""
    station: stationing.Station = field(default_factory=stationing.Station)
    """what comes in live, and what is done when ([station])"""
    api: answering.Api = field(default_factory=answering.Api)
    store: storing.Store = field(default_factory=storing.Store)
    """how much the API answers to whom ([api])"""
    serving: hosting.Serving = field(default_factory=hosting.Serving)
    """where the dashboard listens, and to whom ([serve])"""
    notifying: notifying.Notifying = field(default_factory=notifying.Notifying)
    """which operators are told of infected hosts, and how ([notify])"""
    engine: str = clustering.ENGINES[0]
    """what answers questions: `duckdb` on this machine, or `spark` on a cluster ([spark])"""
    spark: clustering.Spark = field(default_factory=clustering.Spark)
    """where the cluster is ([spark])"""
    file: Path | None = None

    @property
    def zone(self) -> Any:
        return periods.zone(self.zone_name)

    @property
    def followed(self) -> str | None:
        """The country that monthly reports follow: as configured, else Japan where the zone is Japan's."""
        if self.country is not None:
            return None if self.country == "none" else self.country
        return "JP" if self.zone_name in ("Asia/Tokyo", "Japan") else None

    @property
    def pictured(self) -> str | None:
        """The country that has figures of its own beside the world's, in reports after NICTER's: as configured, else Japan."""
        if self.country is not None:
            return None if self.country == "none" else self.country
        return "JP"

    def threshold(self, name: str) -> float:
        """The number that decides, as configured, else its default. KeyError for one that `THRESHOLDS` has not."""
        return self.thresholds.get(name, THRESHOLDS[name].default)

    def sensor_of(self, path: Path) -> Sensor | None:
        """The configured sensor whose globs match that input, or None."""
        base = self.file.parent.resolve() if self.file else Path.cwd()
        full = str(path.resolve())
        for sensor in self.sensors:
            if any(fnmatch.fnmatchcase(full, str(base / glob)) for glob in sensor.paths):
                return sensor
        return None

    def sensor(self, name: str) -> Sensor | None:
        """The configured sensor of that name, or None."""
        return next((s for s in self.sensors if s.name == name), None)


def _aware(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _locale_language() -> str:
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(key)
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return "ja" if (locale.getlocale()[0] or "").lower().startswith("ja") else "en"


def _find(config: str | Path | None) -> Path | None:
    if config is not None:
        path = Path(config)
        if not path.is_file():
            raise UsageError(f"There is no configuration file {path}.", hint="Check the name given to --config.")
        return path
    named = os.environ.get("TEITEN_CONFIG")
    if named:
        return _find(named)
    here = Path("teiten.toml")
    return here if here.is_file() else None


def _when(value: Any, where: str) -> dt.datetime | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    raise UsageError(f"{where} must be a date or a time, such as 2026-04-01.")


def _typed(value: Any, kind: type | tuple[type, ...], where: str, what: str) -> Any:
    """The value, if it is of that type (a truth value is no number). UsageError."""
    if isinstance(value, bool) or not isinstance(value, kind):
        raise UsageError(f"{where} must be {what}, not {value!r}.")
    return value


def _positive(value: Any, where: str) -> int:
    if _typed(value, int, where, "a whole number") < 1:
        raise UsageError(f"{where} must be at least 1, not {value!r}.")
    return int(value)


def _memory(value: Any, where: str) -> int | None:
    """MiB for a question, or None where nothing is said. UsageError."""
    if value is not None and _typed(value, int, where, "a whole number") < LEAST_QUERY_MEMORY_MB:
        raise UsageError(f"{where} must be at least {LEAST_QUERY_MEMORY_MB}, not {value!r}.")
    return value if value is None else int(value)


def check_payload_bytes(value: Any, where: str) -> int:
    """How many first bytes of a payload are kept. UsageError where that is no number from 0 to `MOST_PAYLOAD_BYTES`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_PAYLOAD_BYTES:
        raise UsageError(f"{where} must be a whole number from 0 to {MOST_PAYLOAD_BYTES}, not {value!r}.")
    return value


_TOP = {"zone", "language", "lake", "sensor", "reading", "thresholds", "port_style", "country", "organisations", "watch"}
_TOP |= {
    "api",
    "watchlists",
    "device_signatures",
    "ptr_names",
    "names",
    "ports",
    "publish",
    "animations",
    "pdf",
    "query_memory_mb",
    "aggregate_events",
    "alerts",
    "engine",
    "spark",
    "station",
    "serve",
    "notify",
    "federation",
    "store",
}
_SHAPES = (
    ("watchlists", list, "a list of files"),
    ("ptr_names", str, "the name of a file"),
    ("device_signatures", str, "the name of a folder"),
    ("names", dict, "a table, written [names]"),
    ("ports", str, "the name of a file"),
    ("zone", str, "the name of a time zone"),
    ("language", str, "ja or en"),
    ("lake", (str, dict), "the name of a folder, or a table, written [lake]"),
    ("sensor", dict, "a table of sensors, written [sensor.NAME]"),
    ("reading", dict, "a table, written [reading]"),
    ("thresholds", dict, "a table, written [thresholds]"),
    ("port_style", str, "a way to write ports, such as 23/tcp"),
    ("country", str, "the code of a country, or none"),
    ("organisations", list, 'a list of organisations, such as ["NOTICE"]'),
    ("watch", dict, "a table, written [watch]"),
    ("federation", dict, "a table, written [federation]"),
    ("publish", dict, "a table, written [publish]"),
    ("alerts", dict, "a table, written [alerts]"),
    ("station", dict, "a table, written [station]"),
    ("serve", dict, "a table, written [serve]"),
    ("store", dict, "a table, written [store]"),
)
_SENSOR = {"group", "country", "addresses", "zone", "from", "to", "paths", "services", "runs", "outages"}
_RUN = {"from", "to", "addresses"}
_OUTAGE = {"from", "to", "because"}
_LAKE = {"path", "keep_events", "disk", "keep_devices"}
_AGE: Final = re.compile(r"([1-9]\d{0,4})\s*(d|w|y)", re.ASCII)
_SIZE: Final = re.compile(r"([1-9]\d{0,5}(?:\.\d+)?)\s*(MB|GB|TB)", re.ASCII)
_SERVICE: Final = re.compile(r"(\d{1,5})/(tcp|udp)", re.ASCII)


def _check(found: dict[str, Any], known: set[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(sorted(known))}.")


def _sensors(found: dict[str, Any], where: str) -> tuple[Sensor, ...]:
    out = []
    for name, table in found.items():
        spot = f"{where}, [sensor.{name}]"
        if not isinstance(table, dict):
            raise UsageError(f"{spot} must be a table.")
        _check(table, _SENSOR, spot)
        if table.get("zone"):
            periods.zone(table["zone"])
        out.append(
            Sensor(
                name=name,
                group=table.get("group"),
                country=table.get("country"),
                addresses=_positive(table["addresses"], f"{spot}: addresses") if "addresses" in table else None,
                zone=table.get("zone"),
                start=_when(table.get("from"), f"{spot}: from"),
                end=_when(table.get("to"), f"{spot}: to"),
                paths=tuple(str(p) for p in _typed(table.get("paths", []), list, f"{spot}: paths", "a list of globs")),
                services=_services(table.get("services", []), f"{spot}: services"),
                runs=_runs(table, spot),
                outages=_outages(table.get("outages", []), f"{spot}: outages"),
            )
        )
    return tuple(out)


def _runs(table: dict[str, Any], where: str) -> tuple[Run, ...]:
    """The table's `runs`, in order; `addresses` of the table are those of a run that names none. UsageError."""
    if "runs" not in table:
        return ()
    if "from" in table or "to" in table:
        raise UsageError(f"{where} has runs, and from or to as well.", hint="Put each from and to into the runs.")
    out = []
    for one in _typed(table["runs"], list, f"{where}: runs", "a list of tables"):
        _check(_typed(one, dict, f"{where}: runs", "a list of tables"), _RUN, f"{where}, runs")
        count = one.get("addresses", table.get("addresses"))
        addresses = _positive(count, f"{where}, runs: addresses") if count is not None else None
        out.append(Run(_when(one.get("from"), f"{where}, runs: from"), _when(one.get("to"), f"{where}, runs: to"), addresses))
    for run, after in zip(out, [*out[1:], None][: len(out)], strict=True):
        ends = [run.start, run.end, after.start if after else run.end]
        told = [_aware(t, dt.UTC) for t in ends if t is not None]
        if told != sorted(told) or (run.start and run.start == run.end) or (after and (run.end is None or after.start is None)):
            raise UsageError(
                f"{where}: its runs are not one after another.",
                hint="Each from lies before its to, and at or after the to before it; only the last may go on without a to.",
            )
    return tuple(out)


def _outages(value: Any, where: str) -> tuple[Outage, ...]:
    """Times in which a sensor was off, in order. UsageError."""
    out = []
    for one in _typed(value, list, where, "a list of tables"):
        _check(_typed(one, dict, where, "a list of tables"), _OUTAGE, where)
        start = _when(one.get("from"), f"{where}: from")
        if start is None:
            raise UsageError(f"{where}: one has no from.", hint="Write them like [{from = 2026-05-03, to = 2026-05-05}].")
        because = str(_typed(one.get("because", ""), str, f"{where}: because", "a text"))
        out.append(Outage(start, _when(one.get("to"), f"{where}: to"), because))
    for one, after in zip(out, [*out[1:], None][: len(out)], strict=True):
        end = one.end or (after.start if after else None)
        told = [_aware(t, dt.UTC) for t in (one.start, end, after.start if after else None) if t is not None]
        if told != sorted(told) or (end and told[0] == told[1]) or (after and one.end is None):
            raise UsageError(
                f"{where} are not one after another.",
                hint="Each from lies before its to, and at or after the to before it; only the last may go on without a to.",
            )
    return tuple(out)


def _services(value: Any, where: str) -> tuple[tuple[int, int], ...]:
    """['80/tcp', '53/udp'] -> ((6, 80), (17, 53)). UsageError."""
    out = []
    for text in _typed(value, list, where, "a list of services"):
        found = _SERVICE.fullmatch(str(text))
        if found is None or not 0 < int(found[1]) < 65536:
            raise UsageError(f"{where}: '{text}' is no service.", hint='Write them like ["80/tcp", "53/udp"].')
        out.append((6 if found[2] == "tcp" else 17, int(found[1])))
    return tuple(out)


def _words(table: dict[str, Any], where: str) -> dict[str, Any]:
    """What reports show and how, as fields of `Settings`: port_style, country, organisations, watch_since. UsageError."""
    style = table.get("port_style", PORT_STYLES[0])
    if style not in PORT_STYLES:
        raise UsageError(f"{where}: port_style '{style}' is unknown.", hint=f"Choose one of: {', '.join(PORT_STYLES)}.")
    country = table.get("country")
    if country is not None and country.lower() != "none":
        found = countries.find(country)
        if found is None:
            raise UsageError(f"{where}: '{country}' is no country that I know.", hint="Write a code such as JP, or none.")
        country = found
    animations = table.get("animations", True)
    if not isinstance(animations, bool):
        raise UsageError(f"{where}: animations must be true or false, not {animations!r}.")
    organisations = table.get("organisations")
    if organisations is not None:
        organisations = tuple(_typed(o, str, f"{where}: organisations", "a list of names") for o in organisations)
    publish = table.get("publish", {})
    rules = publishing.read(publish, f"{where}, [publish]")
    pdf = table.get("pdf", True)
    if not isinstance(pdf, bool):
        raise UsageError(f"{where}: pdf must be true or false, not {pdf!r}.")
    own_side = publish.get("own_side", True)
    if not isinstance(own_side, bool):
        raise UsageError(f"{where}, [publish]: own_side must be true or false, not {own_side!r}.")
    watch = table.get("watch", {})
    _check(watch, {"since"}, f"{where}, [watch]")
    since = _when(watch.get("since"), f"{where}, [watch]: since")
    return {
        "port_style": style,
        "country": country.lower() if country is not None and country.lower() == "none" else country,
        "organisations": organisations,
        "animations": animations,
        "mask": _mask(publish.get("mask", MASKS[0]), f"{where}, [publish]: mask"),
        "own_side": own_side,
        "publisher": _typed(publish.get("name", ""), str, f"{where}, [publish]: name", "a name").strip(),
        "site": site_of(publish.get("url", ""), f"{where}, [publish]: url"),
        "publishing": rules,
        "pdf": pdf,
        "watch_since": since.date() if since else None,
    }


def site_of(value: Any, where: str) -> str:
    """The address of a site, with / at its end; nothing for nothing. UsageError."""
    text = _typed(value, str, where, "an address").strip()
    if text and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", text):
        raise UsageError(f"{where}: '{text}' is no address of a site.", hint="Write it like https://example.org/reports/.")
    return text if not text or text.endswith("/") else f"{text}/"


def _mask(value: Any, where: str) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_typed(v, str, where, "a list of names") for v in value)
    if value not in MASKS:
        raise UsageError(f"{where} must be {' or '.join(MASKS)}, or a list of fields to cover, not {value!r}.")
    return str(value)


def _names(table: dict[str, Any], where: str, file: Path | None) -> Names:
    """[names]. UsageError."""
    _check(table, set(Names.__dataclass_fields__), where)
    found = dict(table)
    if not isinstance(found.get("resolve", False), bool):
        raise UsageError(f"{where}: resolve must be true or false, not {found['resolve']!r}.")
    if "servers" in found:
        servers = _typed(found["servers"], list, f"{where}: servers", 'a list of addresses, such as ["192.0.2.53"]')
        found["servers"] = tuple(_typed(s, str, f"{where}: servers", "a list of addresses") for s in servers)
    for key in ("attempts", "cache_days", "cache_addresses"):
        if key in found:
            _positive(found[key], f"{where}: {key}")
    for key in ("per_second", "timeout"):
        if key in found and not 0 < _typed(found[key], (int, float), f"{where}: {key}", "a number") <= 1000:
            raise UsageError(f"{where}: {key} must be more than 0 and at most 1000, not {found[key]!r}.")
    if "cache" in found:
        found["cache"] = _beside(file, _typed(found["cache"], str, f"{where}: cache", "the name of a file"))
    return Names(**found)


def _keeping(table: dict[str, Any], where: str) -> Keeping:
    """[lake] without its path. UsageError."""
    found: dict[str, int | None] = {"keep_events": None, "disk": None, "keep_devices": None}
    for name in ("keep_events", "keep_devices"):
        if name in table:
            age = _AGE.fullmatch(str(table[name]))
            if age is None:
                raise UsageError(f"{where}: {name} '{table[name]}' is no time.", hint="Write 90d, 26w or 2y.")
            found[name] = int(age[1]) * {"d": 1, "w": 7, "y": 366}[age[2]]
    if "disk" in table:
        size = _SIZE.fullmatch(str(table["disk"]))
        if size is None:
            raise UsageError(f"{where}: disk '{table['disk']}' is no size.", hint="Write 500MB, 50GB or 2TB.")
        found["disk"] = int(float(size[1]) * {"MB": 10**6, "GB": 10**9, "TB": 10**12}[size[2]])
    return Keeping(**found)


def _beside(file: Path | None, name: str) -> Path:
    """A file named in the configuration: relative to it."""
    return (file.parent if file else Path()) / Path(name).expanduser()


def load(
    *,
    config: str | Path | None = None,
    zone: str | None = None,
    language: str | None = None,
    lake: str | Path | None = None,
    engine: str | None = None,
) -> Settings:
    """The settings in force. UsageError for an unknown key, zone or language, or a file that is no TOML."""
    path = _find(config)
    table: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is no TOML that I can read: {error}.") from None
        _check(table, _TOP, str(path))
        for key, kind, what in _SHAPES:
            if key in table:
                _typed(table[key], kind, f"{path}: {key}", what)
        if "zone" in table:
            periods.zone(table["zone"])  # also where a flag wins over it
    where = str(path) if path else "the settings"
    zone_name, zone_from = periods.machine_zone(), "machine"
    if table.get("zone"):
        zone_name, zone_from = str(table["zone"]), "teiten.toml"
    if zone:
        zone_name, zone_from = zone, "flag"
    periods.zone(zone_name)
    chosen = language or table.get("language") or _locale_language()
    if chosen not in LANGUAGES:
        raise UsageError(f"'{chosen}' is no language that I write.", hint=f"Choose one of: {', '.join(LANGUAGES)}.")
    reading = table.get("reading", {})
    _check(reading, set(Reading.__dataclass_fields__), f"{where}, [reading]")
    for key, value in reading.items():
        if key == "payload_bytes":
            check_payload_bytes(value, f"{where}, [reading]: {key}")
        elif key == "alerts_count":
            if type(value) is not int or value not in (0, 1):
                raise UsageError(f"{where}, [reading]: {key} is 0 or 1, not {value!r}.")
        else:
            _positive(value, f"{where}, [reading]: {key}")
    thresholds = table.get("thresholds", {})
    _check(thresholds, set(THRESHOLDS), f"{where}, [thresholds]")
    for key, value in thresholds.items():
        _typed(value, (int, float), f"{where}, [thresholds]: {key}", "a number")
    kept = table.get("lake", {})
    kept = {"path": kept} if isinstance(kept, str) else kept
    _check(kept, _LAKE, f"{where}, [lake]")
    named = _typed(kept.get("path", DEFAULT_LAKE), str, f"{where}, [lake]: path", "the name of a folder")
    store = storing.read(table.get("store", {}), f"{where}, [store]")
    lake_path = Path(lake) if lake else (path.parent / named if path and "path" in kept else Path(DEFAULT_LAKE))
    remote = lake if lake else named if path and "path" in kept else ""
    if storing.is_remote(remote):
        lake_path = storing.folder(remote, store)
    return Settings(
        zone_name=zone_name,
        zone_from=zone_from,
        language=chosen,
        lake=lake_path,
        keeping=_keeping(kept, f"{where}, [lake]"),
        sensors=_sensors(table.get("sensor", {}), where),
        reading=Reading(**reading),
        thresholds={str(k): float(v) for k, v in thresholds.items()},
        **_words(table, where),
        watchlists=tuple(_beside(path, str(p)) for p in table.get("watchlists", ())),
        device_signatures=_beside(path, table["device_signatures"]) if "device_signatures" in table else None,
        ptr_names=_beside(path, table["ptr_names"]) if "ptr_names" in table else None,
        names=_names(table.get("names", {}), f"{where}, [names]", path),
        aggregate_events=_positive(table.get("aggregate_events", 200_000), f"{where}: aggregate_events"),
        query_memory_mb=_memory(table.get("query_memory_mb"), f"{where}: query_memory_mb"),
        ports=_beside(path, table["ports"]) if "ports" in table else None,
        alerts=alerting.read(table.get("alerts", {}), f"{where}, [alerts]", path.parent if path else Path()),
        station=stationing.read(table.get("station", {}), f"{where}, [station]", path.parent if path else Path()),
        api=answering.read(table.get("api", {}), f"{where}, [api]"),
        federating=federating.read(table.get("federation", {}), f"{where}, [federation]", path.parent if path else Path()),
        store=store,
        serving=hosting.read(table.get("serve", {}), f"{where}, [serve]", path.parent if path else Path()),
        notifying=notifying.read(table.get("notify", {}), f"{where}, [notify]", path.parent if path else Path()),
        engine=clustering.engine(
            engine or table.get("engine", clustering.ENGINES[0]), "--engine" if engine else f"{where}: engine"
        ),
        spark=clustering.read(table.get("spark", {}), f"{where}, [spark]"),
        file=path,
    )
