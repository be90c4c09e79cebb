"""teiten demo: everything in one folder, twice without harm, and never over somebody's things."""

from __future__ import annotations

from pathlib import Path

import pytest

from teiten.cli import demo, main


def test_a_strangers_folder_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "other things" in capsys.readouterr().err
    assert main(["demo", "--out", str(tmp_path / "thesis.txt")]) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.full
def test_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A short household line, over what a run that was stopped had left."""
    monkeypatch.setattr(demo, "DAYS", 4)
    monkeypatch.setattr(demo, "LANGUAGES", ("ja",))
    out = tmp_path / "demo"
    (out / ".simulated.part").mkdir(parents=True)
    (out / ".simulated.part" / "half.log").write_text("cut o")
    assert main(["demo", "--out", str(out)]) == 0
    pages = [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]
    assert len(pages) == 2 and all(Path(p).is_file() for p in pages)
    assert sorted(p.name for p in out.iterdir()) == ["lake", "reports", "simulated"]
    for page in pages:
        text = Path(page).read_text(encoding="utf-8")
        assert "シミュレーション" in text
        assert str(tmp_path) not in text


@pytest.mark.full
def test_whole_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
        assert (tmp_path / "demo/reports/monthly-2026-05-ja/index.html").is_file()
    assert "had already" in capsys.readouterr().err
