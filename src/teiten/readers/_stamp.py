"""The kernel that reads the time stamp in front of a line, in every spelling of the transports.

`stamp(buf, p, end, out)` looks at buf[p:end]; out[KIND], out[VALUE], out[STYLE] say what was found, and the offset after it
is returned (p itself, and NONE, where there is no stamp). Every step is bounded: at most some 100 bytes are looked at.

kind          value
NONE          -
ABSOLUTE      microseconds since 1970, UTC (the line states its offset, or counts from 1970)
LOCAL         microseconds since 1970 as the wall clock shows them (no zone stated)
YEARLESS      microseconds since the beginning of a leap year, by the wall clock (RFC 3164)
BOOT          microseconds since boot (dmesg)
BAD           in the form of a stamp, but no such day or hour
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teiten.readers._jit import at, entry, get, jit, put
from teiten.readers._swar import key as _key

NONE: Final = 0
ABSOLUTE: Final = 1
LOCAL: Final = 2
YEARLESS: Final = 3
BOOT: Final = 4
BAD: Final = 5

KIND: Final = 0
VALUE: Final = 1
STYLE: Final = 2

WITH_HOST: Final = 0
"""after the stamp: [host] [tag:] message"""
BARE: Final = 1
"""after the stamp: the message"""
RFC5424: Final = 2
"""after the stamp: host app procid msgid structured-data message"""

_DAY: Final = 86_400_000_000
_SPACE: Final = 32
_MONTHS: Final = np.array([_key("janfebmaraprmayjunjulaugsepoctnovdec"[i : i + 3]) for i in range(0, 36, 3)])
_WEEKDAYS: Final = np.array([_key("montuewedthufrisatsun"[i : i + 3]) for i in range(0, 21, 3)])
_BEFORE: Final = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366])
"""days of a leap year before each month"""
_LENGTHS: Final = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@jit
def _two(buf: Any, p: int) -> int:
    a: int = at(buf, p) - 48
    b: int = at(buf, p + 1) - 48
    if (a | b | (9 - a) | (9 - b)) < 0:
        return -1
    return a * 10 + b


@jit
def digits(buf: Any, p: int, end: int, n: int) -> int:
    """Exactly n (2, 4 or 6) digits at p as a number, else -1."""
    if p + n > end:
        return -1
    value = _two(buf, p)
    if n > 2 and value >= 0:
        more = _two(buf, p + 2)
        value = -1 if more < 0 else value * 100 + more
        if n > 4 and value >= 0:
            more = _two(buf, p + 4)
            value = -1 if more < 0 else value * 100 + more
    return value


@jit
def _name3(buf: Any, p: int, end: int, names: Any) -> int:
    """Which of the three-letter names stands at p (any case), else -1."""
    if p + 3 > end:
        return -1
    key = (at(buf, p) | 32) | ((at(buf, p + 1) | 32) << 8) | ((at(buf, p + 2) | 32) << 16)
    for k in range(len(names)):
        if names[k] == key:
            return k
    return -1


@jit
def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of the proleptic Gregorian calendar (Howard Hinnant's algorithm)."""
    y = year - (1 if month <= 2 else 0)
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
    return era * 146097 + doe - 719468


@jit
def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@jit
def _clock(buf: Any, p: int, end: int, out: Any) -> int:
    """HH:MM:SS with an optional fraction ('.' or ','). out[VALUE]: microseconds of the day, -1 for no such time.
    Returns the offset after it, or -1 where there is none of that form. A ',' sets out[STYLE] to BARE (only dmesg has it)."""
    if p + 8 > end or at(buf, p + 2) != 58 or at(buf, p + 5) != 58:
        return -1
    h, m, s = digits(buf, p, end, 2), digits(buf, p + 3, end, 2), digits(buf, p + 6, end, 2)
    if h < 0 or m < 0 or s < 0:
        return -1
    p += 8
    micros = 0
    if p + 1 < end and (at(buf, p) == 46 or at(buf, p) == 44) and 48 <= at(buf, p + 1) <= 57:
        if at(buf, p) == 44:
            put(out, STYLE, BARE)
        p += 1
        scale = 100_000
        n = 0
        while p < end and n < 9 and 48 <= at(buf, p) <= 57:
            micros += (at(buf, p) - 48) * scale
            scale //= 10
            p += 1
            n += 1
    if h > 23 or m > 59 or s > 60:
        put(out, VALUE, -1)
    else:
        put(out, VALUE, ((h * 60 + m) * 60 + s) * 1_000_000 + micros)
    return p


@jit
def _zone(buf: Any, p: int, end: int, out: Any) -> int:
    """Z, UTC, GMT, +09:00, +0900, +09, with a space before it or none: out[VALUE] is taken to UTC and out[KIND] set to
    ABSOLUTE. Returns the offset after it (p where there is none)."""
    if p >= end or get(out, KIND) != LOCAL:
        return p
    q = p
    if at(buf, q) == _SPACE and q + 1 < end:
        q += 1
    c = at(buf, q)
    if (c == 90 or c == 122) and q == p and (q + 1 == end or not 48 <= at(buf, q + 1) <= 122):
        put(out, KIND, ABSOLUTE)
        return q + 1
    if q + 3 <= end and (
        (c == 85 and at(buf, q + 1) == 84 and at(buf, q + 2) == 67)
        or (c == 71 and at(buf, q + 1) == 77 and at(buf, q + 2) == 84)
    ):
        if q + 3 == end or at(buf, q + 3) <= _SPACE or at(buf, q + 3) == 58 or at(buf, q + 3) == 93:
            put(out, KIND, ABSOLUTE)
            return q + 3
        return p
    if c != 43 and c != 45:
        return p
    h = digits(buf, q + 1, end, 2)
    if h < 0 or h > 18:
        return p
    q += 3
    m = digits(buf, q, end, 2)
    if q < end and at(buf, q) == 58:
        m = digits(buf, q + 1, end, 2)
        if m < 0:
            return p
        q += 3
    elif m >= 0:
        q += 2
    else:
        m = 0
    if m > 59 or (q < end and 48 <= at(buf, q) <= 57):
        return p
    offset = (h * 60 + m) * 60_000_000
    put(out, VALUE, get(out, VALUE) + (-offset if c == 43 else offset))
    put(out, KIND, ABSOLUTE)
    return q


@jit
def _dated(buf: Any, p: int, end: int, out: Any, year: int, month: int, day: int) -> int:
    """The clock and zone at p, for the day given. -1 where there is no clock."""
    p = _clock(buf, p, end, out)
    if p < 0:
        return -1
    good = get(out, VALUE) >= 0 and 1 <= month <= 12 and day >= 1
    if good:
        good = day <= _LENGTHS[month - 1] and (month != 2 or day <= 28 or year < 0 or _leap(year))
    if good and year >= 0:
        good = 1970 <= year <= 2261
    if not good:
        put(out, KIND, BAD)
        return p
    if year < 0:
        put(out, KIND, YEARLESS)
        put(out, VALUE, get(out, VALUE) + ((int(_BEFORE[month - 1]) + day - 1) * _DAY))
        return p
    put(out, KIND, LOCAL)
    put(out, VALUE, get(out, VALUE) + (days_from_civil(year, month, day) * _DAY))
    return _zone(buf, p, end, out)


@jit
def _iso(buf: Any, p: int, end: int, out: Any) -> int:
    """2019-02-20T11:02:33+09:00 and its kin; '/' for '-' and ' ' for 'T' too. -1 where there is none."""
    if p + 19 > end:
        return -1
    sep = at(buf, p + 4)
    if (sep != 45 and sep != 47) or at(buf, p + 7) != sep:
        return -1
    t = at(buf, p + 10) | 32
    if t != 116 and t != _SPACE:
        return -1
    y, m, d = digits(buf, p, end, 4), digits(buf, p + 5, end, 2), digits(buf, p + 8, end, 2)
    if y < 0 or m < 0 or d < 0:
        return -1
    return _dated(buf, p + 11, end, out, y, m, d)


@jit
def _month_first(buf: Any, p: int, end: int, out: Any, weekday: bool) -> int:
    """Feb 11 20:36:51 · Feb  1 20:36:51 · Feb 11 2019 20:36:51; after a weekday: Nov 22 00:57:15 [UTC] 2026. -1: none."""
    month = _name3(buf, p, end, _MONTHS) + 1
    p += 3
    if month == 0 or p >= end or at(buf, p) != _SPACE:
        return -1
    p += 1
    if p < end and at(buf, p) == _SPACE:
        p += 1
    day = 0
    n = 0
    while p < end and n < 2 and 48 <= at(buf, p) <= 57:
        day = day * 10 + at(buf, p) - 48
        p += 1
        n += 1
    if n == 0 or p >= end or at(buf, p) != _SPACE:
        return -1
    p += 1
    year = digits(buf, p, end, 4)
    if year >= 0 and p + 4 < end and at(buf, p + 4) == _SPACE:
        return _dated(buf, p + 5, end, out, year, month, day)
    if not weekday:
        return _dated(buf, p, end, out, -1, month, day)
    # ctime(): the year stands after the clock, a zone's name perhaps between
    q = _clock(buf, p, end, out)
    if q < 0:
        return -1
    name = 0
    y = q + 1
    if q + 1 < end and at(buf, q) == _SPACE and 65 <= at(buf, q + 1) <= 90:
        while y < end and y < q + 6 and 65 <= at(buf, y) <= 90:
            name = (name << 8) | at(buf, y)
            y += 1
        y += 1
    year = digits(buf, y, end, 4) if q < end and at(buf, q) == _SPACE else -1
    if year < 0:
        return _dated(buf, p, end, out, -1, month, day)
    _dated(buf, p, q, out, year, month, day)
    if get(out, KIND) == LOCAL and (name == 0x555443 or name == 0x474D54):  # UTC, GMT
        put(out, KIND, ABSOLUTE)
    return y + 4


@jit
def _clf(buf: Any, p: int, end: int, out: Any) -> int:
    """02/Mar/2021:19:40:22 +0100. -1 where there is none."""
    if p + 20 > end or at(buf, p + 2) != 47 or at(buf, p + 6) != 47 or at(buf, p + 11) != 58:
        return -1
    month = _name3(buf, p + 3, end, _MONTHS) + 1
    day, year = digits(buf, p, end, 2), digits(buf, p + 7, end, 4)
    if month == 0 or day < 0 or year < 0:
        return -1
    return _dated(buf, p + 12, end, out, year, month, day)


@jit
def _counted(buf: Any, p: int, end: int, out: Any) -> int:
    """Seconds since 1970 (10 digits, a fraction perhaps; 13 digits: milliseconds; 16: microseconds). -1: none."""
    n = 0
    value = 0
    while p + n < end and n < 17 and 48 <= at(buf, p + n) <= 57:
        value = value * 10 + at(buf, p + n) - 48
        n += 1
    if (n != 10 and n != 13 and n != 16) or value == 0:
        return -1
    p += n
    if n == 13:
        value *= 1000
    elif n == 10:
        value *= 1_000_000
        if p + 1 < end and at(buf, p) == 46 and 48 <= at(buf, p + 1) <= 57:
            p += 1
            scale = 100_000
            k = 0
            while p < end and k < 9 and 48 <= at(buf, p) <= 57:
                value += (at(buf, p) - 48) * scale
                scale //= 10
                p += 1
                k += 1
    if p < end and at(buf, p) > _SPACE and at(buf, p) != 58:
        return -1
    put(out, KIND, ABSOLUTE)
    put(out, VALUE, value)
    return p


@jit
def _since_boot(buf: Any, p: int, end: int, out: Any) -> int:
    """' 2132.109826' (after '['), up to and with the ']'. -1 where there is none."""
    limit = min(end, p + 48)
    while p < limit and at(buf, p) == _SPACE:
        p += 1
    value = 0
    n = 0
    while p < limit and n < 11 and 48 <= at(buf, p) <= 57:
        value = value * 10 + at(buf, p) - 48
        p += 1
        n += 1
    if n == 0 or p >= limit or at(buf, p) != 46:
        return -1
    micros = digits(buf, p + 1, end, 6)
    if micros < 0:
        return -1
    p += 7
    while p < limit and at(buf, p) != 93:  # dmesg -d puts '<    0.000022>' here
        p += 1
    if p >= limit:
        return -1
    put(out, KIND, BOOT)
    put(out, VALUE, value * 1_000_000 + micros)
    put(out, STYLE, BARE)
    return p + 1


@jit
def _kmsg(buf: Any, p: int, end: int, out: Any) -> int:
    """/dev/kmsg: '4,1234,5678901,-;message'. -1 where there is none."""
    limit = min(end, p + 64)
    value = 0
    for field in range(3):
        value = 0
        n = 0
        while p < limit and n < 17 and 48 <= at(buf, p) <= 57:
            value = value * 10 + at(buf, p) - 48
            p += 1
            n += 1
        if n == 0 or p >= limit or at(buf, p) != 44:
            return -1
        p += 1
        if field == 0 and n > 4:
            return -1
    while p < limit and at(buf, p) != 59:
        p += 1
    if p >= limit:
        return -1
    put(out, KIND, BOOT)
    put(out, VALUE, value)
    put(out, STYLE, BARE)
    return p + 1


@jit
def _named_day(buf: Any, p: int, end: int, out: Any) -> int:
    """A stamp that begins with a weekday or a month. -1 where there is none."""
    if _name3(buf, p, end, _WEEKDAYS) >= 0 and p + 4 < end:
        q = p + 3
        if at(buf, q) == 44:
            q += 1
        if q < end and at(buf, q) == _SPACE:
            r = _month_first(buf, q + 1, end, out, True)
            if r < 0:
                r = _iso(buf, q + 1, end, out)
            if r >= 0:
                return r
    return _month_first(buf, p, end, out, False)


@jit
def one(buf: Any, p: int, end: int, out: Any) -> int:
    """The stamp that begins exactly at p, PRI and the like not looked for. -1 and NONE where there is none."""
    put(out, KIND, NONE)
    put(out, STYLE, WITH_HOST)
    if p >= end:
        return -1
    c = at(buf, p)
    q = -1
    if 48 <= c <= 57:
        q = _iso(buf, p, end, out)
        if q < 0:
            q = _clf(buf, p, end, out)
        if q < 0:
            q = _counted(buf, p, end, out)
        if q < 0:
            q = _kmsg(buf, p, end, out)
    elif c == 91:  # [
        q = _since_boot(buf, p + 1, end, out)
        if q < 0 and p + 1 < end:
            q = _named_day(buf, p + 1, end, out)
            if q < 0:
                q = _iso(buf, p + 1, end, out)
            if q >= 0:
                put(out, STYLE, BARE)
                if q < end and at(buf, q) == 93:
                    q += 1
    elif 65 <= c <= 122:
        q = _named_day(buf, p, end, out)
    if q < 0:
        put(out, KIND, NONE)
    return q


@jit
def begin(buf: Any, p: int, end: int) -> int:
    """p after what may stand before a stamp: NUL bytes (left by a crash), white space, a byte order mark."""
    while p < end and (at(buf, p) <= _SPACE):
        p += 1
    if p + 3 <= end and at(buf, p) == 0xEF and at(buf, p + 1) == 0xBB and at(buf, p + 2) == 0xBF:
        p += 3
    return p


@jit
def stamp(buf: Any, p: int, end: int, out: Any) -> int:
    """The stamp of the line buf[p:end], after a PRI ('<6>', '<6>1 ') or dmesg -x's 'kern  :warn  : ' perhaps."""
    put(out, KIND, NONE)
    put(out, STYLE, WITH_HOST)
    first = p
    p = begin(buf, p, end)
    if p >= end:
        return first
    if at(buf, p) == 60:  # <PRI>
        q = p + 1
        while q < end and q < p + 4 and 48 <= at(buf, q) <= 57:
            q += 1
        if q > p + 1 and q < end and at(buf, q) == 62:
            p = q + 1
            while p < end and p < q + 4 and at(buf, p) == _SPACE:
                p += 1
            if p + 2 < end and 49 <= at(buf, p) <= 57 and at(buf, p + 1) == _SPACE:  # RFC 5424's version
                q = one(buf, p + 2, end, out)
                if q >= 0:
                    put(out, STYLE, RFC5424)
                    return q
                if at(buf, p + 2) == 45:
                    put(out, STYLE, RFC5424)
                    return p + 3
    q = one(buf, p, end, out)
    if q >= 0:
        return q
    if 97 <= at(buf, p) <= 122:  # dmesg -x
        q = p
        colons = 0
        while q < end and q < p + 24 and colons < 2:
            c = at(buf, q)
            if c == 58:
                colons += 1
            elif c != _SPACE and not 97 <= c <= 122:
                break
            q += 1
        if colons == 2 and q + 1 < end and at(buf, q) == _SPACE:
            q = one(buf, q + 1, end, out)
            if q >= 0 and get(out, STYLE) == BARE:
                return q
    put(out, KIND, NONE)
    return p


@entry
def find_stamp(buf: Any, p: int, end: int, out: Any) -> int:
    """`stamp`, as Python calls it."""
    after: int = stamp(buf, p, end, out)
    return after


@entry
def heads(buf: Any, size: int, kinds: Any, values: Any, after: Any, styles: Any, out: Any) -> int:
    """The stamp of every line of buf[:size]: its kind, value and style, and the offset after it (int64 each). How many lines.

    After a router's own number ('000123: ') and its word on its clock ('*' not set, '.' not in step) too, as IOS writes them.
    """
    n = 0
    p = 0
    while p < size:
        end = p
        while end < size and at(buf, end) != 10:
            end += 1
        q = stamp(buf, p, end, out)
        if get(out, KIND) == NONE:
            r = p
            while r < end and r < p + 12 and 48 <= at(buf, r) <= 57:
                r += 1
            if r > p and r + 2 < end and at(buf, r) == 58 and at(buf, r + 1) == _SPACE:
                r += 2
            if r < end and (at(buf, r) == 42 or at(buf, r) == 46):
                r += 1
            if r > p:
                r = one(buf, r, end, out)
                q = r if r >= 0 else q
        put(kinds, n, get(out, KIND))
        put(values, n, get(out, VALUE))
        put(styles, n, get(out, STYLE))
        put(after, n, q)
        n += 1
        p = end + 1
    return n
