"""What is wrong is said in the reader's language: every message that a page can raise has its words."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import teiten
from teiten import lang
from teiten.errors import LakeError, TeitenError, UsageError
from teiten.web import wrong

from .conftest import Client

ROOT = Path(teiten.__file__).parent
RAISING = (
    "engine/filters.py", "correcting.py", "web/app.py", "web/asked.py", "web/pool.py", "web/_patience.py", "web/asking.py",
    "web/pages/*.py", "web/users/routes.py",
    "web/users/passwords.py",
)  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Place and text of every message and advice of an error that those modules raise, with X for what is filled in."""
    for pattern in RAISING:
        for file in sorted(ROOT.glob(pattern)):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not str(getattr(node.func, "id", "")).endswith("Error"):
                    continue
                if getattr(node.func, "id", "") in ("ValueError", "TypeError", "AssertionError"):
                    continue
                for one in (*node.args[:1], *(word.value for word in node.keywords if word.arg == "hint")):
                    if (text := _text(one)) is not None:
                        yield f"{file.relative_to(ROOT)}:{node.lineno}", text


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return None


def test_every_message_has_its_words() -> None:
    found = list(texts())
    assert len(found) > 60
    missing = {f"{place}: {text}" for place, text in found if wrong.translated(text, "ja") is None}
    assert not missing, "write them into [web_wrong] of both languages"


def test_words_keep_their_fields() -> None:
    fields = {
        code: {
            key: {name for _, name, _, _ in string.Formatter().parse(str(text)) if name}
            for key, text in lang.entries(code).items()
            if key.startswith(wrong.TABLE)
        }
        for code in ("en", "ja")
    }
    assert set(fields["en"]) == set(fields["ja"])
    assert all(fields["ja"][key] <= names for key, names in fields["en"].items())


def test_fields_come_along() -> None:
    error = UsageError("'99999' is no port: ports go from 0 to 65535.", hint="Write 23, 23/tcp or 8000-8100/tcp.")
    title, sentences = wrong.said(error, "ja")
    assert "99999" in title and "ポート" in title and "23/tcp" in sentences[0]
    assert wrong.said(error, "en") == (error.message, [error.hint])


def test_what_has_no_words_is_shown_under_a_sentence() -> None:
    for error, words in ((LakeError("Odd.", hint="Do."), "レイク"), (TeitenError("Odd."), "処理")):
        title, sentences = wrong.said(error, "ja")
        assert words in title and any("Odd." in one for one in sentences)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/port/99999", "65535"),
        ("/country/Atlantis", "国・地域"),
        ("/source/1.2.3", "アドレス"),
        ("/ports?period=never", "期間"),
        ("/ports?from=1990-01-01&to=2030-01-01", "10年"),
        ("/events?after=1.2", "位置"),
        ("/event/x", "イベント"),
        ("/story/nothing", "動き"),
        ("/stories?state=odd", "state"),
        ("/nothing/here", "ページ"),
    ],
)
def test_pages_say_it_and_lead_back(client: Client, place: str, words: str) -> None:
    answer = client.get(f"{place}{'&' if '?' in place else '?'}lang=ja")
    assert answer.status in (400, 404) and words in answer.text
    title = answer.text.partition("<h1>")[2].partition("</h1>")[0]
    assert not title.isascii() and 'href="/?lang=ja"' in answer.text
