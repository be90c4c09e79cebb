"""The page is inert and complete: no script, no style of its own, nothing from elsewhere, every link leads to a file."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import lang, settings
from teiten.data import ports
from teiten.report import bundle, edition, markdown, page, rows
from teiten.report.answers import Answers
from teiten.report.model import Block, Column, Data, Fact, Footnote, Link, Point, Quote, Report, Section, Table

VOID = {"meta", "link", "br", "img", "hr"}
_TAGS = """html head meta title link body header h1 h2 h3 p nav ul ol li a main section dl dt dd div figure figcaption sup span
table caption thead tbody tr th td details summary pre svg desc defs pattern g rect line path text circle tspan polyline"""
KNOWN = set(_TAGS.split())


class Seen(HTMLParser):
    """Every tag and attribute of a page, and whether the tags close as they opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module", params=["ja", "en"])
def files(request: pytest.FixtureRequest, answers: dict[str, Answers], chosen: settings.Settings) -> dict[str, bytes]:
    report = edition.compose(answers["2019-10"], chosen, request.param, "teiten report monthly 2019-10")
    return bundle.render(report, lang.words(request.param), pictures=False)


def test_nothing_runs_and_nothing_comes_from_elsewhere(files: dict[str, bytes]) -> None:
    text = files["index.html"].decode()
    seen = Seen(text)
    policy = next(a["content"] for t, a in seen.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'") and "unsafe" not in policy
    for tag, attributes in seen.tags:
        assert tag in KNOWN, tag
        assert not [a for a in attributes if a.startswith("on") or a == "style" or a == "srcset"], (tag, attributes)
        if tag != "a":
            for name in ("src", "href", "xlink:href", "data", "action"):
                assert not re.match(r"(?:[a-z]+:|//)", attributes.get(name) or ""), (tag, attributes)
    assert "url(http" not in files["style.css"].decode() and "@import" not in files["style.css"].decode()
    assert "javascript:" not in text
    outside = {a["href"] for t, a in seen.tags if t == "a" and (a["href"] or "").startswith("http")}
    assert "https://db-ip.com" in outside
    # nothing else but what the table of ports names as its references
    assert outside - {"https://db-ip.com"} <= {reference.url for reference in ports.load().references.values()}


def test_every_link_leads_somewhere(files: dict[str, bytes]) -> None:
    seen = Seen(files["index.html"].decode())
    ids = [a["id"] for _, a in seen.tags if "id" in a]
    assert len(ids) == len(set(ids)), "ids are unique"
    for _, attributes in seen.tags:
        target = attributes.get("href") or ""
        if target.startswith("#"):
            assert target[1:] in ids, target
        elif target and not target.startswith("http") and not target.endswith(".png"):
            # the manifest is made when the folder is written
            assert target in files or target == "manifest.json", target
    for name in re.findall(r"url\(#([^)]+)\)", files["index.html"].decode()):
        assert name in ids
    for name in re.findall(r'aria-labelledby="([^"]+)"', files["index.html"].decode()):
        assert set(name.split()) <= set(ids)


def test_said_to_those_who_do_not_see(files: dict[str, bytes]) -> None:
    seen = Seen(files["index.html"].decode())
    assert seen.tags[0][1]["lang"] in lang.languages()
    charts = [a for t, a in seen.tags if t == "svg"]
    assert len(charts) >= 12 and all(a.get("role") == "img" and a.get("aria-labelledby") for a in charts)
    assert all(a.get("scope") == "col" for t, a in seen.tags if t == "th")
    levels = [int(t[1]) for t, _ in seen.tags if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    for picture in re.findall(r"!\[([^\]]*)\]\(", files["report.md"].decode()):
        assert picture.strip()


def test_charts_follow_light_and_dark(files: dict[str, bytes]) -> None:
    text, css = files["index.html"].decode(), files["style.css"].decode()
    used = set(re.findall(r"var\((--chart-[a-z-]+)\)", text))
    assert {"--chart-paper", "--chart-ink"} <= used
    for name in used:
        assert css.count(f"{name}:") == 2, name
    assert b"var(" not in files["charts/ports.svg"]


def a_report(text: str) -> Report:
    """A report with that text in every place where one can stand."""
    data = Data("a", ("a",), [(text,)], "SELECT 1")
    table = Table(text, (Column(text, "text"), Column(text)), [(text, text)], note=text)
    folded = Table(text, (Column(text),), [(text,)], folded=True)
    section = Section(
        "one",
        text,
        [text, ["a ", Link(text, text), text]],
        [text, Point([text, Footnote(text, text)], [[Link(text, "#a", text)], [Footnote(text)]])],
        [Fact(text, text, text)],
        [Block(data, None, table, text), Block(data, None, folded)],
        [text],
    )
    return Report("en", text, text, text, [section], text)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title></style><svg/onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "<!-- --><![CDATA[ x ]]>",
    "a\u202eb\x00c\nd",
    "data:text/html,<b>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    seen = Seen(page.page(a_report(text), lang.words("en"), {}))
    check(seen)
    assert "".join(seen.texts).count(text.replace("\x00", "\ufffd")) >= 10 or "\x00" in text


def check(seen: Seen) -> None:
    for tag, attributes in seen.tags:
        assert tag in KNOWN - {"svg"}
        assert not [a for a in attributes if a.startswith("on") or a in ("style", "src")]
        assert not re.match(r"\s*(javascript|data|vbscript):", attributes.get("href") or "", re.I)


@given(st.text(max_size=60))
def test_any_text_is_text(text: str) -> None:
    check(Seen(page.page(a_report(text), lang.words("en"), {})))


@given(st.text(max_size=60))
def test_any_text_stays_one_line_of_markdown(text: str) -> None:
    shown = markdown.escape(text)
    assert "\n" not in shown and "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]|]", shown)


def test_a_links_address_ends_nowhere_but_at_its_end() -> None:
    """Whatever is in an address, it is one: encoded whole, and what is encoded already is left alone."""
    told = markdown._link(Link("x", 'https://example.org/a_(b) <b>"c"%20d'))
    assert told == "[x](https://example.org/a_%28b%29%20%3Cb%3E%22c%22%20d)"


def test_every_colour_is_defined_for_light_and_dark(files: dict[str, bytes]) -> None:
    """A chart's paints are variables: the theme's, a thing's, and letters in a thing's colour; the style sheet has them all."""
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", files["index.html"].decode()))
    light, _, dark = files["style.css"].decode().partition("/* the charts' own colours */")[2].partition("@media")
    for sheet in (light, dark):
        assert used <= set(re.findall(r"(--[a-z0-9-]+): #[0-9a-f]{6};", sheet))
    assert {"--chart-ink", "--on-2961b1"} <= used
    assert "--on-2961b1: #2961b1;" in light, "a thing keeps its colour on light paper"


def test_csv_holds_no_formulas() -> None:
    cells = ["=1+1", "+1", "-cmd", "@x", "\tx", "\rx", "plain", "a,b", 'q"q']
    written = rows.csv_bytes(Data("a", ("x",), [(c,) for c in cells], "")).decode()
    assert "\n'=1+1\n'+1\n'-cmd\n'@x\n'\tx\n" in written
    numbers = rows.csv_bytes(Data("a", ("x", "y"), [(-5, None), (0.123456789, 7)], "")).decode()
    assert numbers == "x,y\n-5,\n0.123457,7\n"


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.text(max_size=20))
def test_quoted_lines_are_only_text(lines: list[str], caption: str) -> None:
    """On the page in a <pre>, in Markdown between fences that no line of theirs ends; the file holds all of them."""
    quote = Quote(caption, lines, "log", [*lines, "more"])
    report = Report("en", "T", "", "", [Section("a", "A", quotes=[quote])])
    seen = Seen(page.page(report, lang.words("en"), {}))
    check(seen)
    assert "pre" in {tag for tag, _ in seen.tags}
    told = markdown.markdown(report, lang.words("en"), (), {}).split("\n")
    fences = [n for n, line in enumerate(told) if re.fullmatch("`{3,}", line)]
    assert len(fences) == 2 + sum(bool(re.fullmatch("`{3,}", line)) for line in told[fences[0] + 1 : fences[-1]])
    assert told[fences[0]] == told[fences[-1]]
    assert told[fences[0]] not in told[fences[0] + 1 : fences[-1]]
    assert fences[-1] - fences[0] == 1 + len(lines)


def test_footnotes_are_numbered_over_the_report_and_stand_where_they_are_first_met() -> None:
    one, two = Footnote("one", "https://example.org/1"), Footnote("two")
    sections = [
        Section("a", "A", points=[Point(["first", one], [["under it", two]])]),
        Section("b", "B", [["again", one]], notes=[["and", Footnote("three")]]),
    ]
    report = Report("en", "T", "", "", sections)
    text = page.page(report, lang.words("en"), {})
    first, second = text.split('<section id="b">')
    assert re.findall(r">\*(\d)</a>", first) == ["1", "2"] and re.findall(r">\*(\d)</a>", second) == ["1", "3"]
    assert 'id="note-1"' in first and 'id="note-2"' in first and 'id="note-3"' in second and 'id="note-1"' not in second
    md = markdown.markdown(report, lang.words("en"), (), {})
    assert "- first\\*1\n    - under it\\*2\n" in md
    assert "\\*1: [one](https://example.org/1)" in md and "\\*2: two" in md and md.count("\\*1:") == 1


def test_control_characters_are_not_for_pages_or_tables() -> None:
    """A note with a terminal's escape sequences is harmless to who looks at the files with `cat`."""
    from teiten.report.model import Data
    from teiten.report.page import escape
    from teiten.report.rows import csv_bytes

    assert escape("a\x1b[31m<b>\x07\n") == "a[31m&lt;b&gt;\n"
    assert b"\x1b" not in csv_bytes(Data("x", ("text",), [("a\x1b[31mb",)], ""))
    assert csv_bytes(Data("x", ("text",), [("a\x1b[31mb",)], "")) == b"text\na\\x1b[31mb\n"
