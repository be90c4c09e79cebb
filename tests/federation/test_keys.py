"""A key is its owner's alone; a list of members is read strictly: nobody stands in it twice, or looks like another."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pytest

from teiten.errors import TeitenError, UsageError
from teiten.federation import keys

PUBLIC = [base64.b64encode(keys.Signer(bytes([n]) * 32).public).decode() for n in range(6)]


def test_a_key_is_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    made = keys.make(place=tmp_path)
    assert keys.make(place=tmp_path) == made == keys.own(tmp_path)
    path = tmp_path / "key"
    assert path.stat().st_mode & 0o077 == 0
    assert keys.verified(made.public, b"words", made.sign(b"words"))
    assert not keys.verified(made.public, b"other words", made.sign(b"words"))
    path.chmod(0o644)
    with pytest.raises(TeitenError, match="read by others"):
        keys.own(tmp_path)


def test_a_new_key_leaves_the_old_one_beside_it(tmp_path: Path) -> None:
    old = keys.make(place=tmp_path)
    new = keys.make(new=True, place=tmp_path)
    assert new != old and keys.own(tmp_path) == new
    assert (tmp_path / f"key.{old.id}").is_file()
    assert old.noise != new.noise and old.seed not in old.noise


@pytest.mark.parametrize(
    "content", [b"", b"teiten-federation-secret 1\n", b"x\n" + base64.b64encode(bytes(32)), b"\xff\xff\nAAAA"]
)
def test_what_is_no_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(TeitenError, match="key"):
        keys.own(tmp_path)


def listed(tmp_path: Path, text: str) -> keys.Members:
    path = tmp_path / "members.toml"
    path.write_text(text)
    return keys.members(path)


HEAD = 'federation = "friends"\nzone = "Asia/Tokyo"\n'


def member(name: str, key: int, more: str = "", of_key: str = "") -> str:
    return f'[[member]]\nname = "{name}"\n{more}\n[[member.key]]\npublic = "{PUBLIC[key]}"\n{of_key}\n'


def test_a_list_of_members(tmp_path: Path) -> None:
    dates = "from = 2026-10-01\nuntil = 2027-09-30\nrevoked = 2026-11-20"
    found = listed(tmp_path, HEAD + member("ume", 0, 'formerly = ["ume-home"]', dates) + member("take", 1))
    assert found.federation == "friends" and [one.names for one in found.members] == [("ume", "ume-home"), ("take",)]
    assert found.members[0].keys[0].revoked == dt.date(2026, 11, 20)
    owner = found.by_key(keys.key_id(base64.b64decode(PUBLIC[1])))
    assert owner is not None and owner[0].name == "take"
    assert found.by_key("0" * 16) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no zone"),
        ("x = [[[", "no TOML"),
        (HEAD, "lists no member"),
        (HEAD.replace("Asia/Tokyo", "Mars"), "zone"),
        (HEAD + "other = 1\n" + member("ume", 0), "knows no 'other'"),
        (HEAD + member("ume", 0) + member("ume", 1), "read as one|ume"),
        (HEAD + member("ume", 0) + member("take", 0), "same key"),
        (HEAD + member("home-01", 0) + member("home-ol", 1), "read as one"),
        (HEAD + member("rnori", 0) + member("mori", 1), "read as one"),
        (HEAD + member("ume", 0) + member("take", 1, 'formerly = ["ume"]'), "read as one"),
        (HEAD + member("Ume", 0), "small letters"),
        (HEAD + member("umé", 0), "small letters"),
        (HEAD + member("ｕｍｅ", 0), "small letters"),
        (HEAD + member("u\u043ce", 0), "small letters"),
        (HEAD + '[[member]]\nname = "ume"\n', "has no key"),
        (HEAD + '[[member]]\nname = "ume"\n[[member.key]]\npublic = "AAAA"\n', "32 bytes"),
        (HEAD + member("ume", 0, "", 'revoked = "soon"'), "must be a day"),
        (HEAD + member("ume", 0, 'formerly = "x"'), "list of names"),
        (HEAD + 'member = ["x"]', "must be a table"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    if text == HEAD + member("ume", 0) + member("ume", 1):
        # one name with two keys in two places is a member twice
        words = "twice"
    with pytest.raises(UsageError, match=words):
        listed(tmp_path, text)


def test_the_key_of_sketches(tmp_path: Path) -> None:
    path = tmp_path / "hosts.key"
    made = keys.make_hosts(path)
    assert keys.hosts_id(keys.hosts_key(path)) == made and path.stat().st_mode & 0o077 == 0
    with pytest.raises(TeitenError, match="there already"):
        keys.make_hosts(path)
    path.write_bytes(b"AAAA")
    with pytest.raises(TeitenError, match="3 bytes"):
        keys.hosts_key(path)
