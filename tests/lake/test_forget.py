"""An address is forgotten: nothing of it is on disk, the same log does not bring it back, a kill leaves all or none."""

from __future__ import annotations

import datetime as dt
import errno
import ipaddress
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dying import dying
from making import T0, batch, events

from teiten import intake
from teiten.engine import open_session
from teiten.errors import LakeError
from teiten.lake import Lake, _delta, history, verdict
from teiten.lake.forget import Wish
from teiten.settings import Settings

WHO = ipaddress.ip_network("203.0.113.77")
SETTINGS = Settings("UTC", "flag")
LINE = (
    "2026-04-01T00:{m:02d}:{s:02d}+00:00 r kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 "
    "TTL=50 ID={n} PROTO=TCP SPT=4000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def line(n: int) -> str:
    """Every third is of the address to forget."""
    return LINE.format(m=n // 60, s=n % 60, n=n, src="203.0.113.77" if n % 3 == 0 else f"203.0.113.{n % 60}")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 lines, one that cannot be read, and a last one without its end, all three kinds with the address in them."""
    path = tmp_path_factory.mktemp("forget") / "router.log"
    bad = line(3).replace("PROTO=TCP SPT=4000", "PROTO=TCP SPT=99999")
    path.write_text("".join(map(line, range(300))) + bad + line(303).rstrip("\n"))
    return path


def filled(folder: Path, log: Path) -> Lake:
    """A lake with that log in several batches, verdicts, notes."""
    lake = Lake.create(folder, "UTC")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEITEN_BATCH_EVENTS", "100")
        small = log.with_name("small.log")
        small.write_text("".join(map(line, range(120))))
        intake.ingest(lake, [str(small)], SETTINGS, judge=False)
        intake.ingest(lake, [str(log)], SETTINGS, judge=False)
    day = dt.date(2026, 4, 1)
    row = {**dict.fromkeys(verdict.GIVEN), "prefix_len": 32, "day": day, "scope": "all", "label": "port_scanner",
           "rule": "r", "confidence": 1.0}  # fmt: skip
    rows = [{**row, "src_ip": bytes((203, 0, 113, n))} for n in (1, 77)]
    rows += [{**row, "src_ip": bytes((203, 0, 113, 0)), "prefix_len": 24}]
    schema = {name: verdict.SCHEMA[name] for name in verdict.GIVEN}
    lake.replace_verdicts([day], "UTC", pl.DataFrame(rows, schema=schema, orient="row"))
    lake.add_note("note", text="somebody", src="203.0.113.77")
    lake.add_note("note", text="a neighbour of 203.0.113.77, port 203", src="203.0.113.78")
    lake.add_note("note", text="the prefix", src="203.0.113.0/24")
    return lake


def counted(lake: Lake) -> tuple[int, int, int, int]:
    """Events in all and of the address; verdicts; notes."""
    with open_session(lake, SETTINGS) as session:
        row = session.query("SELECT count(*) AS n, count(*) FILTER (WHERE src_ip = '203.0.113.77') AS own FROM events")[0]
    return row["n"], row["own"], lake.verdicts().height, lake.notes().height


BEFORE, AFTER = (301, 101, 3, 3), (200, 0, 2, 1)


def on_disk(lake: Lake) -> set[str]:
    """Files of the lake in which the address stands: as bytes in a column, or as text."""
    found = set()
    for file in lake.path.rglob("*"):
        if not file.is_file():
            continue
        data = file.read_bytes()
        if file.suffix == ".parquet":
            frame = pl.read_parquet(file)
            parts = [*frame.select(pl.selectors.binary()), *(c.cast(pl.Binary) for c in frame.select(pl.selectors.string()))]
            data += b"\n".join(v for column in parts for v in column.drop_nulls())
            # statistics in the footer
            data += bytes(file.read_bytes())
        if WHO[0].packed in data or b"203.0.113.77" in data:
            found.add(file.name)
    return found


def test_nothing_of_it_is_on_disk_and_the_same_log_does_not_bring_it_back(tmp_path: Path, log: Path) -> None:
    lake = filled(tmp_path / "lake", log)
    assert counted(lake) == BEFORE
    assert len(on_disk(lake)) > 3
    held = lake.look_for(WHO)
    assert (held.events, held.verdicts, held.notes, held.samples, len(held.files)) == (101, 1, 2, 2, 2)
    assert (held.first, held.last) == (T0, T0 + dt.timedelta(seconds=303))
    assert lake.forget(WHO) == held
    assert counted(lake) == AFTER
    assert on_disk(lake) == set()
    assert lake.forgotten() == 101
    assert lake.look_for(WHO).nothing and lake.forget(WHO).nothing
    # the same file, a copy of it under another name, a window of it, and the file grown with its last line completed
    copy = tmp_path / "copy.log"
    copy.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[40:]))
    grown = tmp_path / "grown.log"
    grown.write_text(log.read_text() + "\n" + line(304) + line(306))
    for path, new in ((log, 0), (copy, 0), (grown, 2)):
        assert intake.ingest(lake, [str(path)], SETTINGS, judge=False).total.events == new, path
    assert counted(lake)[:2] == (202, 1)  # line 306 is a new one of the address: it came in


def test_a_prefix_a_destination_and_what_quotes_them(lake: Lake) -> None:
    inner = [ipaddress.ip_address(a).packed for a in ("198.51.100.1", "2001:db8::5", "192.0.2.9")]
    rows = events([{"src_ip": a} for a in ("2001:db8::5", "2001:db8:1::5", "192.0.2.1", "192.0.2.2")])
    rows = rows.with_columns(
        pl.Series("inner_src_ip", [None, None, inner[0], None], dtype=pl.Binary),
        pl.Series("inner_dst_ip", [None, None, inner[1], inner[2]], dtype=pl.Binary),
    )
    with lake.writer() as writer:
        writer.commit(batch(4), rows)
    held = lake.forget(ipaddress.ip_network("2001:db8::/33"))
    assert (held.events, held.quoted) == (2, 1)
    with open_session(lake, SETTINGS) as session:
        sql = "SELECT src_ip, inner_src_ip AS s, inner_dst_ip AS d FROM events ORDER BY src_ip"
        assert session.query(sql) == [
            {"src_ip": "192.0.2.1", "s": "198.51.100.1", "d": None}, {"src_ip": "192.0.2.2", "s": None, "d": "192.0.2.9"},
        ]  # fmt: skip
    own = ipaddress.ip_network("198.51.100.1")
    assert lake.look_for(own).others == 2 and lake.look_for(own).events == 0
    held = lake.forget(own, destination=True)
    assert (held.events, held.quoted) == (2, 0)
    assert lake.live_files()[0] == []
    assert lake.batches(["forgotten"]).item() == 4


def test_who_reads_meanwhile_sees_the_old_state_or_is_told(tmp_path: Path, log: Path) -> None:
    lake = filled(tmp_path / "lake", log)
    with open_session(lake, SETTINGS) as session:
        lake.forget(WHO)
        with pytest.raises(LakeError, match="changed while it was asked"):
            session.query("SELECT count(*) AS n, sum(tcp_seq) FROM events WHERE ttl = 50")
    assert counted(lake) == AFTER


def test_readers_meanwhile_never_see_wrong_rows(lake: Lake) -> None:
    """Five sources are forgotten one after the other, while somebody asks: all of a source's 24 events, or none."""
    for part in range(3):
        rows = [{"src_ip": f"192.0.2.{n % 5}", "time": T0 + dt.timedelta(seconds=n)} for n in range(40 * part, 40 * part + 40)]
        with lake.writer() as writer:
            writer.commit(batch(40), events(rows))
    stop, seen, refused, wrong = threading.Event(), set(), 0, []

    def read() -> None:
        nonlocal refused
        while not stop.is_set():
            try:
                with open_session(lake, SETTINGS) as session:
                    found = session.query("SELECT src_ip, count(*) AS n FROM events GROUP BY ALL")
                seen.add(len(found))
                wrong.extend(row for row in found if row["n"] != 24)
            except LakeError as error:
                refused += 1
                wrong.extend([] if "Ask again" in str(error) else [error])

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(5):
        lake.forget(ipaddress.ip_network(f"192.0.2.{n}"))
    stop.set()
    reader.join()
    assert not wrong
    assert len(seen) > 2 and counted(lake)[0] == 0


def test_a_full_disk_is_said_and_the_next_writer_completes_it(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = filled(tmp_path / "lake", log)
    real, written = _delta.write_parquet, []

    def full(*args: Any, **more: Any) -> Any:
        if len(written) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(*args, **more))
        return written[-1]

    with monkeypatch.context() as patch:
        patch.setattr(_delta, "write_parquet", full)
        with pytest.raises(LakeError, match="could not be written: No space") as caught:
            lake.forget(WHO)
        assert "Make room" in str(caught.value.hint)
    assert counted(lake) == BEFORE and lake.is_forgetting()
    with lake.writer():
        pass
    assert counted(lake) == AFTER and on_disk(lake) == set()
    assert not (lake.path / "events" / written[0].name).exists()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SRC=203.0.113.77 DST=", True), ("203.0.113.77", True), ("(203.0.113.77).", True), ("a 203.0.113.7 b", False),
        ("1203.0.113.77", False), ("203.0.113.777", False), ("src:203.0.113.77:23", True), (None, False), ("", False),
    ],
)  # fmt: skip
def test_names_in_text(text: str | None, named: bool) -> None:
    assert Wish(WHO).is_named(text) is named


@pytest.mark.parametrize("text", ["SRC=2001:0db8:0000:0000:0000:0000:0000:0005 ", "x 2001:DB8::5.", "src:2001:db8::5"])
def test_names_of_ipv6(text: str) -> None:
    assert Wish(ipaddress.ip_network("2001:db8::/64")).is_named(text)
    assert not Wish(ipaddress.ip_network("2001:db9::/64")).is_named(text)


def test_a_sealed_tail_is_known_again() -> None:
    for tail, line, wanted in (
        (b"abc", b"abc\n", (True, True)), (b"abc", b"abc\r\n", (True, True)), (b"abc", b"abcd\n", (False, True)),
        (b"abc", b"ab\n", (False, False)), (b"abc\r", b"abc\r\n", (True, True)), (b"abc", b"xbc\n", (False, False)),
    ):  # fmt: skip
        seal = history.sealed(tail, 5)
        assert b"abc" not in seal and history.sealed(seal, 5) == seal
        assert history.compare_tail(tail, line, 5) == wanted == history.compare_tail(seal, line, 5)
        assert history.compare_tail(seal, line, 6) == (False, False)


# kills --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=(pytest.mark.full, pytest.mark.faults))])
def test_dying_at_any_step_leaves_all_or_leads_to_nothing(tmp_path: Path, log: Path, stride: int) -> None:
    whole = filled(tmp_path / "whole", log).path
    die_at, untouched, ended = 0, 0, False
    while not ended:
        lake = Lake.open(shutil.copytree(whole, tmp_path / f"lake{die_at}"))
        with dying(die_at) as died:
            lake.forget(WHO)
        ended = not died
        between = counted(lake)
        begun = lake.is_forgetting() or between != BEFORE
        # who looks before it is completed sees each table as it was or as it is to be
        assert all(n in (b, a) for n, b, a in zip(between, BEFORE, AFTER, strict=True)), (die_at, between)
        with lake.writer():
            pass
        assert counted(lake) == (AFTER if begun else BEFORE), die_at
        assert not lake.is_forgetting()
        if begun:
            assert on_disk(lake) == set(), die_at
            assert lake.forgotten() == 101, die_at
        untouched += not begun
        shutil.rmtree(lake.path)
        die_at += stride
    assert untouched >= 1 and die_at > 25


def _kill_at_random(tmp_path: Path, log: Path, times: int) -> None:
    chance = random.Random(7)
    lake = filled(tmp_path / "lake", log)
    command = [sys.executable, "-m", "teiten", "forget", "203.0.113.77", "--yes", "--lake", str(lake.path), "--tz", "UTC"]
    begin = time.monotonic()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    took = time.monotonic() - begin
    for n in range(times):
        lake = filled(tmp_path / f"lake{n}", log)
        run = subprocess.Popen([*command[:6], str(lake.path), *command[7:]], stderr=subprocess.DEVNULL)
        try:
            run.wait(chance.uniform(0.4, 1.1) * took)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        begun = lake.is_forgetting() or counted(lake) != BEFORE
        assert intake.ingest(lake, [str(log)], SETTINGS, judge=False).total.events == 0
        assert counted(lake) == (AFTER if begun else BEFORE)
        assert not begun or on_disk(lake) == set()


@pytest.mark.full
def test_a_few_kills(tmp_path: Path, log: Path) -> None:
    _kill_at_random(tmp_path, log, 2)


@pytest.mark.full
@pytest.mark.faults
def test_many_kills(tmp_path: Path, log: Path) -> None:
    _kill_at_random(tmp_path, log, 40)


def test_log_entries_hold_no_addresses(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With checkpoints, which hold the statistics of every file."""
    monkeypatch.setattr(_delta, "CHECKPOINT_EVERY", 2)
    lake = filled(tmp_path / "lake", log)
    lake.forget(WHO)
    assert list(lake.path.glob("*/_delta_log/*.checkpoint.parquet"))
    assert on_disk(lake) == set()


def test_detections_that_name_it_go(lake: Lake) -> None:
    def row(place: int, **told: Any) -> dict[str, Any]:
        return {"day": T0.date(), "place": place, "id": f"{place:08x}", "parts": "[]", "reason": "{}", **told}

    rows = [
        row(0, parts='[{"what":"prefix","key":"203.0.113.77/32"}]'),
        row(1, reason='{"source":"203.0.113.77"}'),
        row(2, reason='{"source":"203.0.113.7"}'),
    ]
    frame = pl.DataFrame(rows, schema_overrides={"place": pl.Int64})
    lake.replace_changes("detections", {T0.date(): "[1]"}, "UTC", [frame], last_batch=1)
    assert lake.look_for(WHO).detections == 2
    lake.forget(WHO)
    assert lake.changes("detections", "UTC")["place"].to_list() == [2]
    assert lake.changes_state("detections", "UTC")["day"].to_list() == [T0.date()]
