"""The kernel over a block of lines: each line gets its outcome, its hash and its stamp; netfilter's lines make rows.

`scan` is called with whole lines only. Nothing in it depends on other lines, so blocks can be read side by side.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teiten.readers import _stamp
from teiten.readers._jit import at, entry, get, hash_of, jit, part, put, put8, signed, unsigned
from teiten.readers._stamp import stamp
from teiten.readers._swar import next_equals, next_line
from teiten.readers.netfilter._body import JUNK, SECOND, anchored, body
from teiten.readers.netfilter._codes import (
    ACTION,
    BAD_STAMP,
    BLANK,
    COUNT,
    CUT,
    DST_HI,
    EVENT,
    FIRST_INNER,
    IFACE,
    IN_DPT,
    IN_DST_FAMILY,
    IN_DST_HI,
    IN_DST_LO,
    IN_PROTOCOL,
    IN_SPT,
    IN_SRC_FAMILY,
    IN_SRC_HI,
    IN_SRC_LO,
    KIND,
    LINE,
    LONG,
    NO_ACTION,
    NO_IN,
    NO_STAMP,
    OTHER,
    POS,
    REPEAT,
    SRC_HI,
    STAMP,
    TOO_OFTEN,
    WIDTH,
)
from teiten.readers.netfilter._usual import usual


def _key(text: str) -> int:
    """Up to eight characters as `_prefix` gathers them."""
    return int.from_bytes(text.encode(), "big")


DROP, ACCEPT, REJECT, AUDIT = range(4)  # indices into event.ACTIONS

_WORDS: Final = np.array([
    (_key(word[:8]), len(word), action)
    for action, words in (
        (DROP, "DROP DROPS DROPPED DROPPING BLOCK BLOCKED BLOCKING DENY DENIED DISCARD DISCARDED BAN BANNED DRP"),
        (REJECT, "REJECT REJECTED REJECTING"),
        (ACCEPT, "ACCEPT ACCEPTED ACC ALLOW ALLOWED PASS PASSED PERMIT PERMITTED"),
        (AUDIT, "AUDIT AUDITED"),
    )
    for word in words.split()
], dtype=np.int64)  # fmt: skip
_REPEATED: Final = _key("REPEATED")
_MESSAGE: Final = _key("MESSAGE")

_SP: Final = 32
_NEAR: Final = 256
"""how far into a line another stamp is looked for"""

AFTER: Final = 3
"""with a stamp (see `_stamp`): the offset after it"""

# counters
ROWS: Final = 0
INTERFACES: Final = 1
OTHERS: Final = 2
"""0 where every line made one event, of one packet, with the line's own stamp, and begins with it"""
# limits
MAX_REPEAT, STAMPLESS, MAX_LINE, ROOM, LINE_ROOM, HASHED, CAREFUL = range(7)
# scratch: where each part begins
_STAMP, _BODY, _OUT, _ROW = 0, 8, 16, 24
SCRATCH: Final = _ROW + WIDTH
# columns of a line
LINE_POS, LINE_HASH, LINE_STAMP, LINE_AGAIN = range(4)
LINE_WIDTH: Final = 4


@jit
def _alnum(c: int) -> bool:
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122


@jit
def _count_at(buf: Any, p: int, end: int) -> int:
    """ " 5 times" at p -> 5; -1 where it is not that."""
    if p >= end or at(buf, p) != _SP:
        return -1
    p += 1
    value = 0
    n = 0
    while p < end and n < 12 and 48 <= at(buf, p) <= 57:
        value = value * 10 + at(buf, p) - 48
        p += 1
        n += 1
    if n == 0 or p + 5 > end or at(buf, p) != _SP or (at(buf, p + 1) | 32) != 116:
        return -1
    return value


@jit
def _brings_message(buf: Any, p: int, end: int) -> bool:
    """Does " N times" at p go on with ": ["?"""
    while p < end and at(buf, p) != 58:
        p += 1
    p += 1
    while p < end and at(buf, p) == _SP:
        p += 1
    return p < end and at(buf, p) == 91


@jit
def _repeated(buf: Any, p: int, end: int) -> int:
    """N of "message repeated N times" in buf[p:end], else -1."""
    while p + 8 < end:
        # the p of "repeated", looked for by its rarest letter
        if (at(buf, p) | 32) == 112 and p >= 10:
            found = (
                (at(buf, p - 2) | 32) == 114
                and (at(buf, p - 1) | 32) == 101
                and (at(buf, p + 1) | 32) == 101
                and (at(buf, p + 2) | 32) == 97
                and (at(buf, p + 3) | 32) == 116
                and (at(buf, p + 4) | 32) == 101
                and (at(buf, p + 5) | 32) == 100
                and (at(buf, p - 4) | 32) == 101
                and (at(buf, p - 5) | 32) == 103
                and (at(buf, p - 6) | 32) == 97
                and (at(buf, p - 7) | 32) == 115
            )
            if found:
                value = _count_at(buf, p + 6, end)
                if value >= 0:
                    return value
        p += 1
    return -1


def _end(text: str) -> int:
    return int.from_bytes(text.encode(), "big")


_SRC, _DST, _LEN, _TTL, _SPT, _DPT, _TOS, _PROTO, _PREC, _WINDOW, _RES, _URGP, _HOPLIMIT, _FLOWLBL = (
    _end(t) for t in ["SRC", "DST", "LEN", "TTL", "SPT", "DPT", "TOS", "OTO", "REC", "DOW", "RES", "RGP", "MIT", "LBL"]
)


@jit
def _field(key: int) -> int:
    """A bit for each field of netfilter's, by the last three letters before its '='."""
    if key == _SRC:
        return 1
    if key == _DST:
        return 2
    if key == _LEN:
        return 4
    if key == _TTL:
        return 8
    if key == _SPT:
        return 16
    if key == _DPT:
        return 32
    if key == _TOS:
        return 64
    if key == _PROTO:
        return 128
    if key == _PREC:
        return 256
    if key == _WINDOW:
        return 512
    if key == _RES:
        return 1024
    if key == _URGP:
        return 2048
    if key == _HOPLIMIT:
        return 4096
    if key == _FLOWLBL:
        return 8192
    return 0


@jit
def _find(buf: Any, p: int, end: int, scratch: Any) -> int:
    """Offset of netfilter's IN= in buf[p:end], -1 where there is none. scratch[SECOND]: 1 where SRC= and DST=, or
    three other fields of netfilter's, stand there without one, 2 where the line ends inside one."""
    seen = 0
    cut = False
    descr = True
    start = p
    while p < end:
        p = next_equals(buf, p, end)
        if p >= end:
            break
        if p < start + 2:
            p += 1
            continue
        a, b = at(buf, p - 1), at(buf, p - 2)
        if a == 78 and b == 73:  # IN=
            found = anchored(buf, p - 2, end)
            if found == 1:
                q = p + 3
                while q < end and at(buf, q) > _SP:  # a prefix that holds IN= touches the real one: "[IN=x]IN=eth0 OUT="
                    if at(buf, q) == 61 and at(buf, q - 1) == 78 and at(buf, q - 2) == 73:
                        p = q
                    q += 1
                return p - 2
            if found == 2 and end - p < 17 and (p - 3 < start or not _alnum(at(buf, p - 3))):
                cut = True
        elif a == 82 and b == 67 and descr and p + 1 < end and at(buf, p + 1) == 34:  # DESCR="...": a rule's free words
            q = p + 2
            while q < end and at(buf, q) != 34:
                q += 1
            if q < end:
                p = q
            else:
                descr = False
        elif p >= start + 3:
            seen |= _field((at(buf, p - 3) << 16) | (b << 8) | a)
        p += 1
    fields = 0
    for i in range(14):
        fields += (seen >> i) & 1
    put(scratch, SECOND, 2 if cut else 1 if fields > 2 or seen & 3 == 3 else 0)
    return -1


@jit
def _tells_action(buf: Any, p: int, q: int) -> bool:
    """Is the word buf[p:q] one that tells an action?"""
    if q - p < 3 or q - p > 9:
        return False
    key = 0
    for i in range(p, min(q, p + 8)):
        c = at(buf, i)
        if not _alnum(c):
            return False
        key = (key << 8) | (c - 32 if c >= 97 else c)
    for i in range(len(_WORDS)):
        if key == _WORDS[i, 0] and q - p == _WORDS[i, 1]:
            return True
    return False


@jit
def _message(buf: Any, p: int, a: int, style: int, kind: int) -> int:
    """Where the rule's own prefix begins in buf[p:a]: after the host, the tag, the transport's fields."""
    limit = min(a, p + 1024)
    i = p
    while i + 7 <= limit:
        if at(buf, i) == 107 and at(buf, i + 1) == 101 and at(buf, i + 2) == 114 and at(buf, i + 3) == 110:
            if at(buf, i + 4) == 101 and at(buf, i + 5) == 108 and (at(buf, i + 6) == 58 or at(buf, i + 6) == 91):
                return i + 6
        i += 1
    if style == _stamp.BARE or kind == _stamp.NONE:
        return p
    skip = 1 if style == _stamp.WITH_HOST else 4
    while skip > 0:
        while p < a and at(buf, p) <= _SP:
            p += 1
        q = p
        while q < a and at(buf, q) > _SP:
            q += 1
        if style == _stamp.WITH_HOST:
            # a host, where more follows and it is neither a tag nor a bracketed word, nor the prefix ("REJECT wan in: IN="),
            # and holds no parenthesis
            if q >= a or q == p or at(buf, q - 1) == 58 or at(buf, p) == 91 or _tells_action(buf, p, q):
                return p
            for r in range(p, q):
                if at(buf, r) == 40:
                    return p
            r = q
            while r < a and at(buf, r) <= _SP:
                r += 1
            return p if r >= a else q
        p = q
        skip -= 1
    while p < a and at(buf, p) == _SP:
        p += 1
    in_quotes = False
    if p < a and at(buf, p) == 91:  # structured data
        while p < a:
            c = at(buf, p)
            if c == 92 and in_quotes:
                p += 1
            elif c == 34:
                in_quotes = not in_quotes
            elif c == 93 and not in_quotes and (p + 1 >= a or at(buf, p + 1) != 91):
                return p + 1
            p += 1
    return p


@jit
def _prefix(buf: Any, p: int, a: int, out: Any) -> None:
    """What the prefix buf[p:a] says: out[0] action, out[1] N of "message repeated N times", out[2] 1 where a message is
    quoted (syslog-ng)."""
    action = NO_ACTION
    fixed = False
    put(out, 1, 1)
    put(out, 2, 0)
    message = False
    while p < a:
        c = at(buf, p)
        if not _alnum(c):
            # [WAN_IN-default-D], [WAN_LOCAL-D-10000]: VyOS, EdgeOS, UniFi
            if c == 45 and p + 2 < a:
                d = at(buf, p + 1)
                if d == 68 or d == 65 or d == 82:
                    q = p + 2
                    if d == 82 and q + 1 < a and at(buf, q) == 69 and at(buf, q + 1) == 84:  # -RET: return, that is accept
                        d = 65
                        q += 2
                    if q < a and at(buf, q) == 45:
                        q += 1
                        while q < a and q < p + 14 and 48 <= at(buf, q) <= 57:
                            q += 1
                    if q < a and at(buf, q) == 93:
                        action = DROP if d == 68 else ACCEPT if d == 65 else REJECT
                        fixed = True
            p += 1
            continue
        key = 0
        n = 0
        word = c > 57  # none of ours begins with a digit
        while p < a:
            c = at(buf, p)
            if not _alnum(c):
                break
            if n < 8:
                key = (key << 8) | (c - 32 if c >= 97 else c)
            n += 1
            p += 1
        if message and key == _REPEATED and n == 8:
            value = _count_at(buf, p, a)
            if value >= 0 and _brings_message(buf, p, a):
                put(out, 1, value)
        message = key == _MESSAGE and n == 7
        if message and p + 1 < a and at(buf, p) == _SP and at(buf, p + 1) == 39:
            put(out, 2, 1)
        if word and not fixed and 3 <= n <= 9:
            for i in range(len(_WORDS)):
                if key == _WORDS[i, 0] and n == _WORDS[i, 1]:
                    action = int(_WORDS[i, 2])
                    break
    put(out, 0, action)


@jit
def _late_stamp(buf: Any, p: int, a: int, st: Any) -> int:
    """A stamp that does not begin the line ("file:Mar 17 ...", pve-firewall's own): the offset after it, -1 for none."""
    limit = min(a, p + _NEAR)
    tries = 0
    i = p + 1
    while i < limit and tries < 24:
        c = at(buf, i - 1)
        if c == _SP or c == 58 or c == 124 or c == 39 or c == 34:
            d = at(buf, i)
            if 48 <= d <= 57 or 65 <= d <= 90 or d == 91:
                tries += 1
                q = _stamp.one(buf, i, a, st)
                if q >= 0 and get(st, _stamp.KIND) != _stamp.BOOT:
                    return q
        i += 1
    put(st, _stamp.KIND, _stamp.NONE)
    put(st, _stamp.STYLE, _stamp.WITH_HOST)
    return -1


@jit
def _next_line(buf: Any, junk: int, second: int, boot: bool, st: Any) -> int:
    """Where the line that was run together with this one begins: junk - 4 <= result <= second. At a stamp if one is
    there: it is in st then, and the offset after it in st[AFTER]. boot: it may count from the boot, as this line's does."""
    tries = 0
    i = junk - 4 if junk >= 4 and _stamp.digits(buf, junk - 4, second, 4) >= 1970 else junk
    while i < second and tries < 24:
        # i < junk: its year is glued to our last number
        if (i <= junk or at(buf, i - 1) <= _SP) and at(buf, i) > _SP:
            tries += 1
            after = _stamp.stamp(buf, i, second, st)
            found = int(get(st, _stamp.KIND))
            if found != _stamp.NONE and after > junk and (boot or found != _stamp.BOOT):
                put(st, AFTER, after)
                return i
        i = junk if i < junk else i + 1
    put(st, _stamp.KIND, _stamp.NONE)
    put(st, AFTER, junk)
    return junk


@jit
def _same(buf: Any, p: int, q: int, n: int) -> bool:
    for i in range(n):
        if at(buf, p + i) != at(buf, q + i):
            return False
    return True


@jit
def _interface(buf: Any, p: int, n: int, table: Any, counters: Any) -> int:
    """Number of the name buf[p:p+n] in the table of those seen; the last few are looked at."""
    size = int(get(counters, INTERFACES))
    for back in range(1, min(size, 12) + 1):
        i = size - back
        if get(table, 2 * i + 1) == n and _same(buf, get(table, 2 * i), p, n):
            return i
    put(table, 2 * size, p)
    put(table, 2 * size + 1, n)
    put(counters, INTERFACES, size + 1)
    return size


@jit
def _emit(row: Any, rows: Any, room: int, n: int) -> None:
    """The row becomes row n of the columns."""
    for i in range(FIRST_INNER):
        if i != SRC_HI and i != DST_HI:
            put(rows, i * room + n, get(row, i))
    if get(row, SRC_HI) != 0 or get(row, DST_HI) != 0:
        put(rows, SRC_HI * room + n, get(row, SRC_HI))
        put(rows, DST_HI * room + n, get(row, DST_HI))
    families = get(row, IN_SRC_FAMILY) & get(row, IN_DST_FAMILY)
    if families & get(row, IN_PROTOCOL) & get(row, IN_SPT) & get(row, IN_DPT) != -1:
        put(rows, IN_SRC_FAMILY * room + n, get(row, IN_SRC_FAMILY))
        put(rows, IN_SRC_HI * room + n, get(row, IN_SRC_HI))
        put(rows, IN_SRC_LO * room + n, get(row, IN_SRC_LO))
        put(rows, IN_DST_FAMILY * room + n, get(row, IN_DST_FAMILY))
        put(rows, IN_DST_HI * room + n, get(row, IN_DST_HI))
        put(rows, IN_DST_LO * room + n, get(row, IN_DST_LO))
        put(rows, IN_PROTOCOL * room + n, get(row, IN_PROTOCOL) + 1)
        put(rows, IN_SPT * room + n, get(row, IN_SPT) + 1)
        put(rows, IN_DPT * room + n, get(row, IN_DPT) + 1)


@jit
def _line(
    buf: Any, s: int, e: int, line: int, rows: Any, table: Any, counters: Any, st: Any, scratch: Any, out: Any, row: Any,
    limits: Any,
) -> int:  # fmt: skip
    """One line buf[s:e]. Returns its outcome; -1 where the rows are full. out[3], out[4]: its stamp's kind and value;
    out[5]: N of a "last message repeated N times"."""
    put(out, 5, -1)
    p = stamp(buf, s, e, st)
    a = _find(buf, p, e, scratch)
    if a < 0:
        put(out, 3, get(st, _stamp.KIND))
        put(out, 4, get(st, _stamp.VALUE))
        if _stamp.begin(buf, s, e) >= e:
            return BLANK
        if get(scratch, SECOND) == 2:
            return CUT
        if get(scratch, SECOND) == 1:
            return NO_IN
        value = _repeated(buf, p, e)
        if value >= 0:
            # rsyslog's "message repeated N times: [...]" brings its own message: it speaks of no line before
            put(out, 5, -1 if at(buf, e - 1) == 93 else value)
            return REPEAT
        return OTHER
    if get(st, _stamp.KIND) == _stamp.NONE:
        q = _late_stamp(buf, s, a, st)
        if q >= 0:
            p = q
    kind = int(get(st, _stamp.KIND))
    value = int(get(st, _stamp.VALUE))
    style = int(get(st, _stamp.STYLE))
    put(out, 3, kind)
    put(out, 4, value)
    first = -1
    made = 0
    total = 0
    begin = s
    max_repeat = int(get(limits, MAX_REPEAT))
    stampless = int(get(limits, STAMPLESS))
    room = int(get(limits, ROOM))
    careful = int(get(limits, CAREFUL))
    while True:
        n = int(get(counters, ROWS))
        if n >= room:
            return -1
        words = _message(buf, p, a, style, kind)
        _prefix(buf, words, a, out)
        if words > p + 6 and at(buf, words - 7) == 39:  # 'kernel: ...
            put(out, 2, 1)
        stop = e
        if get(out, 2) == 1:  # Last message '...' repeated N times, suppressed by syslog-ng
            q = a
            while q < e and at(buf, q) != 39:
                q += 1
            again = _repeated(buf, q, e)
            if again >= 0:
                stop = q
                put(out, 1, again)
        after = -1
        cut = stop
        while True:
            code = EVENT if careful == 0 and usual(buf, a, cut, row, scratch) else body(buf, a, cut, row, scratch)
            if get(scratch, SECOND) < 0:
                break
            # another line begins in this one: once more, up to there
            after = get(scratch, SECOND)
            cut = _next_line(buf, get(scratch, JUNK), after, kind == _stamp.BOOT or kind == _stamp.NONE, st)
        if code == EVENT:
            if kind == _stamp.BAD:
                code = BAD_STAMP
            elif kind == _stamp.NONE and stampless == 0:
                code = NO_STAMP
            elif get(out, 1) + total > max_repeat and get(out, 1) > 1:
                code = TOO_OFTEN
        if code == EVENT:
            put(row, LINE, line)
            put(row, POS, begin)
            put(row, KIND, kind)
            put(row, STAMP, value)
            put(row, COUNT, get(out, 1))
            put(row, ACTION, get(out, 0))
            q = a + 3
            while q < e and at(buf, q) > _SP:
                q += 1
            put(row, IFACE, _interface(buf, a + 3, q - a - 3, table, counters) if q > a + 3 else -1)
            if get(out, 1) != 1 or made > 0 or begin != s or kind != get(out, 3) or value != get(out, 4):
                put(counters, OTHERS, get(counters, OTHERS) + 1)
            if get(out, 1) > 0:
                _emit(row, rows, room, n)
                put(counters, ROWS, n + 1)
                made += 1
                total += get(out, 1)
            elif first < 0:
                first = REPEAT
        elif first < 0:
            first = code
        if after < 0:
            break
        # the line that was run together with it; its time is the first one's where it has none of its own
        begin = cut
        a = after
        p = get(st, AFTER)
        if get(st, _stamp.KIND) != _stamp.NONE:
            kind = int(get(st, _stamp.KIND))
            value = int(get(st, _stamp.VALUE))
            style = int(get(st, _stamp.STYLE))
        else:
            style = _stamp.BARE
    return EVENT if made > 0 else first


@entry
def scan(
    buf: Any, size: int, key: int, limits: Any, rows: Any, table: Any, lines: Any, outcome: Any, kinds: Any, counters: Any,
    scratch: Any,
) -> int:  # fmt: skip
    """Reads the lines of buf[:size]. Fills, column after column, `lines` (LINE_WIDTH of them) and, a byte a line, `outcome`
    and `kinds`; and `rows` (see _codes) an event each. Returns the number of lines; -1 where `rows`, -2 where `lines` was
    too small: ask again with more.

    limits: [max_repeat, 1 where lines without a stamp may make events, max_line, room in `rows`, room in `lines`, 1 where
    lines are hashed, 1 where no line is taken for a usual one (tests)]. Of a line longer than max_line that much is hashed.
    """
    put(counters, ROWS, 0)
    put(counters, INTERFACES, 0)
    put(counters, OTHERS, 0)
    st = part(scratch, _STAMP)
    extra = part(scratch, _BODY)
    out = part(scratch, _OUT)
    row = part(scratch, _ROW)
    longest = int(get(limits, MAX_LINE))
    room = int(get(limits, LINE_ROOM))
    hashed = int(get(limits, HASHED))
    s = 0
    i = 0
    while s < size:
        if i >= room:
            return -2
        e = int(next_line(buf, s, size))
        after = e + 1
        while e > s and at(buf, e - 1) == 13:
            e -= 1
        put(lines, i, s)
        if hashed != 0:
            put(lines, LINE_HASH * room + i, signed(hash_of(buf, s, min(e, s + longest), unsigned(key))))
        if e - s > longest:
            code = LONG
            put(out, 3, _stamp.NONE)
            put(out, 4, 0)
            put(out, 5, -1)
        else:
            code = _line(buf, s, e, i, rows, table, counters, st, extra, out, row, limits)
            if code < 0:
                return -1
        put8(outcome, i, code)
        put8(kinds, i, get(out, 3))
        put(lines, LINE_STAMP * room + i, get(out, 4))
        put(lines, LINE_AGAIN * room + i, get(out, 5))
        if code != EVENT:
            put(counters, OTHERS, get(counters, OTHERS) + 1)
        i += 1
        s = after
    return i


def key64(key: int) -> Any:
    """Any integer as the hash's key."""
    return np.uint64(key & ((1 << 64) - 1))


def signed_key(key: int) -> int:
    """Any integer as the hash's key, in the form that kernels take."""
    return int(key64(key).view(np.int64))
