"""The file of users: whole or as before, its owner's alone, refused when it is not what it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from teiten.errors import UsageError
from teiten.web.users import store
from teiten.web.users.store import Known, Store, UsersError

LONG = "quiet lantern over"


@pytest.fixture
def own(tmp_path: Path) -> Store:
    made = Store(tmp_path / "lake.users")
    made.add("ada", "administrator", LONG)
    return made


def test_before_the_first_user_there_is_nothing(tmp_path: Path) -> None:
    made = Store(tmp_path / "lake.users")
    assert made.known() is None and not (tmp_path / "lake.users").exists()
    (tmp_path / "lake.users").mkdir()
    (tmp_path / "lake.users" / ".lock").touch()
    assert made.known() is None, "a first change that was cut short is none"


def test_it_is_its_owners_alone(own: Store) -> None:
    old = os.umask(0)
    try:
        own.add("ken", "viewer", LONG)
    finally:
        os.umask(old)
    assert stat.S_IMODE(own.path.stat().st_mode) == 0o600 and stat.S_IMODE(own.folder.stat().st_mode) == 0o700
    assert LONG not in own.path.read_text()
    assert sorted(path.name for path in own.folder.iterdir()) == [".lock", "users.json"], "nothing is left over"


@pytest.mark.parametrize("name", ["", "Mari", "a b", "-x", "x" * 65, "../etc", "a\n", "mari\u200b", "まり", "."])
def test_names(own: Store, name: str) -> None:
    with pytest.raises(UsageError):
        own.add(name, "viewer", LONG)


def test_what_cannot_be(own: Store) -> None:
    for wrong in (
        lambda: own.add("ada", "viewer", LONG),
        lambda: own.add("ken", "owner", LONG),
        lambda: own.add("ken", "viewer", "short"),
        lambda: own.role("nobody", "viewer"),
        lambda: own.remove("nobody"),
        lambda: own.password("nobody", LONG),
        lambda: own.role("ada", "viewer"),
        lambda: own.token("nobody", "x", ("read",), 1),
        lambda: own.token("ada", "x", (), 1),
        lambda: own.token("ada", "x", ("write",), 1),
        lambda: own.token("ada", "x", ("read",), 367),
        lambda: own.token("ada", "\x1b[31m", ("read",), 1),
        lambda: own.revoke("0" * 12),
    ):
        before = own.path.read_bytes()
        with pytest.raises(UsageError):
            wrong()
        assert own.path.read_bytes() == before
    own.add("ken", "viewer", LONG)
    with pytest.raises(UsageError, match="administrator"):
        own.remove("ada")


def test_what_is_damaged_is_refused(own: Store) -> None:
    own.add("ken", "viewer", LONG)
    own.token("ken", "x", ("read",), 1)
    whole = own.path.read_bytes()
    table = json.loads(whole)
    spoilt = [whole[:n] for n in range(0, len(whole) - 1, 37)]
    for change in (
        {"format": 2}, {"users": None}, {"users": [{**table["users"][0], "role": "root"}]}, {"users": table["users"] * 2},
        {"users": [{**table["users"][0], "hash": ""}]}, {"users": [{**table["users"][0], "more": 1}]},
        {"tokens": [{**table["tokens"][0], "scopes": ["all"]}]}, {"tokens": [{**table["tokens"][0], "hash": ""}]},
        {"users": [{**table["users"][0], "stamp": ""}]}, {"users": [{**table["users"][0], "name": "../x"}]},
    ):  # fmt: skip
        spoilt.append(json.dumps({**table, **change}).encode())
    for data in spoilt:
        own.path.write_bytes(data)
        with pytest.raises(UsersError):
            Store(own.folder).known()
        with pytest.raises(UsersError):
            own.add("eve", "administrator", LONG)
        assert own.path.read_bytes() == data, "it is not written over"


def test_a_file_of_others_is_refused(own: Store, tmp_path: Path) -> None:
    own.path.chmod(0o640)
    with pytest.raises(UsersError, match="Others"):
        Store(own.folder).known()
    own.path.chmod(0o600)
    moved = tmp_path / "elsewhere.json"
    own.path.rename(moved)
    (own.folder / "audit.jsonl").touch()
    with pytest.raises(UsersError, match="is not"):
        Store(own.folder).known()
    own.path.symlink_to(moved)
    with pytest.raises(UsersError):
        Store(own.folder).known()
    own.path.unlink()
    own.path.mkdir()
    with pytest.raises(UsersError):
        Store(own.folder).known()


def test_what_others_change_is_seen(own: Store) -> None:
    other = Store(own.folder)
    assert set(other.known().users) == {"ada"}  # type: ignore[union-attr]
    own.add("ken", "viewer", LONG)
    assert set(other.known().users) == {"ada", "ken"}  # type: ignore[union-attr]


def _adds(folder: Path, name: str) -> None:
    from teiten.web.users import passwords

    passwords.COST.update(time_cost=1, memory_cost=64, parallelism=1)
    Store(folder).add(name, "viewer", LONG)


def test_many_at_once_lose_nothing(own: Store) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.starmap(_adds, [(own.folder, f"user{n}") for n in range(12)])
    assert len(Store(own.folder).known().users) == 13  # type: ignore[union-attr]


def test_a_failed_write_leaves_what_was(own: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = own.path.read_bytes()
    for call in ("fsync", "replace"):
        with monkeypatch.context() as broken:

            def fails(*_: object) -> None:
                raise OSError(28, "No space left on device")

            broken.setattr(os if call == "fsync" else Path, call, fails)
            with pytest.raises(UsersError, match="No space"):
                own.add("ken", "viewer", LONG)
        assert own.path.read_bytes() == before and sorted(p.name for p in own.folder.iterdir()) == [".lock", "users.json"]


def test_tokens(own: Store) -> None:
    one, text = own.token("ada", "  weekly   graph ", ("sql", "read", "read"), 30)
    assert one.label == "weekly graph" and one.scopes == ("read", "sql") and text not in own.path.read_text()
    known = own.known() or Known()
    now = one.made + 1
    assert known.token(text, now) == one
    for wrong in (text[:-1], text + "x", text.replace(one.id, "0" * 12), "", "teiten__", text.upper(), f" {text}"):
        assert known.token(wrong, now) is None, wrong
    assert known.token(text, one.ends) is None
    own.used(one.id, now)
    own.used(one.id, now + 5)
    assert own.known().tokens[0].used == now  # type: ignore[union-attr]
    own.add("eve", "administrator", LONG)
    assert own.remove("ada") == 1 and own.known().token(text, now) is None  # type: ignore[union-attr]


def test_another_cost_keeps_logins(own: Store) -> None:
    before = own.known().users["ada"]  # type: ignore[union-attr]
    own.rehash("ada", before.stamp, LONG)
    after = own.known().users["ada"]  # type: ignore[union-attr]
    assert after.hash != before.hash and after.stamp == before.stamp
    own.rehash("ada", "another", "something else entirely")
    assert own.known().users["ada"] == after  # type: ignore[union-attr]


@pytest.mark.root
def test_what_root_makes_is_the_services(tmp_path: Path) -> None:
    """Root adds users of a station that runs as another user: that one must be able to read them, and root again."""
    from teiten.web.users.audit import Audit

    os.chown(tmp_path, 12345, 12345)
    made = Store(tmp_path / "lake.users")
    made.add("ada", "administrator", LONG)
    Audit(made.folder).tell("user added", "root")
    made.role("ada", "administrator")
    for path in (made.folder, *made.folder.iterdir()):
        assert path.stat().st_uid == 12345, path
    assert set((Store(made.folder).known() or Known()).users) == {"ada"}


def test_where_it_is(tmp_path: Path) -> None:
    from teiten import settings

    assert store.folder_of(settings.load(lake=tmp_path / "lake")) == tmp_path / "lake.users"
    (tmp_path / "teiten.toml").write_text('lake = "l"\n[serve]\nusers = "u"\n')
    assert store.folder_of(settings.load(config=tmp_path / "teiten.toml")) == tmp_path / "u"
