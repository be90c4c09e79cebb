"""feed.xml: what RFC 4287 asks for is there, the newest comes first, and the same reports give the same feed."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teiten import lang
from teiten.errors import TeitenError
from teiten.report import feed, page
from teiten.report.model import Report, Section

ATOM = "{http://www.w3.org/2005/Atom}"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def lay(folder: Path, name: str, period: str, made: str, *, code: str = "ja", edition: int = 1, pdf: int = 0) -> Path:
    """A report's folder as far as a feed looks at it."""
    path = folder / name
    path.mkdir(parents=True)
    report = Report(code, f"観測 <{period}> & more", "s", f"{period} の「要約」", [Section("summary", "x")])
    (path / "index.html").write_text(page.page(report, lang.words(code), {}))
    table = {
        "manifest": 1,
        "report": {
            "kind": "monthly", "period": period, "zone": "Asia/Tokyo", "zone_from": "flag", "language": code, "filters": {},
            "notice": "",
        },
        "edition": {"number": edition, "made": made},
        "lake": {"id": "an-id", "last_batch": 1, "events": 1},
        "thresholds": {}, "notes": [], "files": {"report.pdf": {"sha256": "0", "size": pdf}} if pdf else {},
    }  # fmt: skip
    (path / "manifest.json").write_text(json.dumps(table))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay(tmp_path, "monthly-2026-04-ja", "2026-04", "2026-05-02T09:00:00+09:00")
    lay(tmp_path, "monthly 2026-05", "2026-05", "2026-06-02T09:00:00.123456+09:00", pdf=1234)
    lay(tmp_path, "monthly-2026-05-en", "2026-05", "2026-06-02T08:00:00+09:00", code="en")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "pictures").mkdir()
    return tmp_path


def read(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)


def text(found: ElementTree.Element, name: str) -> str:
    (one,) = found.findall(ATOM + name)
    return one.text or ""


@pytest.mark.parametrize("site", ["", "https://example.org/reports/"])
def test_what_the_standard_asks_for(folder: Path, site: str) -> None:
    """RFC 4287, 4.1: one id, title and updated of a feed and of every entry, an author, absolute ids, a summary where there
    is no content, RFC 3339 times, no two entries with one id, at most one alternate link of a type and language."""
    root = read(feed.atom(feed.entries(folder), "Reports <&>", "Example & Co", site))
    assert root.tag == f"{ATOM}feed"
    ids = []
    for one in (root, *root.findall(f"{ATOM}entry")):
        ids.append(text(one, "id"))
        assert uuid.UUID(ids[-1].removeprefix("urn:uuid:")) and text(one, "title")
        assert RFC3339.fullmatch(text(one, "updated"))
    assert len(set(ids)) == len(ids) == 4
    author = root.find(f"{ATOM}author")
    assert author is not None and text(author, "name") == "Example & Co"
    for entry in root.findall(f"{ATOM}entry"):
        assert text(entry, "summary") and RFC3339.fullmatch(text(entry, "published"))
        (alternate,) = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        assert alternate.get("href", "").startswith(site) and alternate.get("href", "").endswith("/index.html")
        assert " " not in alternate.get("href", "")
    own = [link.get("href") for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own == ([f"{site}feed.xml"] if site else [])


def test_the_newest_comes_first_and_says_what_it_is(folder: Path) -> None:
    found = feed.entries(folder)
    assert [(e.place, e.lang) for e in found] == [
        ("monthly%202026-05/", "ja"), ("monthly-2026-05-en/", "en"), ("monthly-2026-04-ja/", "ja"),
    ]  # fmt: skip
    assert found[0].title == "観測 <2026-05> & more" and found[0].summary == "2026-05 の「要約」"
    entry = read(feed.atom(found, "t", "a")).find(f"{ATOM}entry")
    assert entry is not None
    (pdf,) = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "enclosure"]
    assert (pdf.get("href"), pdf.get("length"), pdf.get("type")) == ("monthly%202026-05/report.pdf", "1234", "application/pdf")


def test_another_edition_is_the_same_entry(folder: Path) -> None:
    before = {e.place: e for e in feed.entries(folder)}
    name = "monthly-2026-04-ja"
    path = folder / name
    first = (path / "manifest.json").read_text()
    (path / "editions" / "1").mkdir(parents=True)
    (path / "editions" / "1" / "manifest.json").write_text(first)
    table = json.loads(first)
    table["edition"] = {"number": 2, "made": "2026-07-01T00:00:00+09:00"}
    (path / "manifest.json").write_text(json.dumps(table))
    now = {e.place: e for e in feed.entries(folder)}
    old, new = before[f"{name}/"], now[f"{name}/"]
    assert (new.id, new.published) == (old.id, old.updated)
    assert new.updated == dt.datetime.fromisoformat("2026-07-01T00:00:00+09:00")
    assert feed.entries(folder)[0] == new


def test_of_copies_of_one_report_the_newest_counts(folder: Path) -> None:
    lay(folder, "again", "2026-04", "2026-08-01T00:00:00+09:00")
    found = feed.entries(folder)
    assert [e.place for e in found] == ["again/", "monthly%202026-05/", "monthly-2026-05-en/"]


def test_the_same_reports_give_the_same_bytes(folder: Path) -> None:
    assert feed.atom(feed.entries(folder), "t", "a") == feed.atom(feed.entries(folder), "t", "a")


def test_nothing_to_tell_of(tmp_path: Path) -> None:
    with pytest.raises(TeitenError, match="holds no report"):
        feed.entries(tmp_path)
    (lay(tmp_path, "x", "2026-04", "2026-05-02T09:00:00+09:00") / "index.html").unlink()
    with pytest.raises(TeitenError, match=r"index\.html cannot be read"):
        feed.entries(tmp_path)
