"""ElasticPot's JSON log (bontchev's), also as T-Pot keeps it: a line a request for what was taken for Elasticsearch."""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _honeypots, _lines
from teiten.readers._base import ReadOptions

NAME: Final = "elasticpot"
STATUS: Final = "trial"
LINES: Final = True
ROWS: Final = False
REASONS: Final = {**_lines.REJECTED}
KINDS: Final = {**_lines.IGNORED}

_HEAD: Final = re.compile(rb'"eventid": ?"elasticpot\.')
_HEADERS: Final = {
    "User-Agent": ("user_agent", "http_user_agent"), "Content-Type": ("content_type", "http.http_content_type"),
    "Accept-Language": ("accept_language",),
}  # fmt: skip


def recognise(head: bytes) -> float:
    """0.9 where a line names an event of ElasticPot's."""
    return 0.9 if _HEAD.search(head) else 0.0


def parse(line: bytes, options: ReadOptions) -> list[_lines.Event] | int:
    """One line."""
    try:
        found, _ = _honeypots.named(line, NAME)
        base = {**_honeypots.ends(found), "time": _honeypots.time(found.get("timestamp", found.get("@timestamp")))}
        headers = [(name, next((found[one] for one in names if one in found), None)) for name, names in _HEADERS.items()]
        method, path = found.get("request", found.get("request_method")), found.get("url", found.get("http.url"))
        body = _honeypots.plain(found.get("payload"))
        return _honeypots.heard(base, [_honeypots.request(method, path, headers, body)])
    except _honeypots.WRONG:
        return 1


read = _lines.reader(parse, REASONS)
