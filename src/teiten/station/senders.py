"""What other log shippers send over HTTP, as lines: newline-delimited text, or JSON as Vector and Fluent Bit write it.

Text goes on as it came. Of a JSON object the line is its `message` (`log`, `MESSAGE`, `msg`); one that does not begin with a
time stamp gets the object's own `timestamp` (`date`, `time`, `@timestamp`) in front, if it has one. Nothing in it says for
which sensor it counts: the credential does.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any, Final

_TEXTS: Final = ("message", "log", "MESSAGE", "msg")
_TIMES: Final = ("timestamp", "date", "time", "@timestamp")
_HOSTS: Final = ("host", "hostname", "HOST", "_HOSTNAME")
_STAMPED: Final = re.compile(r"(?:<\d{1,3}>)?(?:1 )?(?:\d{4}-\d\d|\d{4} [A-Z]|[A-Z][a-z]{2} [ \d]?\d |\d{9,})", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-_]{0,62}", re.ASCII)


def lines(body: bytes, kind: str) -> tuple[bytes, int, int]:
    """Whole lines, how many they are, and how many objects had none. kind: the Content-Type."""
    kind = kind.split(";")[0].strip().lower()
    if "json" in kind and (found := _objects(body)) is not None:
        texts = [_line(one) for one in found]
        good = [one for one in texts if one is not None]
        return b"".join(good), len(good), len(texts) - len(good)
    if body and not body.endswith(b"\n"):
        body += b"\n"
    return body, body.count(b"\n"), 0


def _objects(body: bytes) -> list[Any] | None:
    """The objects of a JSON array, of one JSON value a line, or of several in a row; None where it is no JSON."""
    try:
        text = body.decode("utf-8", "replace")
        whole = list(_values(text))
    except (ValueError, RecursionError):
        return None
    return whole[0] if len(whole) == 1 and isinstance(whole[0], list) else whole


def _values(text: str) -> Iterator[Any]:
    decode, at = json.JSONDecoder().raw_decode, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text):
            return
        value, at = decode(text, at)
        yield value


def _line(one: Any) -> bytes | None:
    if isinstance(one, str):
        text = one
    elif isinstance(one, dict):
        text = next((one[key] for key in _TEXTS if isinstance(one.get(key), str)), "")
        if text and not _STAMPED.match(text) and (stamp := _stamp(next((one[k] for k in _TIMES if k in one), None))):
            host = next((str(one[key]) for key in _HOSTS if key in one), "-")
            text = f"{stamp} {host if _HOST.fullmatch(host) else '-'} {text}"
    else:
        return None
    text = text.rstrip("\r\n")
    if not text:
        return None
    return text.replace("\n", " ").encode("utf-8", "replace") + b"\n"


def _stamp(value: Any) -> str | None:
    """The time as ISO 8601 in UTC; None where it is none."""
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            moment = dt.datetime.fromtimestamp(value / 1000 if value > 1e11 else value, dt.UTC)
        elif isinstance(value, str):
            moment = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
            if moment.tzinfo is None:
                return None
            moment = moment.astimezone(dt.UTC)
        else:
            return None
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    except (ValueError, OverflowError, OSError):
        return None
