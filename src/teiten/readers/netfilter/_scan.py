"""The kernel over a block of lines: each line gets its outcome, its hash and its stamp; netfilter's lines make rows.

`scan` is called with whole lines only. Nothing in it depends on other lines, so blocks can be read side by side.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teiten.readers._jit import hash_bytes, jit
from teiten.readers.netfilter import _stamp
from teiten.readers.netfilter._body import JUNK, SECOND, _key, anchored, body
from teiten.readers.netfilter._codes import (
    ACTION,
    BAD_STAMP,
    BLANK,
    COUNT,
    CUT,
    EVENT,
    IFACE,
    KIND,
    LINE,
    LONG,
    NO_ACTION,
    NO_IN,
    NO_STAMP,
    OTHER,
    POS,
    REPEAT,
    STAMP,
    TOO_OFTEN,
)
from teiten.readers.netfilter._stamp import stamp

DROP, ACCEPT, REJECT, AUDIT = range(4)  # indices into event.ACTIONS

_WORDS: Final = tuple(
    (_key(word[:8]), len(word), action)
    for action, words in (
        (DROP, "DROP DROPS DROPPED DROPPING BLOCK BLOCKED BLOCKING DENY DENIED DISCARD DISCARDED BAN BANNED DRP"),
        (REJECT, "REJECT REJECTED REJECTING"),
        (ACCEPT, "ACCEPT ACCEPTED ALLOW ALLOWED PASS PASSED PERMIT PERMITTED"),
        (AUDIT, "AUDIT AUDITED"),
    )
    for word in words.split()
)
_REPEATED: Final = _key("REPEATED")
_MESSAGE: Final = _key("MESSAGE")

_SP: Final = 32
_NEAR: Final = 256
"""how far into a line another stamp is looked for"""

# counters
ROWS: Final = 0
INTERFACES: Final = 1


@jit
def _alnum(c: int) -> bool:
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122


@jit
def _count_at(buf: Any, p: int, end: int) -> int:
    """ " 5 times" at p -> 5; -1 where it is not that."""
    if p >= end or int(buf[p]) != _SP:
        return -1
    p += 1
    value = 0
    n = 0
    while p < end and n < 12 and 48 <= int(buf[p]) <= 57:
        value = value * 10 + int(buf[p]) - 48
        p += 1
        n += 1
    if n == 0 or p + 5 > end or int(buf[p]) != _SP or (int(buf[p + 1]) | 32) != 116:
        return -1
    return value


@jit
def _repeated(buf: Any, p: int, end: int) -> int:
    """N of "message repeated N times" in buf[p:end], else -1."""
    while p + 8 < end:
        # the p of "repeated", looked for by its rarest letter
        if (int(buf[p]) | 32) == 112 and p >= 10:
            found = (
                (int(buf[p - 2]) | 32) == 114
                and (int(buf[p - 1]) | 32) == 101
                and (int(buf[p + 1]) | 32) == 101
                and (int(buf[p + 2]) | 32) == 97
                and (int(buf[p + 3]) | 32) == 116
                and (int(buf[p + 4]) | 32) == 101
                and (int(buf[p + 5]) | 32) == 100
                and (int(buf[p - 4]) | 32) == 101
                and (int(buf[p - 5]) | 32) == 103
                and (int(buf[p - 6]) | 32) == 97
                and (int(buf[p - 7]) | 32) == 115
            )
            if found:
                value = _count_at(buf, p + 6, end)
                if value >= 0:
                    return value
        p += 1
    return -1


@jit
def _find(buf: Any, p: int, end: int, scratch: Any) -> int:
    """Offset of netfilter's IN= in buf[p:end], -1 where there is none. scratch[SECOND]: 1 where SRC= and DST= stand
    there without one, 2 where the line ends inside one."""
    seen = 0
    cut = False
    descr = True
    start = p
    while p < end:
        if int(buf[p]) != 61 or p < start + 2:
            p += 1
            continue
        a, b = int(buf[p - 1]), int(buf[p - 2])
        if a == 78 and b == 73:  # IN=
            found = anchored(buf, p - 2, end)
            if found == 1:
                return p - 2
            if found == 2 and end - p < 17 and (p - 3 < start or not _alnum(int(buf[p - 3]))):
                cut = True
        elif a == 67 and b == 82 and p >= start + 3 and int(buf[p - 3]) == 83:
            seen |= 1
        elif a == 84 and b == 83 and p >= start + 3 and int(buf[p - 3]) == 68:
            seen |= 2
        elif a == 82 and b == 67 and descr and p + 1 < end and int(buf[p + 1]) == 34:  # DESCR="...": a rule's free words
            q = p + 2
            while q < end and int(buf[q]) != 34:
                q += 1
            if q < end:
                p = q
            else:
                descr = False
        p += 1
    scratch[SECOND] = 2 if cut else 1 if seen == 3 else 0
    return -1


@jit
def _message(buf: Any, p: int, a: int, style: int, kind: int) -> int:
    """Where the rule's own prefix begins in buf[p:a]: after the host, the tag, the transport's fields."""
    limit = min(a, p + 1024)
    i = p
    while i + 7 <= limit:
        if int(buf[i]) == 107 and int(buf[i + 1]) == 101 and int(buf[i + 2]) == 114 and int(buf[i + 3]) == 110:
            if int(buf[i + 4]) == 101 and int(buf[i + 5]) == 108 and (int(buf[i + 6]) == 58 or int(buf[i + 6]) == 91):
                return i + 6
        i += 1
    if style == _stamp.BARE or kind == _stamp.NONE:
        return p
    skip = 1 if style == _stamp.WITH_HOST else 4
    while skip > 0:
        while p < a and int(buf[p]) <= _SP:
            p += 1
        q = p
        while q < a and int(buf[q]) > _SP:
            q += 1
        if style == _stamp.WITH_HOST:
            # a host, where more follows and it is neither a tag nor a bracketed word
            if q >= a or q == p or int(buf[q - 1]) == 58 or int(buf[p]) == 91:
                return p
            r = q
            while r < a and int(buf[r]) <= _SP:
                r += 1
            return p if r >= a else q
        p = q
        skip -= 1
    while p < a and int(buf[p]) == _SP:
        p += 1
    in_quotes = False
    if p < a and int(buf[p]) == 91:  # structured data
        while p < a:
            c = int(buf[p])
            if c == 92 and in_quotes:
                p += 1
            elif c == 34:
                in_quotes = not in_quotes
            elif c == 93 and not in_quotes and (p + 1 >= a or int(buf[p + 1]) != 91):
                return p + 1
            p += 1
    return p


@jit
def _prefix(buf: Any, p: int, a: int, out: Any) -> None:
    """What the prefix buf[p:a] says: out[0] action, out[1] N of "message repeated N times", out[2] 1 where a message is
    quoted (syslog-ng)."""
    action = NO_ACTION
    fixed = False
    out[1] = 1
    out[2] = 0
    message = False
    while p < a:
        c = int(buf[p])
        if not _alnum(c):
            # [WAN_IN-default-D], [WAN_LOCAL-D-10000]: VyOS, EdgeOS, UniFi
            if c == 45 and p + 2 < a:
                d = int(buf[p + 1])
                if d == 68 or d == 65 or d == 82:
                    q = p + 2
                    if int(buf[q]) == 45:
                        q += 1
                        while q < a and q < p + 14 and 48 <= int(buf[q]) <= 57:
                            q += 1
                    if q < a and int(buf[q]) == 93:
                        action = DROP if d == 68 else ACCEPT if d == 65 else REJECT
                        fixed = True
            p += 1
            continue
        key = 0
        n = 0
        while p < a:
            c = int(buf[p])
            if not _alnum(c):
                break
            if n < 8:
                key = (key << 8) | (c - 32 if c >= 97 else c)
            n += 1
            p += 1
        if message and key == _REPEATED and n == 8:
            value = _count_at(buf, p, a)
            if value >= 0:
                out[1] = value
        message = key == _MESSAGE and n == 7
        if message and p + 1 < a and int(buf[p]) == _SP and int(buf[p + 1]) == 39:
            out[2] = 1
        if not fixed and 3 <= n <= 9:
            for word, length, meaning in _WORDS:
                if key == word and n == length:
                    action = meaning
                    break
    out[0] = action


@jit
def _late_stamp(buf: Any, p: int, a: int, st: Any) -> int:
    """A stamp that does not begin the line ("file:Mar 17 ...", pve-firewall's own): the offset after it, -1 for none."""
    limit = min(a, p + _NEAR)
    tries = 0
    i = p + 1
    while i < limit and tries < 24:
        c = int(buf[i - 1])
        if c == _SP or c == 58 or c == 124 or c == 39 or c == 34:
            d = int(buf[i])
            if 48 <= d <= 57 or 65 <= d <= 90 or d == 91:
                tries += 1
                q = _stamp.one(buf, i, a, st)
                if q >= 0 and st[_stamp.KIND] != _stamp.BOOT:
                    return q
        i += 1
    st[_stamp.KIND] = _stamp.NONE
    st[_stamp.STYLE] = _stamp.WITH_HOST
    return -1


@jit
def _next_line(buf: Any, junk: int, second: int, end: int, st: Any) -> int:
    """Where the line that was run together with this one begins: junk <= result <= second, at a stamp if one is there."""
    if junk >= 4 and _stamp.digits(buf, junk - 4, second, 4) >= 1970:  # its year is glued to our last number
        if _stamp.stamp(buf, junk - 4, second, st) > junk:
            return junk - 4
    tries = 0
    i = junk
    while i < second and tries < 24:
        if i == junk or int(buf[i - 1]) <= _SP:
            if int(buf[i]) > _SP:
                tries += 1
                _stamp.stamp(buf, i, second, st)
                if st[_stamp.KIND] != _stamp.NONE:
                    return i
        i += 1
    return junk


@jit
def _same(buf: Any, p: int, q: int, n: int) -> bool:
    for i in range(n):
        if int(buf[p + i]) != int(buf[q + i]):
            return False
    return True


@jit
def _interface(buf: Any, p: int, n: int, table: Any, counters: Any) -> int:
    """Number of the name buf[p:p+n] in the table of those seen; the last few are looked at."""
    size = int(counters[INTERFACES])
    for back in range(1, min(size, 12) + 1):
        i = size - back
        if int(table[i, 1]) == n and _same(buf, int(table[i, 0]), p, n):
            return i
    table[size, 0] = p
    table[size, 1] = n
    counters[INTERFACES] = size + 1
    return size


@jit
def _one_event(buf: Any, a: int, end: int, row: Any, scratch: Any) -> int:
    """What follows the IN= at a, into the row."""
    for i in range(len(row)):
        row[i] = -1
    p = a + 3
    while p < end and int(buf[p]) > _SP:
        p += 1
    return body(buf, p, end, row, scratch)


@jit
def _line(
    buf: Any, s: int, e: int, line: int, rows: Any, table: Any, counters: Any, st: Any, scratch: Any, out: Any, limits: Any
) -> int:
    """One line buf[s:e]. Returns its outcome; -1 where the rows are full. out[3], out[4]: its stamp's kind and value;
    out[5]: N of a "last message repeated N times"."""
    out[5] = -1
    p = stamp(buf, s, e, st)
    a = _find(buf, p, e, scratch)
    if a < 0:
        out[3] = st[_stamp.KIND]
        out[4] = st[_stamp.VALUE]
        if _stamp.begin(buf, s, e) >= e:
            return BLANK
        if scratch[SECOND] == 2:
            return CUT
        if scratch[SECOND] == 1:
            return NO_IN
        value = _repeated(buf, p, e)
        if value >= 0:
            out[5] = value
            return REPEAT
        return OTHER
    if st[_stamp.KIND] == _stamp.NONE:
        q = _late_stamp(buf, s, a, st)
        if q >= 0:
            p = q
    kind = int(st[_stamp.KIND])
    value = int(st[_stamp.VALUE])
    style = int(st[_stamp.STYLE])
    out[3] = kind
    out[4] = value
    first = -1
    made = 0
    total = 0
    begin = s
    max_repeat = int(limits[0])
    stampless = int(limits[1])
    while True:
        n = int(counters[ROWS])
        if n >= len(rows):
            return -1
        row = rows[n]
        _prefix(buf, _message(buf, p, a, style, kind), a, out)
        stop = e
        if out[2] == 1:  # Last message '...' repeated N times, suppressed by syslog-ng
            q = a
            while q < e and int(buf[q]) != 39:
                q += 1
            again = _repeated(buf, q, e)
            if again >= 0:
                stop = q
                out[1] = again
        code = _one_event(buf, a, stop, row, scratch)
        after = int(scratch[SECOND])
        cut = e
        if after >= 0:
            cut = _next_line(buf, int(scratch[JUNK]), after, e, st)
            next_p = _stamp.stamp(buf, cut, after, st)
            code = _one_event(buf, a, cut, row, scratch)
        if code == EVENT:
            if kind == _stamp.BAD:
                code = BAD_STAMP
            elif kind == _stamp.NONE and stampless == 0:
                code = NO_STAMP
            elif out[1] + total > max_repeat and out[1] > 1:
                code = TOO_OFTEN
        if code == EVENT:
            row[LINE] = line
            row[POS] = begin
            row[KIND] = kind
            row[STAMP] = value
            row[COUNT] = out[1]
            row[ACTION] = out[0]
            q = a + 3
            while q < e and int(buf[q]) > _SP:
                q += 1
            row[IFACE] = _interface(buf, a + 3, q - a - 3, table, counters) if q > a + 3 else -1
            if out[1] > 0:
                counters[ROWS] = n + 1
                made += 1
                total += out[1]
            elif first < 0:
                first = REPEAT
        elif first < 0:
            first = code
        if after < 0:
            break
        # the line that was run together with it; its time is the first one's where it has none of its own
        begin = cut
        a = after
        p = next_p
        if st[_stamp.KIND] != _stamp.NONE:
            kind = int(st[_stamp.KIND])
            value = int(st[_stamp.VALUE])
            style = int(st[_stamp.STYLE])
        else:
            style = _stamp.BARE
    return EVENT if made > 0 else first


@jit
def scan(
    buf: Any, begin: int, ends: Any, key: Any, limits: Any, rows: Any, table: Any,
    pos: Any, hashes: Any, outcome: Any, kinds: Any, values: Any, again: Any, counters: Any, scratch: Any,
) -> int:  # fmt: skip
    """Reads the lines of a block. `ends`: offsets of their line feeds (the last may be the block's end); line 0 begins
    at `begin`. Fills the arrays a line each, and rows (see _codes) an event each. Returns the number of lines, or -1
    where `rows` was too small: ask again with more.

    limits: [max_repeat, 1 where lines without a stamp may make events, max_line]. Of a longer line the first max_line
    bytes are hashed.
    """
    counters[ROWS] = 0
    counters[INTERFACES] = 0
    st = scratch[0]
    extra = scratch[1]
    out = scratch[2]
    s = begin
    for i in range(len(ends)):
        e = int(ends[i])
        after = e + 1
        while e > s and int(buf[e - 1]) == 13:
            e -= 1
        pos[i] = s
        if e - s > int(limits[2]):
            hashes[i] = hash_bytes(buf, s, s + int(limits[2]), key)
            _stamp.stamp(buf, s, min(e, s + 256), st)
            outcome[i] = LONG
            kinds[i] = st[_stamp.KIND]
            values[i] = st[_stamp.VALUE]
            again[i] = -1
            s = after
            continue
        hashes[i] = hash_bytes(buf, s, e, key)
        code = _line(buf, s, e, i, rows, table, counters, st, extra, out, limits)
        if code < 0:
            return -1
        outcome[i] = code
        kinds[i] = out[3]
        values[i] = out[4]
        again[i] = out[5]
        s = after
    return len(ends)


def key64(key: int) -> Any:
    """Any integer as the hash's key."""
    return np.uint64(key & ((1 << 64) - 1))
