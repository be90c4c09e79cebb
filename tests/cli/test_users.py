"""teiten users: what it writes, what it says, and that no password is ever an argument or shown."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from teiten.cli import main, parser
from teiten.web.users import passwords

LONG = "quiet lantern over"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(passwords, "COST", {"time_cost": 1, "memory_cost": 64, "parallelism": 1})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teiten-lake").mkdir()


def told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_users_life(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def rows(*words: str) -> list[dict[str, str]]:
        assert main(["users", *words, "--output", "json"]) == 0
        found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
        return found

    assert main(["users", "list"]) == 0 and "no users" in capsys.readouterr().err
    assert not (tmp_path / "teiten-lake.users").exists(), "looking makes nothing"
    told(monkeypatch, LONG + "\r\n")
    assert main(["users", "add", "mari", "--role", "administrator"]) == 0
    said = capsys.readouterr()
    assert "asks everybody" in said.err and LONG not in said.err + said.out
    told(monkeypatch, f"{LONG}\nsecond line\n")
    assert main(["users", "add", "ken"]) == 0
    capsys.readouterr()
    assert [(row["name"], row["role"]) for row in rows("list")] == [("ken", "viewer"), ("mari", "administrator")]
    assert main(["users", "role", "ken", "analyst"]) == 0
    assert main(["users", "role", "mari", "viewer"]) == 2
    assert "administrator" in capsys.readouterr().err
    told(monkeypatch, "another quiet lantern\n")
    assert main(["users", "password", "ken"]) == 0
    assert main(["users", "token", "ken", "--label", "graph", "--scope", "read", "--scope", "sql"]) == 0
    said = capsys.readouterr()
    text = said.out.strip()
    assert text.startswith("teiten_") and text not in said.err
    (one,) = rows("list", "--tokens")
    assert (one["user"], one["for"], one["scopes"], one["first_used"]) == ("ken", "graph", "read, sql", "")
    assert main(["users", "revoke", one["id"]]) == 0 and main(["users", "revoke", one["id"]]) == 2
    assert main(["users", "remove", "ken"]) == 0 and main(["users", "remove", "mari"]) == 0
    assert "last user" in capsys.readouterr().err
    log = rows("audit")
    assert [row["what"] for row in log] == [
        "user added", "user added", "role changed", "password changed", "token made", "token revoked", "user removed",
        "user removed",
    ]  # fmt: skip
    assert all(row["who"].endswith("(command)") for row in log)
    kept = "".join(path.read_text() for path in (tmp_path / "teiten-lake.users").iterdir())
    assert LONG not in kept and text not in kept and "second line" not in kept


def test_what_is_wrong_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(monkeypatch, "short\n")
    assert main(["users", "add", "mari"]) == 2 and "12 characters" in capsys.readouterr().err
    told(monkeypatch, "")
    assert main(["users", "add", "mari"]) == 2
    assert main(["users", "password", "nobody"]) == 2 and main(["users", "add", "Mari!"]) == 2
    assert main(["users", "add", "mari", "--lake", "nowhere"]) == 1 and "no lake" in capsys.readouterr().err
    assert main(["users", "audit", "-n", "0"]) == 2
    told(monkeypatch, LONG + "\n")
    assert main(["users", "add", "mari", "--role", "administrator"]) == 0
    (tmp_path / "teiten-lake.users" / "users.json").write_text("{")
    assert main(["users", "list"]) == 1 and "cannot be read" in capsys.readouterr().err


def test_no_password_is_an_argument() -> None:
    text = parser().format_help()
    subs = next(a for a in parser()._actions if hasattr(a, "choices") and a.choices and "users" in a.choices).choices["users"]  # type: ignore[index]
    actions = next(a for a in subs._actions if hasattr(a, "choices") and a.choices and "add" in a.choices).choices
    for name, sub in actions.items():
        assert not [a.dest for a in sub._actions if "password" in a.dest or "secret" in a.dest], name
    assert "users" in text


def test_at_a_terminal_it_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([LONG, LONG + "x", LONG, LONG])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert main(["users", "add", "mari"]) == 2 and "same way twice" in capsys.readouterr().err
    assert main(["users", "add", "mari"]) == 0
