"""One colour for one thing, everywhere and always; and the colours of paper, ink and rules as a theme.

The hand-picked tables were searched by machine under three conditions: all pairs lie apart for the normal eye and for
deuteranopia and protanopia (Machado 2009, severity 1; distance in OKLab), the usual twelve further than the rest, and
hue tells the target class as NICTER's readers know it: ports of IoT devices blue to violet, of Windows orange to brown,
of Linux servers vermilion, of web servers green. tests/report/figures/test_colour.py keeps the distances.
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from typing import Literal

Thing = Literal["port", "country", "region", "target", "asn", "sensor", "protocol", "organisation", "plain"]
"""What a colour stands for. 'plain' is the one colour of charts where colour says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The colours that are not a thing's: #rrggbb."""

    paper: str = "#ffffff"
    ink: str = "#1a1a1a"
    muted: str = "#5f6368"
    rule: str = "#e3e3e0"
    axis: str = "#8a8d91"
    other: str = "#b4b4b2"
    unknown: str = "#8c8c8a"
    gap: str = "#d6d2c8"
    gap_paper: str = "#f7f5f0"
    plain: str = "#2961b1"
    accent: str = "#b3261e"
    fall: str = "#1f5c9e"
    heat: tuple[str, ...] = ("#f1f5f9", "#c9dcee", "#96bfe0", "#5d9acb", "#2f70ad", "#174a82", "#0c2a52")


LIGHT = Theme()
DARK = Theme(
    paper="#16181b",
    ink="#ececea",
    muted="#a5a8ad",
    rule="#33363a",
    axis="#74787d",
    other="#8b8e92",
    unknown="#b0b3b7",
    gap="#4a463e",
    gap_paper="#1e1d1a",
    plain="#6ea3ea",
    accent="#f2756b",
    fall="#79aeea",
    heat=("#1d2733", "#1c3a5a", "#1f5688", "#2f78b5", "#5b9fd6", "#9cc8ec", "#e0f0fd"),
)

PORTS: dict[str, str] = {
    # IoT devices, routers, recorders
    "23": "#2961b1", "2323": "#84a7e6", "52869": "#3d8ec2", "5555": "#5c1b80", "81": "#c4c2fe", "7547": "#008b8b",
    "8291": "#26214e", "9530": "#99328a", "37215": "#5c72da", "5060": "#c95d9b",
    # Windows
    "445": "#f69e24", "1433": "#fedd3c", "3389": "#5d2a01", "1900": "#748c59",
    # Linux servers
    "22": "#d55e00", "6379": "#793243",
    # the web, and names
    "80": "#7aa87c", "443": "#b8d391", "8080": "#566d55", "53": "#9cbd70",
}  # fmt: skip

COUNTRIES: dict[str, str] = {
    "CN": "#dc5426", "US": "#224fa7", "RU": "#7367d3", "JP": "#e173ab", "KR": "#7ac8fe", "TW": "#619d6c", "BR": "#c3e696",
    "VN": "#ffdd3b", "IN": "#e59711", "NL": "#846253", "DE": "#5f4000", "GB": "#2a2c81", "FR": "#6689ff", "HK": "#631e33",
    "SG": "#9d60a2", "ID": "#007c7c", "TH": "#0da5b1", "UA": "#e4bf02", "IR": "#253400", "TR": "#1d576c", "IT": "#628a7c",
    "CA": "#ff9d7b", "EE": "#23aeff", "RO": "#6d5c00", "BG": "#640060", "MX": "#575837", "AR": "#ae91dc",
}  # fmt: skip

TARGETS: dict[str, str] = {
    "iot": "#2961b1",
    "windows": "#f69e24",
    "linux": "#d55e00",
    "ot": "#793243",
    "any": "#8b8b89",
    "web": "#8b8b89",
    "mail": "#6f6f6d",
    "dns": "#a5a5a3",
    "voip": "#7d7d7b",
    "database": "#5c5c5a",
    "other": "#b4b4b2",
}

REGIONS: dict[str, str] = {
    "east_asia": "#dc5426", "north_america": "#224fa7", "east_europe": "#7367d3", "southeast_asia": "#ffdd3b",
    "south_asia": "#e59711", "west_europe": "#5f4000", "latin_america": "#c3e696", "west_asia": "#1d576c",
    "africa": "#640060", "oceania": "#7ac8fe", "antarctica": "#8b8b89",
}  # fmt: skip
"""mostly those of the country with the most networks in it"""

PROTOCOLS: dict[str, str] = {
    "tcp": "#2961b1",
    "udp": "#f69e24",
    "icmp": "#7aa87c",
    "6": "#2961b1",
    "17": "#f69e24",
    "1": "#7aa87c",
}

TABLES: dict[str, dict[str, str]] = {
    "port": PORTS,
    "country": COUNTRIES,
    "target": TARGETS,
    "protocol": PROTOCOLS,
    "region": REGIONS,
}


@functools.lru_cache(maxsize=4096)
def colour(kind: Thing | str, key: str, theme: Theme = LIGHT) -> str:
    """The colour of a thing, #rrggbb: from its table, else by a hash of its name, the same on every machine and day.

    kind: see `Thing`; key: '23/tcp' or '23', 'CN', 'iot', 'AS4134', a sensor's name. 'other' and 'unknown' are the
    theme's greys whatever the kind. A port has one colour for every transport, since it is one thing to the reader.
    """
    name = key.strip()
    if name in ("other", "unknown"):
        return theme.other if name == "other" else theme.unknown
    if kind == "plain":
        return theme.plain
    if kind == "port":
        name = name.partition("/")[0]
    name = name.upper() if kind == "country" else name.lower()
    if kind == "target" and name not in TARGETS:
        return theme.other
    found = TABLES.get(kind, {}).get(name) or _hashed(f"{kind}:{name}")
    return _lifted(found) if oklab(theme.paper)[0] < 0.5 else found


def on_dark(colour: str) -> str:
    """A thing's colour on dark paper."""
    return _lifted(colour)


def _lifted(colour: str) -> str:
    """The colour for dark paper: the darkest are lifted until they are seen there, the others stay."""
    return ramp((colour, "#ffffff"), min(0.4, max(0.0, 0.46 - oklab(colour)[0]) * 1.8))


def _hashed(name: str) -> str:
    """The colour of what no table names."""
    return hashed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


HASHED: int = 72


def hashed(number: int) -> str:
    """One of 72 colours, duller than the tables' so that what is usual stands out."""
    lightness = (0.46, 0.62, 0.77)[number % 3]
    hue = (number // 3) % 24 * 15
    return _oklch(lightness, (0.085, 0.1, 0.085)[number % 3], hue)


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """OKLCH (hue in degrees) -> #rrggbb, clipped into sRGB (Ottosson 2020)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, v)))):02x}" for v in linear)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)


@functools.lru_cache(maxsize=4096)
def oklab(colour: str) -> tuple[float, float, float]:
    """#rrggbb -> OKLab."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return oklab_of_linear(red, green, blue)


def oklab_of_linear(red: float, green: float, blue: float) -> tuple[float, float, float]:
    """Linear sRGB, 0 to 1 -> OKLab."""
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def distance(one: str, other: str) -> float:
    """How far apart two colours are to the normal eye: OKLab, times 100; 2 is just seen, 8 is told apart in a chart."""
    return math.dist(oklab(one), oklab(other)) * 100


def ramp(colours: tuple[str, ...], at: float) -> str:
    """The colour at a place from 0 to 1 along a ramp of colours, mixed in sRGB."""
    place = min(1.0, max(0.0, at)) * (len(colours) - 1)
    low = min(int(place), len(colours) - 2)
    part = place - low
    one, two = colours[low], colours[low + 1]
    pairs = [(int(one[i : i + 2], 16), int(two[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


READABLE: float = 4.5
"""least contrast of letters and paper (WCAG 2.2, 1.4.3)"""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2.2 defines it."""
    first, second = sorted((_luminance(one), _luminance(other)))
    return (second + 0.05) / (first + 0.05)


@functools.lru_cache(maxsize=4096)
def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@functools.lru_cache(maxsize=4096)
def on_paper(colour: str, theme: Theme = LIGHT) -> str:
    """The colour for letters and thin lines of it on that paper: darkened (or lightened) as far as it must be to be read."""
    end = "#000000" if oklab(theme.paper)[0] > 0.5 else "#ffffff"
    tries = (ramp((colour, end), step / 20) for step in range(20))
    return next((one for one in tries if contrast(one, theme.paper) >= READABLE), end)


def is_faint(colour: str, theme: Theme = LIGHT) -> bool:
    """Whether a line of that colour would drown in that paper."""
    return abs(oklab(theme.paper)[0] - oklab(colour)[0]) < 0.21
