"""Writes docs/reference/promises.md from the figures that the proofs gave.

TEITEN_FIGURES=figures.jsonl make test-faults && python tools/build_promises.py figures.jsonl

With --add the page's rows of other proofs stay: for the figures of some proofs alone.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "promises.md"
PROMISES = {
    1: "kill -9 loses nothing and doubles nothing",
    2: "what is acknowledged survives a power cut",
    3: "a full disk only pauses",
    4: "every write may fail",
    5: "replays are free",
    6: "rotation is invisible",
    7: "every loss has a number",
    8: "syslog: 20,000 datagrams, 50,000 lines a second",
    9: "'no traffic' is not 'no sensor'",
    12: "memory is bounded",
    13: "the evidence is kept: the lake made again is the same rows",
    14: "attackers' text is only text",
    15: "exports are inert",
    16: "filters and the SQL console cannot get out",
    17: "the dashboard is closed by default",
    18: "the responder harms nobody",
    19: "sensors' addresses never leave",
    20: "sensors are hard to map",
    22: "two writers and many readers at once",
    23: "a commit a minute: what asking and storing cost, and the files, stay as they were",
    24: "the API answers any words, as it is described",
}
INTRO = """# What is promised, and what the proofs gave

<!-- Made by tools/build_promises.py from the figures of `make test-faults`. -->

| promise | proof | figure | date |
| --- | --- | --- | --- |
"""
END = """
**Power cuts.** What the intake does to its files is recorded call by call with strace. The calls are replayed, up to
a random moment, on two kinds of disk that lose what was not synced: one that keeps names in the order of the calls
(as ext4 and xfs do), and one on which each change of a name that its folder's sync did not cover is there or not, by
itself. Bytes that were not synced are there, not there, or torn at 512 bytes. Then the real program opens what is
left, and stores the rest.

**Kills.** Real processes are ended with SIGKILL at random moments: the intake of long logs; and a mix of everything that
changes a lake (ingest with verdicts, compact, forget, take-out, vacuum, the migration of an older lake), in forks of a
process that has the program loaded. In between and at the end every line is counted by its number.

**Full disk.** A disk of one MiB with a random amount of it taken by another file. The intake stops with one sentence;
after room is made the same command goes on.

**Failing writes.** strace makes the n-th call of a kind fail with EIO, ENOSPC or EINTR, in every thread of the real
program. A call that is no disk's may be hit as well (threads wake each other by writes): a run that hangs on it for two
minutes is killed, and the next must be right all the same.

**Replays, rebuilding.** Windows of a log that overlap, one that grows, each under three names, plain and compressed, in
random order and several at once; the lake is put together in between. The same inputs into a new lake, cut into other
batches, give the same rows in every column, before and after they are put together.

**A station.** Its spool goes through the same: power cuts while it writes, seals and a maker stores (what was said to be
acknowledged must be in the spool, what is in the lake must come from it, each line once after the next run); each write,
sync, rename, removal, opening failing in turn while it writes, seals, packs and lets go; a disk of one MiB filled at a random
point, the station killed there and begun again before there is room. `teiten watch` itself is killed, it or its maker or both,
while a log grows. Every byte is held against the chain of hashes, and the lake is made anew from it.

**Sensors and collector.** A sensor that follows a log and a collector, each a process that is killed at random; blocks of
several sensors in pieces of any size, three times each, in any order, by two collectors into one lake, refused where they do
not follow and brought again (`tests/faults/test_sensors.py`); every write and sync of a replica fails in turn
(`tests/station/test_replica.py`).

**Together.** Two `teiten ingest` into one lake at once, while processes ask the same question again and again, through
compact, forget and vacuum: each answer must be a state that the lake had.

**Losses.** Random runs of a real receiver: buffers of the kernel from 4 KiB on, queues from 500 bytes on, a disk that
stands still, lines that are none. What was sent is known; what became of it is read from the spool's chain, and from what
the reader says of every line.

**Attackers' text.** Each payload (`tests/web/payloads.py`) is a sensor's name, a prefix and an interface of the log, an AS's
and a PTR name, an organisation of a watchlist, a note, a published figure, a word of an address, a value and a column of SQL,
a title of a feed and a mail. The pages are opened in Chromium, in which every function that a payload calls tells that it ran
(`tests/web/test_pages_hostile.py`); reports as pages, and as text that a program which lets HTML through makes a page of.

**The SQL console.** A real server, asked over HTTP, while another visitor asks for pages. strace watches what each process of a
query opens, makes, removes and connects to; the lake's files and canaries are compared byte for byte and by their times; the
memory is the highest resident size that the kernel tells of a child (`tests/web/cases/escapes.toml`).

**Rotations.** A thread writes numbered lines, now and then half of one, to a log that is renamed, copied and cut off, or
compressed, every 25 ms or so; the station is a real process, stopped or killed for a fifth of the rotations. What
copytruncate took is what is in no file and not in the spool.

**The responder.** Its namespace has a firewall that counts every packet that belongs to no connection which came in. Real
clients (nmap -sV, curl, ssh, redis-cli, telnet, smbclient, adb, openssl) and the words of bots come to it over IPv4 and IPv6,
at all ports, through the rule that `teiten respond --rules` prints; a capture on its side says what each of them sent
(`tests/conformance/test_respond.py`). That no answer is larger than what it answers is asked of any bytes (`tests/respond`).

**Addresses.** Logs whose every line brings a sensor's address in another spelling; reports and sites of them, under other
rules each, are searched by a search of the test's own, which is first shown that it finds what was planted.

**Mapping.** The prober and what he finds under which rules: [how hard sensors are to map](../concepts/mapping.md).

**Damage.** Every file of a lake in turn is lost, cut short or filled with zeros (`tests/lake/test_mend.py`): the question
names it, `teiten lake mend` goes on without it and says what to ingest again, and that gives back exactly what was lost.

**Exports.** Sensors are called as formulas are, and every payload stands in a cell: CSVs of commands, of the API and of a
report are opened by LibreOffice Calc, which ends cells at a comma, a semicolon or a tab, and no cell holds a formula, while
each of the file beside them that was made to have some does. Messages to mail, chat, file and terminal, errors and tables are
searched for control characters.

**The API.** schemathesis makes requests from the station's own description, such as it allows and such as it does not; beside
them words that nobody would write stand in every place of every address. The answers are held against the description.
"""


Row = tuple[int, str, str, str]
"""promise, proof, figure, date"""
_ROW = re.compile(r"\| (.+?) \| `(.+?)` \| (.*) \| (\d{4}-\d\d-\d\d|) \|")


def told(lines: list[str]) -> list[Row]:
    """What those lines of JSON say."""
    found = [json.loads(line) for line in lines]
    return [(one["promise"], one["proof"], one["figure"], one.get("date", "")) for one in found]


def there(text: str) -> list[Row]:
    """What the page says as it stands."""
    numbers = {title: number for number, title in PROMISES.items()}
    return [(numbers[m[1]], m[2], m[3], m[4]) for line in text.splitlines() if (m := _ROW.match(line)) and m[1] in numbers]


def page(rows: list[Row]) -> str:
    """The page's text."""
    lines = [f"| {PROMISES[promise]} | `{proof}` | {figure} | {date} |" for promise, proof, figure, date in sorted(rows)]
    return INTRO + "\n".join(lines) + "\n" + END


def main(argv: list[str]) -> None:
    rows = told(Path(argv[-1]).read_text(encoding="utf-8").splitlines())
    if "--add" in argv:
        new = {row[:2] for row in rows}
        rows += [row for row in there(PAGE.read_text(encoding="utf-8")) if row[:2] not in new]
    PAGE.write_text(page(rows), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
