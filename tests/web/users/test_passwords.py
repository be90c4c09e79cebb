"""Passwords: what one must be; what is kept says how it was made; a name that nobody has takes as long."""

from __future__ import annotations

import importlib
import re
import time
import unicodedata

import pytest

from teiten.errors import UsageError
from teiten.web.users import passwords


@pytest.mark.parametrize(
    "text",
    ["", "short", "aaaaaaaaaaaaaaaa", "abababababababab", "mari", "marimarimari1", "x" * 300, "with\ncontrol chars",
     "zero\x00byte here", "correct horse battery staple"],
)  # fmt: skip
def test_what_will_not_do(text: str) -> None:
    with pytest.raises(UsageError) as found:
        passwords.check(text, "mari")
    assert not text or text not in str(found.value), "a message never repeats a password"


@pytest.mark.parametrize(
    "text", ["quiet lantern over", "ひらがなだけでもよいのです", "pass word 12 chars", "🦊🐻🐼🐨🐯 foxes and bears"]
)
def test_what_does(text: str) -> None:
    kept = passwords.hashed(passwords.check(text, "mari"))
    assert kept.startswith("$argon2id$v=19$") and text not in kept
    assert passwords.matches(kept, text) and not passwords.matches(kept, text + " ") and not passwords.matches(None, text)
    assert passwords.hashed(text) != kept, "a salt of its own"


def test_letters_however_they_are_composed() -> None:
    text = "パスワードがぎぐげご1"
    assert unicodedata.normalize("NFD", text) != text
    assert passwords.matches(passwords.hashed(text), unicodedata.normalize("NFD", text))


def test_what_is_no_hash_is_no_password() -> None:
    for kept in ("", "plain", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$", "$2b$12$" + "x" * 53):
        assert not passwords.matches(kept, "plain")


def test_the_usual_cost_is_that_of_rfc_9106() -> None:
    """The second recommended choice: 64 MiB, 3 passes, 4 lanes."""
    text = importlib.resources.files("teiten.web.users").joinpath("passwords.py").read_text()
    assert re.search(r'"time_cost": 3, "memory_cost": 64 << 10, "parallelism": 4', text)


def test_an_unknown_name_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", {"time_cost": 2, "memory_cost": 4096, "parallelism": 1})
    kept = passwords.hashed("quiet lantern over")
    passwords.matches(kept, "the first time makes what unknown names are held against")

    def least(of: str | None) -> float:
        out = []
        for _ in range(12):
            begun = time.thread_time()
            passwords.matches(of, "not the password")
            out.append(time.thread_time() - begun)
        return min(out)

    known, unknown = least(kept), least(None)
    assert 0.6 < known / unknown < 1.7, (known, unknown)


def test_another_cost_is_noticed() -> None:
    old = "$argon2id$v=19$m=32,t=1,p=1$c29tZXNhbHQ$" + "A" * 43
    assert passwords.outdated(old) and not passwords.outdated(passwords.hashed("quiet lantern over"))
