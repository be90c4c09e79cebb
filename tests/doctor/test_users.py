"""Checks of the dashboard's users and of how it would listen: well, and each kind of trouble."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest

from teiten import doctor, settings
from teiten.doctor import Patient, Result, users
from teiten.web import serving
from teiten.web.users import passwords
from teiten.web.users.store import Store

LONG = "quiet lantern over"
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", {"time_cost": 1, "memory_cost": 64, "parallelism": 1})


def patient(folder: Path, serve: str = "") -> Patient:
    (folder / "teiten.toml").write_text(f'zone = "UTC"\nlake = "lake"\n{serve}')
    return Patient(settings.load(config=folder / "teiten.toml"), NOW)


def checked(p: Patient) -> list[Result]:
    found = users.check_users(p)
    assert found is not None
    return found


def test_users(tmp_path: Path) -> None:
    p = patient(tmp_path)
    assert users.check_users(p) is None, "without users there is nothing to look at"
    store = Store(tmp_path / "lake.users")
    store.add("ken", "viewer", LONG)
    assert [one.state for one in checked(p)] == ["look"] and "administrator" in checked(p)[0].seen
    store.add("ada", "administrator", LONG)
    store.token("ken", "x", ("read",), 1)
    (one,) = checked(p)
    assert one.state == "ok" and one.seen.startswith("2 users, 1 token;")
    p.now += dt.timedelta(days=2)
    assert "1 of them past its time" in checked(p)[0].seen
    store.folder.chmod(0o755)
    assert checked(p)[0].state == "look" and "chmod" in checked(p)[0].mend
    store.path.chmod(0o644)
    assert checked(p)[0].state == "wrong" and "nobody can log in" in checked(p)[0].seen


def test_dashboard(tmp_path: Path) -> None:
    def found(serve: str) -> Result | None:
        answer = users.check_dashboard(patient(tmp_path, f"[serve]\n{serve}"))
        return answer[0] if answer else None

    assert found("") is None
    assert (one := found('host = "0.0.0.0"')) and one.state == "wrong" and "no user" in one.seen
    assert (one := found("port = 80")) and one.state == "ok"
    Store(tmp_path / "lake.users").add("ada", "administrator", LONG)
    assert (one := found('host = "192.0.2.1"')) and "no TLS" in one.seen
    public = 'host = "192.0.2.1"\ncertificate = "teiten.pem"\nkey = "teiten.key"\n'
    assert (one := found(public)) and one.state == "wrong" and "cannot be used" in one.seen
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    line = serving.SELF_SIGNED.format(name="192.0.2.1", kind="IP")
    subprocess.run(line.split(), cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert (one := found(public)) and one.state == "ok" and "TLS" in one.seen
    (tmp_path / "teiten.key").chmod(0o644)
    assert (one := found(public)) and one.state == "look" and "chmod" in one.mend
    behind = 'behind = ["127.0.0.1"]\n[serve.identity]\nheader = "X-User"\nsecret_file = "s"\nroles = { "*" = "viewer" }\n'
    assert (one := found(behind)) and one.state == "wrong" and "cannot be read" in one.seen
    (tmp_path / "s").write_text("5" * 64)
    assert (one := found(behind)) and one.state == "ok"


def test_both_are_found() -> None:
    assert {"dashboard", "users"} <= set(doctor.checks())
