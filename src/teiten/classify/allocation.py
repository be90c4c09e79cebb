"""What a PTR name says of how its address is given out: by a provider from a pool (dynamic), or fixed.

The daily overview that this follows looks the sources of one port up and finds that most sit in ranges which providers allot
dynamically, so that PCs are more likely than servers. Providers write that into the names: words such as `dynamic`, `dhcp`,
`pool`, `ppp` on one side, `static`, `business` on the other, beside the address itself. The words are those by which the
literature tells the two apart (Richter, Smaragdakis, Plonka, Berger: Beyond Counting, IMC 2016, section 5, has static, dhcp,
dynamic and pool; the techniques of access are those of the providers' own lists). A name is a provider's word and no
measurement: a dynamic name may stay with one household for years.
"""

from __future__ import annotations

import itertools
import re
from typing import Final, Literal

Allocation = Literal["dynamic", "fixed", "unknown"]

_FIXED: Final = re.compile(
    r"(?:^|[^a-z])(?:static|statik|statisch|estatico|fixed|fixo|fijo|biz|business|corp|dedicated|colo|server)"
)
_POOL: Final = re.compile(
    r"(?:^|[^a-z])(?:dyn|dynamic|dinamic[oa]?|dynip|dhcp|pool|pools|ppp|pppoe|pppd|dial|dialup|dialin|dip|flets)(?:[^a-z]|$)"
)
_ACCESS: Final = re.compile(
    r"(?:^|[^a-z])(?:[avs]?dsl|xdsl|cable|catv|cm|ftth|fttx|hfc|wimax|lte|mobile|gprs|umts|broadband|bb|cpe|cust|customer|user|"
    r"client|host|res|home|isp)(?:[^a-z]|$)"
)


def of_name(name: str, address: bytes) -> Allocation:
    """What that PTR name says of that address (4 or 16 bytes). A technique of access says it only beside the address itself."""
    text = name.lower()
    if _FIXED.search(text):
        return "fixed"
    if _POOL.search(text):
        return "dynamic"
    return "dynamic" if _ACCESS.search(text) and _holds(text, address) else "unknown"


def _holds(text: str, address: bytes) -> bool:
    """Does the name hold its address: as decimals (any order, at least the last two bytes), or as hexadecimals?"""
    if len(address) != 4:
        return False
    if address.hex() in text or address[::-1].hex() in text:
        return True
    numbers = [int(n) for n in re.findall(r"\d{1,3}", text)]
    pairs = set(itertools.pairwise(numbers))
    return (address[2], address[3]) in pairs or (address[3], address[2]) in pairs
