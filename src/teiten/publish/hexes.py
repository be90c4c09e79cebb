"""A captured packet as lines of hexadecimal, from its IP header on, with what would tell the observer covered.

    show(packet) -> ["0000  45 00 00 28 ** ** 40 00 32 06 ** ** 08 08 08 08  E..(**@.2.**....", ...]

Covered are the destination, the identification, the checksums (which the destination went into), sequence and acknowledgement
numbers (Mirai sends the destination in the first), and whatever an ICMP error quotes. Where what is left still spells the
destination, in any of the spellings of `publish.leaks`, all above the transport header is covered too.
"""

from __future__ import annotations

from typing import Final

from teiten.publish import leaks

LONGEST: Final = 2048
"""bytes that are shown"""
_ROW: Final = 16
_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_ERRORS: Final = {_ICMP: (3, 4, 5, 11, 12), _ICMP6: (1, 2, 3, 4, 137)}


def show(packet: bytes) -> list[str]:
    """The lines. packet: bytes from an IP header on; of a longer one than `LONGEST` the first."""
    data = packet[:LONGEST]
    covered, above = _covered(data)
    own = data[16:20] if data[:1] and data[0] >> 4 == 4 else data[24:40]
    for spelt in (own, own[::-1]):
        for at in _places(data, spelt):
            covered.update(range(at, at + len(own)))
    left = bytes(0 if n in covered else byte for n, byte in enumerate(data))
    if leaks.find({"": left[above:]}, {own}) is not None:
        covered.update(range(above, len(data)))
    return [_line(data, at, covered) for at in range(0, len(data), _ROW)]


def _covered(data: bytes) -> tuple[set[int], int]:
    """Bytes of the headers that are covered, and where what is above the transport header begins."""
    if not data:
        return set(), 0
    if data[0] >> 4 == 4:
        above, protocol = 4 * (data[0] & 15), data[9] if len(data) > 9 else 0
        covered = {4, 5, 10, 11, *range(16, 20), *range(20, above)}
    else:
        above, protocol = 40, data[6] if len(data) > 6 else 0
        covered = {1, 2, 3, *range(24, 40)}
    if protocol == _TCP:
        size = 4 * (data[above + 12] >> 4) if len(data) > above + 12 else 20
        return covered | {above + n for n in (*range(4, 12), 16, 17)}, above + max(20, size)
    if protocol == _UDP:
        return covered | {above + 6, above + 7}, above + 8
    if protocol in _ERRORS:
        covered |= {above + 2, above + 3}
        kind = data[above] if len(data) > above else 0
        return covered | (set(range(above + 4, len(data))) if kind in _ERRORS[protocol] else set()), above + 8
    # what is not known here may hold anything
    return covered | set(range(above, len(data))), len(data)


def _places(data: bytes, own: bytes) -> list[int]:
    out, at = [], data.find(own) if own else -1
    while at >= 0:
        out.append(at)
        at = data.find(own, at + 1)
    return out


def _line(data: bytes, at: int, covered: set[int]) -> str:
    row = range(at, min(at + _ROW, len(data)))
    hexes = " ".join("**" if n in covered else f"{data[n]:02x}" for n in row)
    text = "".join("*" if n in covered else chr(data[n]) if 32 <= data[n] < 127 else "." for n in row)
    return f"{at:04x}  {hexes:<{3 * _ROW - 1}}  {text}"
