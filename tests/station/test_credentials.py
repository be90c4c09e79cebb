"""Credentials: made, several at once, replaced, revoked; nothing in the file lets anybody in."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from teiten.errors import TeitenError, UsageError
from teiten.station import certificates
from teiten.station.credentials import Credentials, parts


def test_a_credential_from_its_making_to_its_end(tmp_path: Path) -> None:
    kept = Credentials(tmp_path / "here" / "credentials.json")
    one, text = kept.add("office-1.b", ("cellar",))
    name, secret = parts(text)
    assert name == "office-1.b" and len(secret) == 64
    found = kept.check(name, secret)
    assert found == one and found.may("office-1.b") and found.may("cellar") and found.may(None) and not found.may("home")
    assert secret not in kept.path.read_text() and kept.path.stat().st_mode & 0o777 == 0o600
    for wrong in (("home", secret), (name, secret[:-1]), (name, ""), ("", secret), ("", ""), (name, one.hash)):
        assert kept.check(*wrong) is None
    with pytest.raises(UsageError, match="rotate"):
        kept.add("office-1.b")

    # replaced: the old one for as long as was said
    fresh, fresh_text = kept.rotate(name, grace=100)
    assert fresh.also == ("cellar",)
    now = fresh.made
    assert kept.check(*parts(fresh_text), now + 1e6) == fresh
    assert kept.check(name, secret, now + 99) is not None and kept.check(name, secret, now + 101) is None

    # another process changes the file: the next question knows
    assert Credentials(kept.path).revoke(name, fresh.id) == 1
    assert kept.check(*parts(fresh_text)) is None and kept.check(name, secret) is not None
    assert kept.revoke(name) == 1 and kept.check(name, secret) is None
    for no in (lambda: kept.revoke(name), lambda: kept.rotate(name, 1), lambda: kept.add("../x"), lambda: kept.add("a", ("",))):
        with pytest.raises(UsageError):
            no()
    assert kept.add(name)[0].id not in (one.id, fresh.id)


@pytest.mark.parametrize("text", ["", ".", "home", "home.", ".abc", "a b.c", "../x.y", "ho\nme.x"])
def test_what_is_no_credential(text: str) -> None:
    assert parts(text) == ("", "")


def test_a_file_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    for text in ("", "[]", '{"credentials": [{"id": 1}]}', '{"credentials": 3}'):
        path.write_text(text)
        with pytest.raises(TeitenError, match="cannot be read"):
            Credentials(path).check("a", "b")


def test_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    texts: list[str] = []
    threads = [threading.Thread(target=lambda n=n: texts.append(Credentials(path).add(f"s{n}")[1])) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = Credentials(path)
    assert len(kept.all()) == 20 and all(kept.check(*parts(text)) for text in texts)


@pytest.mark.root
def test_what_root_makes_is_the_services(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    Credentials(tmp_path / "credentials.json").add("home")
    certificates.own(tmp_path / "tls", ["a"])
    made = [tmp_path / "credentials.json", tmp_path / "tls", *(tmp_path / "tls").iterdir()]
    assert {path.stat().st_uid for path in made} == {12345} and len(made) == 4
