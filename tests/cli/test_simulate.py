"""teiten simulate as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from teiten import cli


def test_it_tells_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "try"
    assert cli.main(["simulate", "--days", "2", "--events", "500", "--out", str(out)]) == 0
    found = capsys.readouterr()
    assert found.out.split() == [str(out / "logs/router-2026-04.log")]
    assert f"the truth is in {out / 'truth'}" in found.err
    assert f"Next: teiten ingest --config {out / 'teiten.toml'} {out}" in found.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start", "soon"], "'soon' is no day"),
        (["--scenario", "telescope", "--prefix", "192.0.2.0/24"], "reserved network"),
        (["--scenario", "telescope", "--prefix", "mine"], "'mine' is no prefix"),
        (["--prefix", "44.0.0.0/24"], "'home' has no dark prefix"),
        (["--days", "0"], "0 days cannot be simulated"),
    ],
)
def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert cli.main(["simulate", "--out", str(tmp_path / "x"), *words]) == 2
    assert said in capsys.readouterr().err


def test_it_tells_of_captures_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "dark"
    words = ["--scenario", "telescope", "--days", "1", "--events", "2000", "--prefix", "44.11.38.0/28"]
    assert cli.main(["simulate", *words, "--out", str(out)]) == 0
    found = capsys.readouterr()
    assert found.out.split() == [str(out / "captures/telescope-2026-04-01.pcap")]
    assert "packets in 1 captures; the truth is in" in found.err
