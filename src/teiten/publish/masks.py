"""Log lines as they may be published: what would tell the observer from others is covered with stars, the rest stays.

    mask("Feb 20 11:02:33 router kernel: DROP IN=ppp0 ... DST=203.0.113.7 ... ID=4711 ...")
    -> "Feb 20 11:MM:SS router kernel: DROP IN=ppp0 ... DST=***.***.***.*** ... ID=***** ..."

The style 'seed' is that of the watch of NOTICE of February 2019: minute and second, the observer's address, the packet's
identification and sequence number (by which whoever sent it could find to whom), so that hour, source and ports can be told.
'strict' leaves date, source, protocol, port and flags. Whatever the style, these are covered: destination, hardware
addresses, the packet quoted inside an ICMP error, gateways and tunnels, the source of what went out.

Nothing passes because it was not thought of: of the fields only known ones with values of their form stay; text before
them stays where it is a time, a host, the kernel's tag and a short prefix. Another daemon's line is refused (`Refused`).
At the end the result is searched for the covered addresses in every spelling (`publish.leaks`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from teiten.errors import UsageError
from teiten.publish import leaks

FIELDS: Final[dict[str, str]] = {
    "minute": "minute and second of every time",
    "hour": "the hour as well",
    "host": "the name of the machine that logged",
    "prefix": "the rule's own words before IN=",
    "interface": "IN=, OUT=, PHYSIN=, PHYSOUT=, VLAN",
    "src_port": "SPT=",
    "ttl": "TTL=, HOPLIMIT=",
    "length": "LEN=, WINDOW=, TOS=, PREC=, TC=, MTU=",
    "id": "ID=, of packet and echo; FLOWLBL=",
    "seq": "SEQ=, of segment and echo",
    "ack": "ACK= that is not 0",
    "options": "OPT (...)",
    "local": "MARK=, UID=, GID=, SPI=",
}
"""what a mask may cover, besides what every mask covers"""
SEED: Final = frozenset({"minute", "id", "seq", "ack", "options", "local"})
STRICT: Final = frozenset(FIELDS)
STYLES: Final[dict[str, frozenset[str]]] = {"seed": SEED, "strict": STRICT}

V4: Final = "***.***.***.***"
V6: Final = ":".join(["****"] * 8)
STARS: Final = "*****"
_SEQ: Final = "*" * 10
_LONGEST: Final = 4096
_HEAD: Final = 320
"""characters before IN= that a line of the kernel may have; a longer head holds something else"""


class Refused(ValueError):
    """The line cannot be published; the text says why."""


def style(chosen: str | Collection[str]) -> frozenset[str]:
    """'seed', 'strict', or names of `FIELDS` -> the fields to cover. UsageError for another name."""
    if isinstance(chosen, str):
        if chosen not in STYLES:
            raise UsageError(f"'{chosen}' is no mask.", hint=f"Choose among {', '.join(STYLES)}, or list fields to cover.")
        return STYLES[chosen]
    unknown = sorted(set(chosen) - set(FIELDS))
    if unknown:
        raise UsageError(f"A mask knows no field '{unknown[0]}'.", hint=f"It knows: {', '.join(FIELDS)}.")
    return frozenset(chosen)


def mask(line: str, cover: frozenset[str] = SEED) -> str:
    """The line with stars, without white space at its ends. `Refused` where it is no line of netfilter's, or more than one."""
    text = line.strip("\r\n\t \0\N{ZERO WIDTH NO-BREAK SPACE}")
    if len(text) > _LONGEST:
        raise Refused("it is longer than a line of the kernel's")
    if not text.isprintable():
        raise Refused("it holds control characters")
    if text.startswith(("{", "__", "MESSAGE=", "data:")):
        raise Refused("it is a record of a journal, not a line")
    found = _ANCHOR.search(text)
    if found is None:
        raise Refused("it is no line of netfilter's")
    if _ANCHOR.search(text, found.end()):
        raise Refused("two lines are run together in it")
    body = _Body(cover)
    shown = _head(text[: found.start()], cover) + body.mask(text[found.start() :])
    _look_again(shown, body)
    return shown


_ANCHOR: Final = re.compile(r"(?<!PHYS)IN=[^\s=]*\s+(?=OUT=|SRC=|MAC|PHYS)")

# before IN= -----------------------------------------------------------------------------------------------------------

_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_ZONE: Final = r"(?:Z\b| ?(?:UTC|GMT)\b| ?[+-]\d\d:?\d\d(?!\d)| ?[+-]\d\d(?!\d))?"
_ISO: Final = re.compile(rf"(\d{{4}}[-/]\d\d[-/]\d\d[Tt ])(\d\d):\d\d:\d\d(?:[.,]\d+)?({_ZONE})")
_NAMED: Final = re.compile(
    rf"((?:{_WEEKDAY},? )?{_MONTH} {{1,2}}\d{{1,2}} (?:\d{{4}} )?)(\d\d):\d\d:\d\d(?:[.,]\d+)?"
    r"((?:(?: (?-i:[A-Z]{2,5}))? \d{4}(?!\d))?)"
    r"(?![\d:])",
    re.IGNORECASE,
)
_CLF: Final = re.compile(rf"(\d\d/{_MONTH}/\d{{4}}:)(\d\d):\d\d:\d\d()", re.IGNORECASE)
_BOOT: Final = re.compile(r"\[ *\d+\.\d+[^\]]{0,40}\]")
_KMSG: Final = re.compile(r"^\d+,\d+,\d+,[^;]{0,20};")
_COUNTED: Final = re.compile(r"(?<![\w.])(?:\d{16}|\d{13}|\d{10}(?:\.\d+)?)(?![\w.])")
_STAMPS: Final = (_ISO, _NAMED, _CLF)
_CLOCK: Final = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?")
_PRI: Final = re.compile(r"^<\d{1,3}> {0,3}(?:\d )?")
_TAG: Final = re.compile(r"(?<![\w./-])([A-Za-z][\w./-]*)\[\d+\]:?")
_KERNELS: Final = frozenset(
    {"kernel", "klogd", "ulogd", "ulogd2", "iptables", "ip6tables", "nftables", "nft", "ufw", "firewall"}
)
_OTHERS: Final = re.compile(
    r"(?<![\w-])(?:sshd|dhcpd|dhcpcd|dnsmasq(?:-dhcp)?|ntpd|cron|crond|sudo|su|pppd|hostapd|named|postfix\S*|systemd\S*|rsyslogd"
    r"|syslogd|login|httpd|nginx|openvpn|miniupnpd|watchdog|rc_service|wpa_supplicant)(?:\(\w+\))?(?:\[\d+\])?:",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"(?<!\d)\d{1,3}([.\-_])\d{1,3}\1\d{1,3}\1\d{1,3}(?!\d)")
_MAC: Final = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{1,2}([:\-.])(?:[0-9A-Fa-f]{1,2}\1){4,}[0-9A-Fa-f]{1,2}(?![0-9A-Fa-f])")
_COLONS: Final = re.compile(r"(?<![0-9A-Za-z:])(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]{3,}(?![0-9A-Za-z:])")
_DIGITS: Final = re.compile(r"\d{5,}|(?<![0-9A-Za-z])(?:0x)?(?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{8,}(?![0-9A-Za-z])|[0-9A-Fa-f]{12,}")


def _head(head: str, cover: frozenset[str]) -> str:
    """What stands before IN=: times, the host, the tag, the rule's prefix."""
    if len(head) > _HEAD:
        raise Refused("before IN= stands more than a line of the kernel's has")
    tags = [m[1].rpartition("/")[2].lower() for m in _TAG.finditer(head)]
    if _OTHERS.search(head) or any(tag not in _KERNELS for tag in tags):
        raise Refused("another program's line is run together with it")
    lead = _PRI.match(head)
    before, rest = ("", head) if lead is None else (lead[0], head[lead.end() :])
    if _KMSG.match(rest):
        return before + STARS + ";" + _words(_KMSG.sub("", rest), cover, host=False)
    first = min((m for p in (*_STAMPS, _BOOT, _COUNTED) if (m := p.search(rest))), key=lambda m: m.start(), default=None)
    if first is None:
        return before + _words(rest, cover, host=False)
    # what stands before the first time (the name of a file that was searched) is not the line's
    opening = "[" if rest[: first.start()].endswith("[") else ""
    after = rest[first.end() :]
    closing = "]" if opening and after.startswith("]") else ""
    bare = bool(opening) or first.re is _BOOT
    return before + opening + _time(first, cover) + closing + _words(after[len(closing) :], cover, host=not bare)


def _time(found: re.Match[str], cover: frozenset[str]) -> str:
    if found.re is _BOOT:
        return f"[{STARS}]" if "minute" in cover else found[0]
    if found.re is _COUNTED:
        return _SEQ if "minute" in cover else found[0]
    if "hour" in cover:
        return f"{found[1]}HH:MM:SS{found[3]}"
    return f"{found[1]}{found[2]}:MM:SS{found[3]}" if "minute" in cover else found[0]


_WORDS: Final = re.compile(
    r"^(?P<host>[ \t]+(?![\[(])\S*[^\s:\]])?(?=[ \t])"
    r"(?P<tag>(?:[ \t]+[a-z0-9]+\.[a-z]+)?(?:[ \t]+(?:kernel|klogd|ulogd2?)(?:\[\d+\])?:)?)",
)


def _words(text: str, cover: frozenset[str], *, host: bool) -> str:
    """What stands between the time and IN=, its times and whatever might be an address or a count of somebody covered."""
    name = tag = ""
    if host and (found := _WORDS.match(text)):
        name, tag, text = found["host"] or "", found["tag"], text[found.end() :]
    elif found := re.match(r"^[ \t:]*kernel(?:\[\d+\])?:", text):
        tag, text = found[0], text[found.end() :]
    if name and "host" in cover:
        name = f" {STARS}"
    if "prefix" in cover:
        text = f" {STARS} " if text.strip() else text
    return _plain(name, cover) + _plain(tag, cover) + _plain(text, cover)


def _plain(text: str, cover: frozenset[str]) -> str:
    kept: list[str] = []

    def keep(shown: str) -> str:
        kept.append(shown)
        return f"\0{len(kept) - 1}\1"

    for pattern in (*_STAMPS, _BOOT):
        text = pattern.sub(lambda m: keep(_time(m, cover)), text)
    text = _MAC.sub(lambda m: keep(STARS), text)
    text = _ADDRESS.sub(lambda m: keep(V4), text)
    text = _COLONS.sub(lambda m: keep(STARS), text)
    if "minute" in cover:
        text = _CLOCK.sub(lambda m: keep(STARS), text)
    text = re.sub(r"\x00\d+\x01|" + _DIGITS.pattern, lambda m: m[0] if m[0][0] == "\0" else STARS, text)
    return re.sub(r"\x00(\d+)\x01", lambda m: kept[int(m[1])], text)


# from IN= on ----------------------------------------------------------------------------------------------------------

_QUOTED: Final = re.compile(r"\[(SRC=[^\[\]]*)\]?")
_OPTION: Final = re.compile(r"\bOPT \((?:[0-9A-Fa-f]+|TRUNCATED)\)")
_BYTES: Final = re.compile(r"INCOMPLETE \[\d{1,5} bytes\]")
_BARE: Final = {
    "DF", "MF", "CE", "AE", "CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN", "INCOMPLETE", "TRUNCATED", "AH", "ESP",
    "OPT", "Unknown", "Ext", "Hdr", "(", ")", "[", "]",
}  # fmt: skip
_NUMBER: Final = re.compile(r"\d{1,5}$")
_SMALL: Final = re.compile(r"(?:0x[0-9A-Fa-f]{1,2}|\d{1,3})$")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._:@+-]{0,15}$|$")
_HEX4: Final = re.compile(r"[0-9A-Fa-f]{4}$")
_PROTOCOL: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]{1,9}|\d{1,3})$")
_KEY: Final = re.compile(r"([A-Z][A-Z0-9]{1,11})=(.*)$", re.DOTALL)

_KEEP: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    # key: the form of a value that stays, and the field of a mask that covers it
    "IN": (_NAME, "interface"), "OUT": (_NAME, "interface"), "PHYSIN": (_NAME, "interface"), "PHYSOUT": (_NAME, "interface"),
    "VPROTO": (_HEX4, "interface"), "VID": (_NUMBER, "interface"), "MACPROTO": (_HEX4, "interface"),
    "LEN": (_NUMBER, "length"), "TOS": (_SMALL, "length"), "PREC": (_SMALL, "length"), "TC": (_SMALL, "length"),
    "WINDOW": (_NUMBER, "length"), "MTU": (_NUMBER, "length"), "TTL": (_SMALL, "ttl"), "HOPLIMIT": (_SMALL, "ttl"),
    "PROTO": (_PROTOCOL, ""), "SPT": (_NUMBER, "src_port"), "DPT": (_NUMBER, ""), "RES": (_SMALL, ""), "URGP": (_NUMBER, ""),
    "TYPE": (_SMALL, ""), "CODE": (_SMALL, ""), "PARAMETER": (_SMALL, ""),
    "ID": (_NUMBER, "id"), "FLOWLBL": (re.compile(r"\d{1,7}$"), "id"),
    "SEQ": (re.compile(r"\d{1,10}$"), "seq"), "ACK": (re.compile(r"\d{1,10}$"), "ack"),
    "MARK": (re.compile(r"(?:0x[0-9A-Fa-f]{1,8}|\d{1,10})$"), "local"), "UID": (re.compile(r"\d{1,10}$"), "local"),
    "GID": (re.compile(r"\d{1,10}$"), "local"), "SPI": (re.compile(r"0x[0-9A-Fa-f]{1,8}$"), "local"),
}  # fmt: skip
_OWN: Final = frozenset({"DST", "GATEWAY", "IPSRC", "IPDST", "TUNNEL"})
_HARDWARE: Final = frozenset({"MAC", "MACSRC", "MACDST"})


@dataclass(slots=True)
class _Body:
    """The masking of one packet's fields, and what it covered."""

    cover: frozenset[str]
    addresses: set[bytes] = field(default_factory=set)
    hardware: set[str] = field(default_factory=set)
    _outgoing: bool = False
    _own: bytes = b""

    def mask(self, text: str) -> str:
        self._outgoing = bool(re.match(r"IN=\s", text))
        outside = _QUOTED.sub(" ", text)
        if len(re.findall(r"(?<!\w)SRC=", outside)) != 1 or len(re.findall(r"(?<!\w)DST=", outside)) != 1:
            raise Refused("it does not have one source and one destination")
        destination = re.search(r"(?<!\w)DST=(\S*)", outside)
        packed = _packed(destination[1]) if destination else None
        if packed is None:
            raise Refused("its destination cannot be read")
        self._own = packed
        text = _QUOTED.sub(lambda m: f"[{self._fields(m[1], inside=True)}]", text)
        pieces = re.split(r"(\[SRC=[^\]]*\])", text)
        return "".join(p if p.startswith("[SRC=") else self._fields(p) for p in pieces).rstrip()

    def _fields(self, text: str, *, inside: bool = False) -> str:
        covered = "options" in self.cover
        text = _OPTION.sub(lambda m: "OPT\0(" + (STARS if covered else m[0][5:-1]) + ")", text)
        text = _BYTES.sub(lambda m: m[0].replace(" ", "\0"), text)
        words = re.split(r"(\s+)", text)
        strange = 0
        for i in range(0, len(words), 2):
            word = words[i].replace("\0", " ")
            words[i] = self._word(word, inside=inside)
            strange += words[i] == STARS and word != STARS
        if strange > 4:
            raise Refused("it holds words that are none of netfilter's")
        return "".join(words)

    def _word(self, word: str, *, inside: bool) -> str:
        if not word or word in _BARE or word.startswith("OPT (") or _BYTES.fullmatch(word) or re.fullmatch(r"\d{1,3}", word):
            return word
        if match := re.fullmatch(r"(FRAG:\d{1,5}|ID:[0-9A-Fa-f]{1,8})", word):
            return "ID:" + "*" * 8 if word.startswith("ID:") and "id" in self.cover else match[0]
        if word.endswith("]") and not word.endswith(" bytes]"):
            return self._word(word[:-1], inside=inside) + "]"
        pair = _KEY.fullmatch(word)
        if pair is None:
            return STARS
        return self._pair(pair[1], pair[2], inside=inside)

    def _pair(self, key: str, value: str, *, inside: bool) -> str:
        if key in _HARDWARE:
            return f"{key}={self._hardware(value)}"
        if key in _OWN or key == "SRC":
            return f"{key}={self._address(key, value, inside=inside)}"
        if key in _KEEP:
            form, name = _KEEP[key]
            if not form.match(value):
                return f"{key}={STARS if value else ''}"
            if name not in self.cover or not value or (key == "ACK" and value == "0"):
                return f"{key}={value}"
            return f"{key}={_SEQ if key in ('SEQ', 'ACK') else STARS}"
        if re.fullmatch(r"[0-9A-F]{8,}", key):
            return STARS
        return f"{key}={STARS if value else ''}"

    def _hardware(self, value: str) -> str:
        """'00:11:22' -> '**:**:**'; an empty one stays empty, as of a line by PPP."""
        if not value:
            return ""
        digits = re.sub(r"[^0-9a-f]", "", value.lower())
        self.hardware.update(digits[i : i + 12] for i in range(0, len(digits) - 11, 12))
        return ":".join(["**"] * len(value.split(":"))) if re.fullmatch(r"(?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}", value) else STARS

    def _address(self, key: str, value: str, *, inside: bool) -> str:
        packed = _packed(value)
        ours = inside or self._outgoing or key in _OWN or packed is None or self._same_network(packed)
        if not ours:
            return value
        if packed is not None:
            self.addresses.add(packed)
        for part in re.findall(r"[0-9A-Fa-f:.]+", value) if packed is None else ():
            if (found := _packed(part)) is not None:
                self.addresses.add(found)
        if key == "TUNNEL" and value:
            return STARS
        return V6 if ":" in value else V4

    def _same_network(self, packed: bytes) -> bool:
        """Of one's own IPv6 network, or one's own address: it would tell where the observer is."""
        return packed == self._own or (len(packed) == 16 == len(self._own) and packed[:8] == self._own[:8])


def _packed(text: str) -> bytes | None:
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        return None


def _look_again(shown: str, body: _Body) -> None:
    """`Refused` where the result still spells something that was covered (an address in the prefix, say)."""
    if leaks.find({"": shown.encode()}, body.addresses) is not None:
        raise Refused("its other words spell an address that must not be told")
    # in a line even eight plain digits may be the bytes of an address (options, a mark), which `leaks` takes for a count
    if any(re.search(rf"(?<![0-9a-z])(?:0x)?{own.hex()}(?![0-9a-z])", shown.lower()) for own in body.addresses):
        raise Refused("its other words spell an address that must not be told")
    digits = re.sub(r"[^0-9a-z*]", "", shown.lower())
    if any(mac in digits for mac in body.hardware if mac.strip("0f")):
        raise Refused("its other words spell a hardware address")
