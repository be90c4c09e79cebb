"""A format that teiten does not have, from two lines of its log: a module of under 40 lines in the folder, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.readers import oracle
from tests.readers.reading import outcome_rows

from teiten import readers

LINES = (
    "2026-04-03 12:00:01 fb firewall: Deny 198.51.100.7 192.0.2.10 23/tcp 51234 23 0-External Firebox Denied 44 242 (ext)\n"
    "2026-04-03 12:00:04 fb firewall: Allow 203.0.113.5 192.0.2.10 dns/udp 5353 53 0-External 1-Trusted Allowed 71 118 (dns)\n"
)
MODULE = '''
"""A Firebox's traffic log: disposition, ends, service, ports, interfaces, length and TTL."""

from __future__ import annotations

import re
from typing import Final

from teiten.readers import _fields, _lines

NAME, STATUS, LINES, ROWS = "firebox", "trial", True, False
REASONS: Final = _lines.REASONS
KINDS: Final = _lines.KINDS

_LINE: Final = re.compile(
    r"(?P<time>[-0-9]{10} [0-9:]{8}) .*?firewall: (?P<said>Allow|Deny) (?P<src_ip>[^ ]+) (?P<dst_ip>[^ ]+) [^ /]+/"
    r"(?P<protocol>[^ ]+) (?P<src_port>[0-9]+) (?P<dst_port>[0-9]+) (?P<interface>[^ ]+) [^ ]+ [^ ]+ "
    r"(?P<ip_len>[0-9]+) (?P<ttl>[0-9]+) "
)

recognise = _lines.recogniser(rb"firewall: (?:Allow|Deny) [^ ]+ [^ ]+ [^ /]+/(?:tcp|udp|icmp) ")


def parse(line: _lines.Line) -> _lines.Event | int:
    """One line."""
    found = _LINE.match(line.raw.decode("utf-8", "replace"))
    if found is None:
        return _lines.OTHER
    texts = found.groupdict()
    time, said = texts.pop("time"), texts.pop("said")
    return {**_fields.event(texts), "time": _fields.when(time), "action": "drop" if said == "Deny" else "accept"}


read = _lines.texts(parse, REASONS)
'''


@pytest.fixture
def firebox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "firebox.py").write_text(MODULE.lstrip(), encoding="utf-8")
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(tmp_path)])
    readers.names.cache_clear()
    readers.module.cache_clear()
    yield
    monkeypatch.undo()
    readers.names.cache_clear()
    readers.module.cache_clear()


@pytest.mark.usefixtures("firebox")
def test_two_lines_are_enough(tmp_path: Path) -> None:
    assert len(MODULE.strip().splitlines()) < 40
    (log := tmp_path / "own.log").write_text(LINES, encoding="utf-8")
    assert readers.pick(log.read_bytes()).NAME == "firebox"
    first, second = outcome_rows(log, fmt="firebox")
    assert first.items() >= {
        "src_ip": "198.51.100.7", "dst_ip": "192.0.2.10", "protocol": 6, "src_port": 51234, "dst_port": 23,
        "ip_len": 44, "ttl": 242, "interface": "0-External", "action": "drop", "time": "2026-04-03T03:00:01+00:00",
    }.items()  # fmt: skip
    assert second.items() >= {"src_ip": "203.0.113.5", "protocol": 17, "dst_port": 53, "action": "accept"}.items()


@pytest.mark.usefixtures("firebox")
def test_and_hold_what_must_hold_for_any_bytes(tmp_path: Path) -> None:
    data = (LINES * 20 + "nonsense\n" + LINES.replace("51234", "99999")).encode()
    reader = readers.module("firebox")
    said = oracle.look(reader, data, frame=True)
    assert said is not None
    assert len(said.lines) == 43
    for part in range(0, 43, 5):
        oracle.cut(reader, data, said, said.lines[part][0])
        oracle.read_on(reader, data, said, part)
