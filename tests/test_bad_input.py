"""Bad input, end to end: one clear sentence, the right exit code, nothing lost, nothing half-written, numbers that add up."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINE = (
    "Oct 22 05:{m:02d}:{s:02d} router kernel: DROP IN=ppp0 OUT= MAC= SRC=198.51.100.{a} DST=203.0.113.5 "
    "LEN=40 TOS=0x00 PREC=0x00 TTL=243 ID={n} PROTO=TCP SPT=40211 DPT=23 WINDOW=65535 RES=0x00 SYN URGP=0 \n"
)
YEAR = ("--tz", "Asia/Tokyo", "--year", "2019")


def lines(n: int) -> bytes:
    return "".join(LINE.format(m=i // 60 % 60, s=i % 60, a=i % 250 + 1, n=i % 65536) for i in range(n)).encode()


def teiten(
    *words: str | Path, cwd: Path, stdin: bytes | None = None, timeout: float = 240, **env: str
) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, "-m", "teiten", *map(str, words)],
        cwd=cwd,
        input=stdin or b"",
        capture_output=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "TZ": "UTC", "LANG": "C.UTF-8", **env},
    )
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())


def says(run: subprocess.CompletedProcess[str], code: int, *words: str) -> str:
    """One sentence of the command's own, that names these words; no traceback. Returns it."""
    told = [line for line in run.stderr.splitlines() if line.startswith("teiten ")]
    assert run.returncode == code, f"exit {run.returncode}: {run.stderr}"
    assert "Traceback" not in run.stderr, run.stderr
    assert len(told) == 1, run.stderr
    for word in words:
        assert word in told[0], f"{word!r} is not in: {told[0]}"
    return told[0]


ACCOUNT = re.compile(
    r"([\d,]+) lines = ([\d,]+) with events \+ ([\d,]+) rejected(?: \([^)]*\))? \+ ([\d,]+) ignored(?: \([^)]*\))?"
    r"(?: \+ ([\d,]+) had already)?; ([\d,]+) events"
)


def account(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """The run's accounting, which must add up: the last that was printed (the total, where there are several inputs)."""
    flat = re.sub(r"\(([^()]|\([^()]*\))*\)", "()", run.stderr)
    found = ACCOUNT.findall(flat)
    assert found, run.stderr
    numbers = [[int(n.replace(",", "") or 0) for n in match] for match in found]
    for total, made, rejected, ignored, had, _ in numbers:
        assert total == made + rejected + ignored + had, run.stderr
    return dict(zip(("lines", "made", "rejected", "ignored", "had", "events"), numbers[-1], strict=True))


def count(lake: Path, cwd: Path) -> int:
    run = teiten("sql", "--lake", lake, "--output", "json", "SELECT count(*) AS n FROM events", cwd=cwd)
    assert run.returncode == 0, run.stderr
    return int(json.loads(run.stdout)[0]["n"])


READING = [("decode",), ("ingest", "--lake", "lake"), ("report", "monthly", "--lake", "lake", "--from-log")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.log").write_bytes(lines(20))
    return tmp_path


# inputs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", READING, ids=lambda c: c[0])
def test_a_missing_file(command: tuple[str, ...], folder: Path) -> None:
    says(teiten(*command, "nowhere.log", cwd=folder), 1, "nowhere.log")


@pytest.mark.parametrize("command", READING[:2], ids=lambda c: c[0])
def test_a_missing_file_among_good_ones_stores_nothing_half(command: tuple[str, ...], folder: Path) -> None:
    says(teiten(*command, *YEAR, "good.log", "nowhere.log", cwd=folder), 1, "nowhere.log")
    if command[0] == "ingest":
        again = teiten(*command, *YEAR, "good.log", cwd=folder)
        assert again.returncode == 0
        assert count(folder / "lake", folder) == 20


@pytest.mark.parametrize("command", READING, ids=lambda c: c[0])
def test_a_folder_without_logs(command: tuple[str, ...], folder: Path) -> None:
    empty = folder / "photos"
    empty.mkdir()
    (empty / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(3000))
    (empty / "letter.txt").write_text("Dear Sir,\nthis is no log.\n")
    says(teiten(*command, "photos", cwd=folder), 1, "photos")


@pytest.mark.parametrize("command", READING, ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("program", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40, "program"),
        ("history.db", b"SQLite format 3\0" + bytes(range(256)) * 4, "SQLite"),
        ("noise.log", bytes(range(256)) * 400, "noise.log"),
        ("unknown.pcap", b"\xde\xad\xbe\xef" + bytes(100), "de ad be ef"),
    ],
)
def test_a_binary_file(command: tuple[str, ...], name: str, content: bytes, word: str, folder: Path) -> None:
    (folder / name).write_bytes(content)
    says(teiten(*command, name, cwd=folder), 1, name, word)


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    """Even for root: a link that leads to itself, and memory that nobody may read."""
    (folder / "loop.log").symlink_to("loop.log")
    says(teiten("decode", "loop.log", cwd=folder), 1, "loop.log")
    if Path("/proc/self/mem").exists():
        says(teiten("decode", "/proc/self/mem", cwd=folder), 1, "/proc/self/mem")
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        (folder / "good.log").chmod(0)
        says(teiten("decode", "good.log", cwd=folder), 1, "good.log", "permission")


def test_an_empty_file_is_no_failure(folder: Path) -> None:
    (folder / "empty.log").touch()
    run = teiten("decode", *YEAR, "good.log", "empty.log", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 20


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(gzip.compress, id="gz"),
        pytest.param(bz2.compress, id="bz2", marks=pytest.mark.full),
        pytest.param(lzma.compress, id="xz", marks=pytest.mark.full),
    ],
)
def test_a_truncated_archive_keeps_what_came_before(pack: object, folder: Path) -> None:
    whole = pack(lines(30_000))  # type: ignore[operator]
    (folder / "cut.log").write_bytes(whole[: len(whole) * 2 // 3])
    for command in (("decode",), ("ingest", "--lake", "lake")):
        run = teiten(*command, *YEAR, "cut.log", cwd=folder)
        assert run.returncode == 0, run.stderr
        assert "Traceback" not in run.stderr
        assert re.search(r"cut\.log (is cut off|is broken)", run.stderr), run.stderr
        told = account(run)
        assert 0 < told["events"] < 30_000
    # what was cut off arrives later under the same name: the rest is added, once
    (folder / "cut.log").write_bytes(whole)
    assert teiten("ingest", "--lake", "lake", *YEAR, "cut.log", cwd=folder).returncode == 0
    assert count(folder / "lake", folder) == 30_000


def test_a_bomb_is_refused_and_a_setting_allows_it(folder: Path) -> None:
    """72 MB of dull lines from some 200 kB."""
    dull = (b"." * 1023 + b"\n") * 1024
    with gzip.open(folder / "bomb.log.gz", "wb", 9) as out:
        out.write(lines(5))
        for _ in range(72):
            out.write(dull)
        out.write(lines(5))
    says(teiten("decode", *YEAR, "bomb.log.gz", cwd=folder), 1, "bomb.log.gz", "max_ratio", "teiten.toml")
    says(teiten("ingest", "--lake", "lake", *YEAR, "bomb.log.gz", cwd=folder), 1, "bomb.log.gz", "max_ratio")
    (folder / "teiten.toml").write_text("[reading]\nmax_ratio = 100000\n")
    told = account(teiten("decode", *YEAR, "bomb.log.gz", cwd=folder))
    assert told == {"lines": 72 * 1024 + 10, "made": 10, "rejected": 0, "ignored": 72 * 1024, "had": 0, "events": 10}


def test_an_unknown_format(folder: Path) -> None:
    says(teiten("decode", "--format", "nonsense", "good.log", cwd=folder), 2, "nonsense", "netfilter")


def test_hostile_bytes_are_counted_and_the_numbers_add_up(folder: Path) -> None:
    """Cut at both ends, NULs, invalid UTF-8, two lines run together, no line end: every line in one of three."""
    good = lines(6).splitlines(keepends=True)
    (folder / "mixed.log").write_bytes(
        b"".join(
            [
                good[0], good[1][60:], good[2][:90] + b"\n", b"\0\0\0" + good[3], b"\xff\xfe\xff\n", b"\n", b"\r\n",
                good[4].rstrip() + good[5], b"Oct 22 05:12:31 router dnsmasq[412]: query[A] example.com\n",
                b"Oct 22 05:12:31 router kernel: DROP IN=ppp0 OUT= MAC= SRC=999.1.1.1 DST=1.2.3.4 LEN=40 PROTO=TCP\n",
                lines(1).rstrip(),
            ]
        )
    )  # fmt: skip
    for command in (("decode",), ("ingest", "--lake", "lake")):
        run = teiten(*command, *YEAR, "--rejected", f"rejected-{command[0]}", "mixed.log", cwd=folder)
        assert run.returncode == 0, run.stderr
        told = account(run)
        assert told["lines"] == 11
        assert told["rejected"] >= 2
        assert told["events"] >= 4
        kept = (folder / f"rejected-{command[0]}").read_bytes().splitlines()
        assert len(kept) - told["rejected"] in (0, 1), "one line for each rejected one, and perhaps a head"
    assert count(folder / "lake", folder) == told["events"]


@pytest.mark.full
def test_a_line_of_a_gibibyte(folder: Path) -> None:
    """Never held whole: it is counted as rejected, the lines around it are events, memory stays under 512 MiB."""
    path = folder / "long.log"
    with path.open("wb") as out:
        out.write(lines(3))
        out.seek(1 << 30, os.SEEK_CUR)
        out.write(b"\n" + lines(3))
    for command in (["decode"], ["ingest", "--lake", str(folder / "lake")]):
        words = [sys.executable, "-m", "teiten", *command, *YEAR, str(path)]
        # a small parent: Linux counts a child's memory from its parent's on
        code = (
            "import os, sys, subprocess\n"
            "child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
            "_, status, usage = os.wait4(child.pid, 0)\n"
            "print('MEMORY', usage.ru_maxrss // 1024, os.waitstatus_to_exitcode(status), file=sys.stderr)\n"
        )
        run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=280, check=True)
        told = account(run)
        assert (told["lines"], told["made"], told["rejected"]) == (7, 6, 1), run.stderr
        memory, exit_code = map(int, run.stderr.split("MEMORY")[1].split())
        assert exit_code == 0
        assert memory < 512, f"{command[0]}: {memory} MiB"


# words ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("asked")
    (base / "good.log").write_bytes(lines(20))
    assert teiten("ingest", "--lake", "lake", *YEAR, "good.log", cwd=base).returncode == 0
    return base / "lake"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["decode", "--tz", "Asia/Atlantis", "good.log"], "Asia/Atlantis"),
        (["ingest", "--tz", "Mars", "good.log"], "Mars"),
        (["decode", "--year", "12", "good.log"], "12"),
        (["decode", "--columns", "time,colour", "good.log"], "colour"),
        (["decode", "--boot-time", "yesterday", "good.log"], "yesterday"),
        (["top", "ports", "--port", "70000"], "70000"),
        (["top", "ports", "--port", "telnet/xyz"], "telnet/xyz"),
        (["top", "ports", "--protocol", "quic"], "quic"),
        (["top", "ports", "--country", "Atlantis"], "Atlantis"),
        (["top", "ports", "--src", "300.1.1.1"], "300.1.1.1"),
        (["top", "ports", "--asn", "AS-1"], "AS-1"),
        (["top", "ports", "--action", "explode"], "explode"),
        (["top", "ports", "--from", "2019-13-01"], "2019-13-01"),
        (["top", "ports", "--period", "2019-99"], "2019-99"),
        (["top", "flavours"], "flavours"),
        (["report", "monthly", "2019-13"], "2019-13"),
        (["report", "daily", "2019-02-30"], "2019-02-30"),
        (["report", "monthly", "2019-10", "--country", "Atlantis"], "Atlantis"),
        (["sql", "SELEKT 1"], "SELEKT"),
        (["sql", "SELECT colour FROM events"], "colour"),
        (["simulate", "--scenario", "moon", "--out", "x"], "moon"),
        (["simulate", "--start", "sometime", "--out", "x"], "sometime"),
        (["geo", "lookup", "300.1.1.1"], "300.1.1.1"),
        (["bench", "nothing"], "nothing"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_an_unknown_word_is_wrong_usage(words: list[str], named: str, lake: Path) -> None:
    asks_a_lake = words[0] in ("top", "report", "sql")
    run = teiten(*words, *(["--lake", str(lake)] if asks_a_lake else []), cwd=lake.parent)
    says(run, 2, named)
    assert run.stdout == ""


@pytest.mark.parametrize("words", [["dance"], ["decode", "--colour"], ["report", "hourly"], ["decode"], ["top"]], ids=str)
def test_what_the_command_line_does_not_know(words: list[str], tmp_path: Path) -> None:
    run = teiten(*words, cwd=tmp_path)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert run.stderr.startswith(("usage: teiten", "teiten"))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("zone = 'Asia/Tokyo", "teiten.toml"),
        ("colour = 'red'", "colour"),
        ("zone = 'Mars'", "Mars"),
        ("language = 'fr'", "fr"),
        ("[reading]\nmax_lines = 3", "max_lines"),
        ("[sensor.home]\ncolour = 'red'", "colour"),
        ("[sensor.home]\nfrom = 'soon'", "from"),
        ("[reading]\nmax_line = 'many'", "max_line"),
        ("[reading]\nmax_ratio = 0", "max_ratio"),
        ("[sensor.home]\naddresses = 'many'", "addresses"),
        ("[thresholds]\ncolour = 3", "colour"),
        ("sensor = 3", "sensor"),
        ("lake = 3", "lake"),
    ],
)
def test_a_wrong_setting_is_named(content: str, named: str, folder: Path) -> None:
    (folder / "teiten.toml").write_text(content)
    says(teiten("ingest", *YEAR, "good.log", cwd=folder), 2, named)
    assert not (folder / "teiten-lake").exists()


def test_a_missing_configuration_is_named(folder: Path) -> None:
    says(teiten("decode", "--config", "no.toml", "good.log", cwd=folder), 2, "no.toml")


# lakes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["top", "ports"], ["sql", "SELECT 1"], ["report", "monthly", "2019-10"]], ids=lambda w: w[0])
def test_no_lake(words: list[str], tmp_path: Path) -> None:
    says(teiten(*words, "--lake", "nowhere", cwd=tmp_path), 1, "nowhere", "teiten ingest")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.png").touch()
    says(teiten(*words, "--lake", "other", cwd=tmp_path), 1, "other")


def test_a_folder_with_other_things_becomes_no_lake(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "letter.txt").write_text("Dear")
    says(teiten("ingest", "--lake", "mine", *YEAR, "good.log", cwd=folder), 1, "mine", "letter.txt")
    assert [p.name for p in (folder / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    "words", [["ingest", "good.log"], ["top", "ports"], ["sql", "SELECT 1"], ["report", "monthly", "2019-10"]]
)
def test_a_lake_of_a_newer_version(words: list[str], lake: Path, folder: Path) -> None:
    newer = folder / "newer"
    shutil.copytree(lake, newer)
    meta = newer / "lake.toml"
    meta.write_text(re.sub(r"schema_version = \d+", "schema_version = 99", meta.read_text()))
    before = sorted(p.name for p in newer.rglob("*"))
    says(teiten(*words, "--lake", "newer", cwd=folder), 1, "newer", "99")
    assert sorted(p.name for p in newer.rglob("*") if p.name != ".lock") == [n for n in before if n != ".lock"]


@pytest.fixture
def read_only(lake: Path, tmp_path: Path) -> Iterator[Path]:
    """The lake on a disk that is mounted for reading alone; root alone can make one."""
    own, place = tmp_path / "own", tmp_path / "ro"
    shutil.copytree(lake, own)
    place.mkdir()
    mounted = subprocess.run(["mount", "--bind", str(own), str(place)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("nothing can be mounted here")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=False)


@pytest.mark.root
@pytest.mark.full
def test_a_lake_on_a_read_only_disk_can_be_asked(read_only: Path, folder: Path) -> None:
    assert count(read_only, folder)
    run = teiten("report", "monthly", "2019-10", "--lake", read_only, "--out", "made", cwd=folder)
    assert run.returncode == 0 and (folder / "made" / "index.html").is_file(), run.stderr
    for words in (["ingest", *YEAR, "good.log"], ["lake", "compact"]):
        says(teiten(*words, "--lake", read_only, cwd=folder), 1, str(read_only), "Read-only", "can be asked")


@pytest.mark.parametrize("harm", ["lost", pytest.param("cut short", marks=pytest.mark.full)])
def test_a_lost_or_truncated_file_is_named_and_mended(harm: str, lake: Path, folder: Path) -> None:
    """From the first complaint to the rows being back, by what the messages say."""
    bad = folder / "bad"
    shutil.copytree(lake, bad)
    held, file = count(bad, folder), next((bad / "events").glob("*.parquet"))
    file.unlink() if harm == "lost" else os.truncate(file, 500)
    for words in (["top", "ports"], ["report", "monthly", "2019-10"])[: 1 if harm == "lost" else 2]:
        run = teiten(*words, "--lake", bad, cwd=folder)
        assert run.returncode == 1 and "Traceback" not in run.stderr
        assert file.name in run.stderr and "teiten lake mend" in run.stderr, run.stderr
    assert file.name in teiten("lake", "check", "--lake", bad, cwd=folder).stdout
    told = teiten("lake", "mend", "--lake", bad, cwd=folder)
    assert told.returncode == 0 and "ingest again" in told.stderr, told.stderr
    paths = re.findall(r"ingest again: (\S+) \(", told.stderr)
    assert count(bad, folder) < held
    assert teiten("ingest", "--lake", bad, *YEAR, *paths, cwd=folder).returncode == 0
    assert count(bad, folder) == held


@pytest.mark.full
def test_a_sensor_renamed_and_a_day_in_another_zone(folder: Path) -> None:
    """Neither is stored a second time; both say what to do, and that works."""
    assert teiten("ingest", "--lake", "lake", *YEAR, "good.log", cwd=folder).returncode == 0
    says(
        teiten("ingest", "--lake", "lake", *YEAR, "--sensor", "new", "good.log", cwd=folder),
        1, "good.log", "sensor home", "teiten lake take-out --lake lake --sensor home good.log",
    )  # fmt: skip
    run = teiten("ingest", "--lake", "lake", "--tz", "UTC", "--year", "2019", "good.log", cwd=folder)
    assert run.returncode == 0 and account(run)["had"] == 20
    assert "9 hours earlier" in run.stderr and "teiten lake take-out --lake lake good.log" in run.stderr
    assert teiten("lake", "take-out", "--lake", "lake", "good.log", cwd=folder).returncode == 0
    run = teiten("ingest", "--lake", "lake", "--tz", "UTC", "--year", "2019", "--sensor", "new", "good.log", cwd=folder)
    assert run.returncode == 0 and account(run)["events"] == 20
    assert count(folder / "lake", folder) == 20


def test_a_lake_that_is_a_file(folder: Path) -> None:
    says(teiten("ingest", "--lake", "good.log", *YEAR, "good.log", cwd=folder), 1, "good.log")


def test_a_place_that_cannot_be_written(folder: Path, lake: Path) -> None:
    says(teiten("decode", *YEAR, "--out", "no/such/folder/x.jsonl", "good.log", cwd=folder), 1, "no/such/folder")
    (folder / "taken").write_text("mine")
    run = teiten("report", "monthly", "2019-10", "--lake", lake, "--out", "taken", cwd=folder)
    says(run, 1, "taken")
    assert (folder / "taken").read_text() == "mine"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB; root alone can make one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=False)


@pytest.mark.root
@pytest.mark.faults
@pytest.mark.full
def test_a_full_disk_stores_a_batch_whole_or_not_at_all(small_disk: Path, folder: Path) -> None:
    """It fails with one sentence; what was stored can be read; with room made, the same command completes it exactly."""
    raw = b"".join(
        LINE.format(m=i // 60 % 60, s=i % 60, a=i % 250 + 1, n=i * 7919 % 65536)
        .replace("SPT=40211", f"SPT={i * 31 % 60000}")
        .encode()
        for i in range(400_000)
    )
    (folder / "big.log").write_bytes(raw)
    lake = small_disk / "lake"
    says(teiten("ingest", "--lake", lake, *YEAR, "big.log", cwd=folder), 1, str(lake), "room")
    if (lake / "lake.toml").exists():
        assert count(lake, folder) < 400_000
    assert subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=False).returncode == 0
    run = teiten("ingest", "--lake", lake, *YEAR, "big.log", cwd=folder)
    assert run.returncode == 0, run.stderr
    account(run)
    assert count(lake, folder) == 400_000
    # and nothing is left of the attempt that failed
    files = {p.name for p in (lake / "events").glob("*.parquet")}
    told = teiten("sql", "--lake", lake, "--output", "json", "SELECT sum(events) AS n FROM batches", cwd=folder)
    assert json.loads(told.stdout)[0]["n"] == 400_000
    assert not [name for name in files if name.endswith(".tmp")]


@pytest.mark.root
@pytest.mark.faults
def test_a_full_disk_leaves_no_half_output(small_disk: Path, folder: Path) -> None:
    (folder / "big.log").write_bytes(lines(100_000))
    says(teiten("decode", *YEAR, "--out", small_disk / "events.jsonl", "big.log", cwd=folder), 1, "events.jsonl")
    assert list(small_disk.iterdir()) == []
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            run = subprocess.run(
                [sys.executable, "-m", "teiten", "decode", *YEAR, "big.log"],
                cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
            )  # fmt: skip
        assert run.returncode == 1
        assert "Traceback" not in run.stderr
        assert "space" in run.stderr


# ends -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", ["jsonl", "json", "csv", "table", "parquet"])
def test_a_broken_pipe_ends_quietly(fmt: str, folder: Path) -> None:
    """`teiten decode ... | head -1`: what has been asked for was given."""
    (folder / "many.log").write_bytes(lines(60_000))
    with subprocess.Popen(
        [sys.executable, "-m", "teiten", "decode", *YEAR, "--output", fmt, "many.log"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as run:  # fmt: skip
        assert run.stdout and run.stderr
        assert run.stdout.read(10)
        run.stdout.close()
        errors = run.stderr.read().decode()
    assert run.returncode == 0, errors[-300:]
    assert "Traceback" not in errors and "Exception ignored" not in errors, errors
    assert not [line for line in errors.splitlines() if line.startswith("teiten ")], errors


def test_nothing_on_stdin_is_no_failure(folder: Path) -> None:
    run = teiten("decode", *YEAR, "-", cwd=folder, stdin=b"")
    assert "Traceback" not in run.stderr
    assert run.returncode in (0, 1)


def test_stopping_with_the_keyboard_is_quiet(folder: Path) -> None:
    fifo = folder / "endless.log"
    os.mkfifo(fifo)
    run = subprocess.Popen(
        [sys.executable, "-m", "teiten", "decode", *YEAR, str(fifo)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with fifo.open("wb") as pipe:
        pipe.write(lines(10))
        pipe.flush()
        time.sleep(3)
        run.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "Traceback" not in errors, errors
    assert "stopped" in errors
