"""Masked lines: as the seed's author masks them, stricter, by fields; and nothing that must not be told gets through."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from teiten.errors import UsageError
from teiten.publish import masks
from teiten.publish.masks import Refused, mask

CASES = Path(__file__).parent / "cases"
READER = Path(__file__).parents[1] / "readers" / "netfilter" / "cases"
LINE = (
    "2019-02-20T11:02:33+09:00 router.asus.com kernel: DROP IN=ppp0 OUT= MAC= SRC=153.231.226.170 DST=203.0.113.77 LEN=40 "
    "TOS=0x00 PREC=0x00 TTL=244 ID=54321 PROTO=TCP SPT=50404 DPT=22 SEQ=1234567891 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0 "
)


def masked(line: str, cover: frozenset[str]) -> str:
    try:
        return mask(line, cover)
    except Refused as why:
        return f"refused: {why}"


@pytest.mark.parametrize("style", ["seed", "strict"])
def test_cases(style: str) -> None:
    lines = (CASES / "masks.log").read_text(encoding="utf-8").splitlines()
    made = "".join(masked(line, masks.STYLES[style]) + "\n" for line in lines)
    expected = CASES / f"masks.{style}.txt"
    if os.environ.get("TEITEN_ACCEPT"):
        expected.write_text(made, encoding="utf-8")
    assert made == expected.read_text(encoding="utf-8")


def test_fields_may_be_chosen() -> None:
    assert "T11:02:33+09:00 router.asus.com" in mask(LINE, masks.style([]))
    assert "ID=54321" in mask(LINE, masks.style(["seq"]))
    assert "T11:MM:SS+09:00 *****" in mask(LINE, masks.style(["minute", "host"]))
    # whatever is chosen, the destination is covered
    assert "DST=***.***.***.***" in mask(LINE, masks.style([]))
    with pytest.raises(UsageError, match="knows no field 'dst'"):
        masks.style(["dst"])
    with pytest.raises(UsageError, match="no mask"):
        masks.style("loose")


def test_seed_is_the_style_of_the_page() -> None:
    assert mask(LINE) == (
        "2019-02-20T11:MM:SS+09:00 router.asus.com kernel: DROP IN=ppp0 OUT= MAC= SRC=153.231.226.170 DST=***.***.***.*** "
        "LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID=***** PROTO=TCP SPT=50404 DPT=22 SEQ=********** ACK=0 WINDOW=1024 RES=0x00 SYN "
        "URGP=0"
    )


def spellings(address: str) -> set[str]:
    """The address as it might stand in text."""
    one = ipaddress.ip_address(address)
    packed = one.packed
    out = {str(one), one.exploded, packed.hex(), packed.hex().upper(), f"{int(one):06d}", one.reverse_pointer}
    if one.version == 4:
        octets = address.split(".")
        out |= {s.join(octets) for s in ".-_"} | {s.join(reversed(octets)) for s in ".-_"} | {f"0x{packed.hex()}"}
        out |= {f"::ffff:{address}", "".join(f"{int(o):03d}" for o in octets)}
    return out


def tells(shown: str, secret: str) -> list[str]:
    """What of the address the line still tells; numbers without dots only as whole words."""
    # a number of few digits is anything
    return [
        s for s in spellings(secret) if (re.search(rf"(?<![0-9A-Za-z]){re.escape(s)}(?![0-9A-Za-z])", shown, re.IGNORECASE))
    ]


def check(line: str, secret: str, cover: frozenset[str] = masks.SEED) -> str | None:
    """Masks the line and looks for what must not be there. None where it was refused."""
    try:
        shown = mask(line, cover)
    except Refused:
        return None
    assert tells(shown, secret) == [], shown
    assert re.findall(r"(?<![A-Z])(?:ID|SEQ)[=:](?![*\s]|$)\S+", shown) == [], shown
    assert re.findall(r"MAC(?:SRC|DST)?=[^\s]*[0-9A-Fa-f]", shown) == [], shown
    assert not re.search(r"\d\d:\d\d:\d\d", shown), shown
    return shown


@pytest.mark.parametrize("path", sorted(READER.glob("*.log")), ids=lambda p: p.stem)
def test_no_line_that_the_reader_knows_tells_its_destination(path: Path) -> None:
    for line in path.read_bytes().decode("utf-8", "replace").splitlines():
        for secret in set(re.findall(r"(?<!C)DST=([0-9A-Fa-f.:]+)", line)):
            try:
                ipaddress.ip_address(secret)
            except ValueError:
                continue
            for cover in (masks.SEED, masks.STRICT):
                check(line, secret, cover)


@pytest.mark.parametrize("name", ["kernel", "psad"])
def test_nor_does_a_real_one(name: str, shared_data: Path) -> None:
    count = 0
    for path in sorted((shared_data / "firewall" / name).iterdir()):
        for line in path.read_bytes().decode("utf-8", "replace").splitlines()[:400]:
            for secret in re.findall(r"(?<!C)DST=([0-9A-Fa-f.:]+) ", line)[:1]:
                count += check(line, secret) is not None
    assert count > 300


octet = st.integers(0, 255)
v4 = st.tuples(st.integers(1, 223), octet, octet, octet).map(lambda o: ".".join(map(str, o)))
v6 = st.integers(1 << 64, (1 << 128) - 1).map(lambda n: ipaddress.IPv6Address(n).exploded)
mac = st.lists(octet, min_size=14, max_size=18).map(lambda b: ":".join(f"{n:02x}" for n in b))
stamps = st.sampled_from(
    [
        "2019-02-20T11:02:33+09:00 ", "2019-02-20T11:02:33.123456Z ", "Feb 20 11:02:33 ", "Feb  2 11:02:33 ",
        "[463590.337950] ",
        "[Wed Feb 20 11:02:33 2019] ", "2019/02/20 11:02:33 ", "<4>Feb 20 11:02:33 ", "<4>1 2019-02-20T11:02:33+09:00 ", "",
        "1550628153.123456 ", "Feb 20 2019 11:02:33 ", "4,12,1234567,-;", "Wed 2019-02-20 11:02:33 JST ",
    ]
)  # fmt: skip
hosts = st.sampled_from(
    ["router kernel: ", "router ", "kernel: ", "", "r kernel: [  12.123456] ", "{dst} kernel: ", "h{mac} kernel: "]
)
prefixes = st.sampled_from(
    [
        "DROP ",
        "",
        "[WAN-D]",
        "wan {dst} ",
        "w {dashed}: ",
        "x{hex} ",
        "{reverse} ",
        "n {number} ",
        "SRC={dst} ",
        "IN={dst} ",
        "{mac} ",
    ]
)
tails = st.sampled_from(
    [
        "PROTO=TCP SPT=1 DPT=23 SEQ={seq} ACK={seq} WINDOW=5 RES=0x00 SYN URGP=0 ", "PROTO=TCP SPT={seq} DPT=23 ",
        "PROTO=UDP SPT=1 DPT=53 LEN=30 MARK=0x{hex} ", "PROTO=ICMP TYPE=8 CODE=0 ID={id} SEQ={id} ",
        "PROTO=ICMP TYPE=3 CODE=1 [SRC={dst} DST=8.8.8.8 LEN=40 TTL=3 ID={id} PROTO=TCP SPT=1 DPT=2 SEQ={seq} ] ",
        "PROTO=ICMP TYPE=5 CODE=1 GATEWAY={dst} ", "PROTO=TCP WHO={dst} WINDOW={number} ", "{dst} {hex} {number} ", "DF {mac} ",
        "PROTO=TCP SPT=1 DPT=2 OPT ({hex}) ", "ID:{hex} ", "FRAG:{id} ID:{hex} PROTO=UDP ", "PROTO=ESP SPI=0x{hex} ",
        "PROTO=TCP ID={dst} LEN={dst} TTL={hex} ",
    ]
)  # fmt: skip


@given(v4 | v6, mac, stamps, hosts, prefixes, tails, st.integers(0, 65535), st.integers(0, (1 << 32) - 1), st.booleans())
@example("203.0.113.77", "00:" * 13 + "01", "", "{dst} kernel: ", "wan {dst} ", "{dst} {hex} {number} ", 1, 2, True)
@example("1.0.0.0", "00:" * 13 + "01", "", "", "", "PROTO=TCP SPT=1 DPT=2 OPT ({hex}) ", 1, 1, False)
@example("1.0.0.0", "00:" * 13 + "01", "", "", "", "PROTO=UDP SPT=1 DPT=53 LEN=30 MARK=0x{hex} ", 1, 1, False)
@example("0.0.0.1", "00:" * 13 + "01", "", "", "", "PROTO=TCP SPT=1 DPT=23 ", 1, 1, False)
def test_nothing_that_must_not_be_told_gets_through(
    dst: str, hardware: str, stamp: str, host: str, prefix: str, tail: str, ident: int, seq: int, outgoing: bool
) -> None:
    one = ipaddress.ip_address(dst)
    six = one.version == 6
    fields = {
        "dst": dst, "mac": hardware, "hex": one.packed.hex(), "number": str(int(one)), "reverse": one.reverse_pointer,
        "dashed": dst.replace(".", "-").replace(":", "-"), "id": str(ident), "seq": str(seq),
    }  # fmt: skip
    src = "2001:0db8:0000:0000:0000:0000:0000:0009" if six else "192.0.2.9"
    src, to = (dst, src) if outgoing else (src, dst)
    where = "IN= OUT=eth0" if outgoing else f"IN=eth0 OUT= MAC={hardware}"
    line = (
        stamp
        + (host + prefix).format(**fields)
        + f"{where} SRC={src} DST={to} LEN=40 TTL=64 ID={ident} "
        + tail.format(**fields)
    )
    for cover in (masks.SEED, masks.STRICT, frozenset({"id", "seq", "minute"})):
        shown = check(line, dst, cover)
        if shown is not None:
            assert hardware[:17] not in shown
            assert "DST=***" in shown or "DST=****:" in shown


@given(st.text(max_size=300))
def test_any_text_is_masked_or_refused(text: str) -> None:
    for line in (text, LINE + text, text + LINE):
        try:
            shown = mask(line)
        except Refused:
            continue
        assert "203.0.113.77" not in shown
        assert shown.isprintable()


@given(
    st.sampled_from(["OPT (" * 300, "[" * 3000, "IN=" * 1200, "1:" * 1500, "SRC=1.2.3.4 " * 300, "a" * 4000, "12:34:" * 600])
)
def test_hostile_lines_take_no_time(piece: str) -> None:
    """A watchdog: patterns that backtrack would take minutes."""
    for line in (piece, LINE + piece, piece[:300] + LINE):
        masked(line, masks.SEED)
