"""What reaches an address unasked: the steady mix of a household line, as one table of components.

Ports, marks of the tools and the countries' leads follow what the public reports of 2019 to 2025 say; the shares are
ours. Shapes are those of `_shapes`; every component has a label of its own, which is the truth of its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

Trend = Callable[[float], float]
"""part of the period that has passed (0 to 1) -> activity (1 = usual)"""


def steady(_passed: float) -> float:
    return 1.0


def rising(begin: float, full: float) -> Trend:
    """Nothing before `begin`, all from `full` on (parts of the period)."""
    return lambda passed: min(1.0, max(0.0, (passed - begin) / (full - begin)))


def ending(begin: float, gone: float) -> Trend:
    """All until `begin`, nothing from `gone` on."""
    return lambda passed: min(1.0, max(0.0, (gone - passed) / (gone - begin)))


def growing(first: float, last: float) -> Trend:
    return lambda passed: first + (last - first) * passed


@dataclass(frozen=True, slots=True)
class Component:
    """A kind of visitor. `hosts` are active at a time in all countries together, `churn` are new each day."""

    label: str
    share: float
    shape: str
    ports: Mapping[int, float]
    countries: Mapping[str, float]
    hosts: int
    churn: float
    per_visit: float = 1.5
    gap: float = 60.0
    """seconds between the packets of one visit"""
    night: float = 0.9
    """activity at night in the source's country, of the day's"""
    trend: Trend = steady
    arrivals: Mapping[str, float] = field(default_factory=dict)
    """country -> part of the period at which it joins"""
    tool: str | None = None
    because: str = ""


HOURS_OFF_UTC: Final[dict[str, int]] = {
    "AR": -3, "BD": 6, "BG": 2, "BR": -3, "BZ": -6, "CA": -5, "CL": -4, "CN": 8, "CO": -5, "DE": 1, "EC": -5, "EE": 2,
    "EG": 2, "ES": 1, "FR": 1, "GB": 0, "GR": 2, "HK": 8, "HU": 1, "ID": 7, "IN": 5, "IR": 3, "IT": 1, "JP": 9, "KR": 9,
    "MX": -6, "MY": 8, "NL": 1, "NP": 6, "PA": -5, "PE": -5, "PH": 8, "PK": 5, "PL": 1, "RO": 2, "RU": 3, "SC": 4,
    "SE": 1, "SG": 8, "TH": 7, "TR": 3, "TW": 8, "UA": 2, "US": -6, "VE": -4, "VN": 7, "ZA": 2,
}  # fmt: skip
"""For the day-night rhythm: whole hours, no summer time."""

IOT = {
    "CN": 26, "IN": 10, "BR": 9, "TW": 8, "RU": 7, "KR": 6, "VN": 6, "US": 6, "TR": 4, "ID": 3, "EG": 3, "IR": 3, "TH": 2,
    "AR": 2, "MX": 2, "IT": 2, "UA": 2, "JP": 1.6, "PK": 1.4, "GR": 1, "NP": 0.7,
}  # fmt: skip
PCS = {
    "VN": 15, "RU": 12, "ID": 11, "IN": 10, "BR": 9, "CN": 8, "TW": 6, "TH": 5, "VE": 5, "TR": 4, "UA": 4, "MX": 3,
    "JP": 2.5, "PH": 3, "EG": 2, "NP": 1,
}  # fmt: skip
SERVERS = {
    "CN": 25,
    "US": 20,
    "SG": 8,
    "DE": 7,
    "KR": 6,
    "FR": 5,
    "HK": 5,
    "IN": 5,
    "RU": 5,
    "BR": 4,
    "VN": 4,
    "GB": 3,
    "JP": 2,
    "ID": 3,
}
SURVEYS = {"US": 55, "NL": 12, "GB": 8, "RU": 7, "RO": 4, "BZ": 3, "DE": 4, "SC": 2, "CN": 3, "HK": 2}

WIDE: Final[tuple[int, ...]] = (
    21, 22, 23, 25, 53, 80, 81, 82, 88, 110, 111, 123, 135, 139, 143, 161, 179, 389, 443, 444, 445, 465, 502, 515, 554, 587,
    623, 631, 636, 873, 993, 995, 1080, 1099, 1194, 1433, 1521, 1604, 1701, 1723, 1883, 1911, 2000, 2049, 2082, 2083, 2087,
    2121, 2181, 2222, 2323, 2375, 2376, 2379, 2404, 2455, 3000, 3128, 3306, 3310, 3388, 3389, 3390, 3541, 3689, 4000, 4022,
    4040, 4063, 4369, 4443, 4444, 4567, 4786, 4840, 4911, 5000, 5001, 5006, 5007, 5060, 5222, 5269, 5357, 5432, 5555, 5560,
    5601, 5672, 5800, 5801, 5900, 5901, 5938, 5984, 5985, 5986, 6000, 6001, 6379, 6443, 6664, 6666, 6881, 6969, 7001, 7071,
    7170, 7218, 7401, 7474, 7547, 7548, 7657, 7779, 8000, 8001, 8008, 8009, 8010, 8060, 8069, 8080, 8081, 8083, 8086, 8087,
    8088, 8089, 8090, 8098, 8099, 8112, 8126, 8139, 8140, 8181, 8200, 8291, 8333, 8334, 8443, 8554, 8728, 8800, 8834, 8880,
    8888, 8889, 9000, 9001, 9002, 9042, 9051, 9080, 9090, 9091, 9100, 9151, 9160, 9191, 9200, 9295, 9306, 9418, 9443, 9595,
    9600, 9869, 9943, 9944, 9981, 9998, 9999, 10000, 10001, 10243, 10250, 10554, 11211, 11300, 12345, 13579, 14147, 16010,
    16992, 16993, 18245, 20000, 20547, 21025, 21379, 23023, 23424, 25105, 25565, 27015, 27017, 28017, 30718, 32400, 32764,
    33060, 37777, 44818, 47808, 48899, 49152, 50000, 50070, 50100, 51106, 52869, 53413, 54138, 55442, 55553, 60129, 62078,
)  # fmt: skip
"""Ports of the surveys that map the whole Internet."""


def _even(ports: tuple[int, ...] | range) -> dict[int, float]:
    return dict.fromkeys(ports, 1.0)


HOUSEHOLD: Final[tuple[Component, ...]] = (
    Component(
        "mirai",
        20,
        "mirai",
        {23: 9, 2323: 1},
        IOT,
        900,
        240,
        1.6,
        200,
        0.8,
        tool="mirai",
        because="IoT bots: sequence number == destination address",
    ),
    Component(
        "telnet",
        7,
        "linux",
        {23: 92, 2323: 5, 23231: 1, 2223: 2},
        IOT,
        300,
        80,
        1.8,
        30,
        because="Telnet bots without Mirai's mark",
    ),
    Component(
        "smb-worm",
        14,
        "windows",
        {445: 97, 139: 3},
        PCS,
        900,
        300,
        2.1,
        3,
        0.3,
        because="Windows PCs with a worm: by day, with SYNs sent again after 3 seconds",
    ),
    Component(
        "mssql",
        9,
        "windows",
        {1433: 1},
        {"CN": 58, "KR": 6, "US": 5, "TW": 4, "HK": 4, "VN": 4, "RU": 3, "JP": 2.2, "BR": 3},
        220,
        60,
        1.7,
        3,
        0.35,
        growing(0.7, 1.3),
        because="SQL Server worms, led by China",
    ),
    Component(
        "ssh", 7, "linux", {22: 88, 2222: 9, 22222: 1, 222: 2}, SERVERS, 260, 50, 1.6, 40, because="SSH password guessing"
    ),
    Component(
        "web",
        8,
        "linux",
        {80: 30, 8080: 27, 81: 11, 8000: 7, 443: 13, 8443: 5, 8888: 4, 88: 3},
        SERVERS,
        300,
        70,
        1.5,
        60,
        because="Web interfaces of cameras and routers",
    ),
    Component(
        "mirai-52869",
        7,
        "mirai",
        {52869: 1},
        {"EG": 20, "BR": 15, "RU": 14, "VN": 12, "KR": 9, "TW": 8, "IT": 5, "JP": 2},
        160,
        50,
        1.5,
        100,
        0.9,
        ending(0.5, 0.56),
        tool="mirai",
        because="a Mirai variant that ends",
    ),
    Component(
        "mirai-9530",
        7,
        "mirai",
        {9530: 1},
        {"TW": 30, "RU": 14, "VN": 14, "BR": 13, "KR": 12, "TR": 6, "ID": 6, "JP": 1.5},
        240,
        90,
        1.3,
        100,
        0.8,
        rising(0.47, 0.75),
        {"TW": 0.47, "RU": 0.55, "VN": 0.58, "BR": 0.62, "KR": 0.65, "JP": 0.8},
        "mirai",
        "a Mirai variant that rises in Taiwan and spreads",
    ),
    Component(
        "mirai-37215",
        2,
        "mirai",
        {37215: 1},
        {"EG": 40, "CN": 15, "RU": 10, "IR": 10, "AR": 5},
        60,
        20,
        1.4,
        100,
        tool="mirai",
        because="a Mirai variant at one maker's routers",
    ),
    Component(
        "adb",
        3,
        "linux",
        {5555: 1},
        {"CN": 28, "HK": 24, "KR": 18, "TW": 14, "SE": 4, "RU": 4, "US": 5},
        70,
        18,
        1.4,
        60,
        because="Android debug bridge",
    ),
    Component(
        "rdp",
        4,
        "windows-server",
        {3389: 80, 3388: 4, 3390: 5, 33389: 3, 13389: 2, 33890: 3},
        SURVEYS,
        60,
        8,
        2.0,
        400,
        because="Remote desktop password guessing",
    ),
    Component(
        "sip",
        3,
        "sip",
        {5060: 92, 5061: 4, 5070: 4},
        {"FR": 30, "US": 25, "NL": 15, "DE": 15, "PL": 5},
        30,
        6,
        1.5,
        600,
        because="SIP probes from ready-made tools",
    ),
    Component(
        "udp-probe",
        4,
        "udp",
        {123: 16, 1900: 15, 161: 14, 53: 10, 53413: 14, 389: 8, 11211: 7, 137: 6, 111: 4, 19: 3, 17: 2, 5683: 4, 3702: 5},
        SURVEYS,
        60,
        6,
        1.3,
        900,
        because="looks for amplifiers and backdoors over UDP",
    ),
    Component("masscan", 9, "masscan", _even(WIDE), SURVEYS, 90, 6, 2.0, 2000, tool="masscan", because="surveys with masscan"),
    Component(
        "zmap-old",
        2,
        "zmap-old",
        {443: 20, 80: 20, 22: 10, 21: 5, 8080: 5, 3389: 5, 5900: 5, 1883: 4, 9200: 4},
        SURVEYS,
        24,
        2,
        1.2,
        9,
        tool="zmap",
        because="surveys with ZMap before 4.1: IP ID 54321",
    ),
    Component(
        "zmap-new",
        5,
        "zmap-new",
        {443: 14, 80: 14, 22: 9, 8443: 6, 2083: 4, 5432: 4, 3306: 5, 6379: 5, 27017: 4, 9200: 4, 8728: 3},
        SURVEYS,
        50,
        3,
        1.3,
        9,
        tool="zmap",
        because="surveys with ZMap after 4.1: no mark in one packet",
    ),
    Component(
        "nmap",
        1,
        "nmap",
        _even(WIDE[:120]),
        {"US": 30, "FR": 10, "DE": 10, "IN": 10, "JP": 4},
        8,
        3,
        9.0,
        4,
        tool="nmap",
        because="nmap -sS by hand",
    ),
    Component(
        "rdp-sweep",
        2,
        "linux",
        _even(tuple(range(3380, 3400)) + tuple(range(33880, 33900)) + tuple(range(13380, 13400))),
        {"RU": 1},
        3,
        0.05,
        6.0,
        700,
        because="few hosts that try the neighbours of 3389",
    ),
    Component(
        "ping", 2, "ping", {0: 1}, {"US": 30, "CN": 20, "JP": 5, "NL": 5, "GB": 5}, 60, 10, 2.0, 1, because="ICMP echo requests"
    ),
    Component(
        "backscatter",
        1.6,
        "backscatter",
        {0: 1},
        {"US": 30, "CN": 22, "FR": 10, "HK": 8, "DE": 7, "TR": 5, "IT": 5},
        5,
        2.5,
        4.0,
        40,
        because="answers of attacked servers to packets with forged sources",
    ),
    Component("other", 3, "linux", _even(range(1024, 65536, 37)), SERVERS, 160, 40, 1.2, 60, because="odd ports"),
)
