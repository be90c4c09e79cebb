"""teiten federate from end to end: a key, a dry run that shows what goes, an export, a merge, a report."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from teiten.cli import main
from teiten.lake import Lake

LINE = (
    "{at}+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC=8.8.4.{n} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
    "PROTO=TCP SPT=40000 DPT=23 SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def test_from_a_log_to_a_report(
    tmp_path: Path, own_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    begin = dt.datetime(2026, 8, 3, 0, 10)
    Path("router.log").write_text(
        "".join(LINE.format(at=(begin + dt.timedelta(hours=h)).isoformat(), n=h % 99) for h in range(47))
    )
    Path("teiten.toml").write_text(
        'zone = "Asia/Tokyo"\nlanguage = "en"\nlake = "lake"\npdf = false\n'
        '[federation]\nname = "friends"\nmember = "ume"\n[sensor.home]\naddresses = 1\npaths = ["*.log"]\n'
    )
    assert main(["federate", "export"]) == 1 and "federate key" in capsys.readouterr().err
    assert main(["ingest", "router.log"]) == 0
    assert main(["federate", "key"]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith('[[member]]\nname = "ume"')
    assert main(["federate", "export", "--dry-run", "--today", "2026-08-20"]) == 0
    shown = capsys.readouterr()
    assert "2026-08-03\tport\t23/6\t24\t24" in shown.out and "would go" in shown.err
    assert not Path("teiten-outbox").exists()
    assert main(["federate", "export", "--today", "2026-08-20"]) == 0
    [sent] = Path("teiten-outbox").iterdir()
    # but for the time at which it was made, and so the signature, it is what was shown
    told = sent.read_text().split("\n")
    assert told[3:] == shown.out.split("\n")[3:]
    assert main(["federate", "export", "--today", "2026-08-20"]) == 0 and "Nothing is new" in capsys.readouterr().err
    store = Path("teiten-federation")
    store.mkdir()
    (store / "members.toml").write_text(f'federation = "friends"\nzone = "Asia/Tokyo"\n{listed}')
    assert main(["federate", "merge", str(sent)]) == 0
    Path("bad.teiten").write_bytes(sent.read_bytes()[:-5])
    assert main(["federate", "merge", "bad.teiten", str(sent)]) == 1
    said = capsys.readouterr().err
    evil = Path("a\x1b[2J\u202eb.teiten")
    evil.write_bytes(b"no contribution")
    assert main(["federate", "merge", str(evil)]) == 1
    shown = capsys.readouterr().err
    assert "\x1b" not in shown and "\u202e" not in shown and r"a\x1b[2J\u202eb.teiten is no contribution" in shown
    assert "bad.teiten is cut short" in said and "0 accepted, 1 known already, 1 refused" in said
    assert main(["federate", "report", "2026-08-03--2026-08-04", "--out", "out"]) == 0
    assert "23/tcp (Telnet)" in Path("out/report.md").read_text() and Path("out/charts/federation-ports.png").is_file()
    assert main(["federate", "report", "2026-08-03--2026-08-04", "--out", "out"]) == 0
    capsys.readouterr()
    assert main(["federate", "report", "2026-05", "--out", "new"]) == 1
    assert "No member told anything of 2026-05. What is here is of 2026-08-03 to 2026-08-04." in capsys.readouterr().err
    assert main(["federate", "report", "2026-13", "--out", "out"]) == 2
    assert main(["federate", "report", "2027-01", "--out", "new"]) == 1 and not Path("new").exists()
    assert Lake.open("lake").path.is_dir()


def test_wrong_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("teiten.toml").write_text('zone = "UTC"\n')
    assert main(["federate", "export"]) == 2 and "names no federation" in capsys.readouterr().err
    assert main(["federate", "merge", "x"]) == 2 and "no list of members" in capsys.readouterr().err
    assert main(["federate", "report", "2026-10"]) == 2
    assert main(["federate", "key", "--hosts", "hosts.key"]) == 0 and Path("hosts.key").is_file()
    assert main(["federate", "key", "--hosts", "hosts.key"]) == 1
    Path("teiten.toml").write_text('zone = "UTC"\n[federation]\nname = "Friends!"\n')
    assert main(["federate", "export"]) == 2
    assert "small letters" in capsys.readouterr().err
