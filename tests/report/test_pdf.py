"""report.pdf: sound as a file, tagged, linked, readable as text, the same twice, silent about sensors' addresses."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from teiten import lang
from teiten.publish import leaks
from teiten.report import bundle, figures, pdf
from teiten.report.model import Block, Column, Data, Fact, Footnote, Link, Point, Quote, Report, Section, Table
from teiten.report.pdf import _font, _svg

MADE = dt.datetime(2026, 7, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=9)))


class Read:
    """A PDF's objects, read by its list of places; no code of the writer's is used."""

    def __init__(self, data: bytes) -> None:
        start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
        assert data[start : start + 5] == b"xref\n" and data.endswith(b"%%EOF\n")
        lines = data[start:].split(b"\n")
        first, count = map(int, lines[1].split())
        assert first == 0 and lines[2] == b"0000000000 65535 f "
        self.objects: dict[int, bytes] = {}
        for n in range(1, count):
            assert len(lines[2 + n]) == 19, "an entry has twenty bytes with its end"
            at = int(lines[2 + n][:10])
            head = b"%d 0 obj\n" % n
            assert data[at : at + len(head)] == head
            self.objects[n] = data[at + len(head) : data.index(b"\nendobj\n", at)]
        self.trailer = data[data.rindex(b"trailer") :]
        for body in self.objects.values():
            for ref in re.findall(rb"(\d+) 0 R", body.split(b"\nstream\n")[0]):
                assert int(ref) in self.objects

    def of(self, kind: str) -> dict[int, bytes]:
        pattern = re.compile(rb"/Type /%s\b" % kind.encode())
        return {n: body for n, body in self.objects.items() if pattern.search(body.split(b"\nstream\n")[0])}

    def stream(self, number: int) -> bytes:
        head, body = self.objects[number].split(b"\nstream\n", 1)
        body = body.removesuffix(b"\nendstream")
        length = re.search(rb"/Length (\d+)", head)
        assert length is not None and int(length[1]) == len(body)
        return zlib.decompress(body) if b"/FlateDecode" in head else body

    def pages(self) -> list[bytes]:
        """The content of every page, in order."""
        (tree,) = self.of("Pages").values()
        kids = re.search(rb"/Kids \[([^\]]*)\]", tree)
        assert kids is not None
        out = []
        for ref in re.findall(rb"(\d+) 0 R", kids[1]):
            content = re.search(rb"/Contents (\d+) 0 R", self.objects[int(ref)])
            assert content is not None
            out.append(self.stream(int(content[1])))
        return out


def sample(code: str = "ja", said: str = "最も多いのは", cell: str = "23/tcp", rows: int = 3) -> Report:
    """A report with something of everything."""
    data = Data("ports", ("port", "packets"), [("23/tcp", 3)], "SELECT 1")
    columns = (Column("ポート", "text"), Column("パケット数"))
    table = Table("表の題", columns, [(cell, f"{n:,}") for n in range(rows)], "注", places=[f"row-{n}" for n in range(rows)])
    day = MADE.replace(hour=0)
    series = [figures.Series("23/tcp", "23/tcp", [1.0, 2.0, 3.0]), figures.Series("unknown", "不明", [1.0, 0.0, 1.0])]
    chart = figures.StackFigure(
        id="ports",
        title="図の題",
        alt="図の説明",
        times=[day + dt.timedelta(days=n) for n in range(3)],
        series=series,
        unit="パケット",
    )
    points: list[Point | str] = [Point(["1番目は", Link("23/tcp", "#row-1"), "です"], below=["その下"]), "2番目"]
    linked = [
        said,
        Link("出典", "https://example.org/あ?a=(b)"),
        Link("悪", "javascript:alert(1)"),
        Footnote("根拠", "https://example.org/"),
    ]
    sections = [
        Section("summary", "概況", [linked], points, [Fact("パケット数", "84,000", "先月比")], [Block(data, chart, table)]),
        Section("lines", "記録", quotes=[Quote("ログ", ["DROP IN=ppp0 " + "x" * 300])], notes=["小さな注"]),
    ]
    return Report(code, "観測 (2026年6月) \\", "副題", "要約", sections, "模擬データです", "第1版")


def written(report: Report) -> bytes:
    charts = {
        b.data.id: figures.draw(b.figure, width=860, lang=report.lang)
        for s in report.sections
        for b in s.blocks
        if b.figure is not None
    }
    return pdf.write(report, lang.words(report.lang), charts, made=MADE, author="Example CERT")


@pytest.fixture(scope="module")
def data() -> bytes:
    return written(sample())


def test_it_says_what_it_is(data: bytes) -> None:
    read = Read(data)
    (root,) = read.of("Catalog").values()
    for said in (b"/Lang (ja)", b"/MarkInfo << /Marked true >>", b"/DisplayDocTitle true", b"/StructTreeRoot", b"/Outlines"):
        assert said in root
    title = "観測 (2026年6月) \\".encode("utf-16-be").hex().upper().encode()
    info = next(body for body in read.objects.values() if b"/Creator (teiten" in body)
    assert title in info and b"(Example CERT)" in info and b"(D:20260701090000+09'00')" in info
    (metadata,) = read.of("Metadata")
    assert "観測 (2026年6月)" in read.stream(metadata).decode() and b"<dc:language>" in read.stream(metadata)
    assert all(b"/MediaBox [0 0 595.276 841.89]" in page for page in read.of("Page").values())
    assert not re.search(rb"/JavaScript|/JS\b|/Launch|/EmbeddedFile|/OpenAction", data)


def test_every_mark_belongs_to_an_element(data: bytes) -> None:
    """All that a page shows is in a tag, none inside another; each number is once in the tree, and the tree's list names it."""
    read = Read(data)
    marks = b"\n".join(body for body in read.of("StructElem").values())
    told = 0
    for content in read.pages():
        depth = 0
        for line in content.decode("latin-1").split("\n"):
            if line.endswith(("BDC", "BMC")):
                depth += 1
            elif line == "EMC":
                depth -= 1
            else:
                assert depth == 1, line
            assert depth in (0, 1)
        numbers = [int(n) for n in re.findall(rb"/MCID (\d+)>> BDC", content)]
        assert numbers == list(range(len(numbers)))
        told += len(numbers)
    assert marks.count(b"/MCID") == told
    (tree,) = read.of("StructTreeRoot").values()
    parents = read.objects[int(re.search(rb"/ParentTree (\d+) 0 R", tree)[1])]  # type: ignore[index]
    assert len(re.findall(rb"\d+ 0 R", parents)) == told + len(read.of("Annot"))


def test_pictures_have_words_and_heads_their_side(data: bytes) -> None:
    elements = Read(data).of("StructElem").values()
    kinds = [re.search(rb"/S /(\w+)", body)[1].decode() for body in elements]  # type: ignore[index]
    assert {
        "Document",
        "Sect",
        "H1",
        "H2",
        "P",
        "L",
        "LI",
        "LBody",
        "Figure",
        "Table",
        "TR",
        "TH",
        "TD",
        "Link",
        "Note",
    } <= set(kinds)
    (figure,) = [body for body in elements if b"/S /Figure" in body]
    assert "図の説明".encode("utf-16-be").hex().upper().encode() in figure
    assert all(b"/Scope /Column" in body for body in elements if b"/S /TH " in body)


def test_links_lead_there_and_nowhere_else(data: bytes) -> None:
    notes = list(Read(data).of("Annot").values())
    assert sum(b"/S /URI" in one for one in notes) == 2
    assert b"(https://example.org/%E3%81%82?a=\\(b\\))" in b"".join(notes)
    # two sections in the contents, a row, a footnote
    assert sum(b"/Dest [" in one for one in notes) == 4
    assert b"javascript" not in data


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs poppler's pdftotext")
def test_its_text_can_be_read(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(data)
    said = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "r.pdf", "-"], capture_output=True, text=True, check=True, timeout=60
    )
    assert not said.stderr
    for words in ("観測 (2026年6月)", "最も多いのは", "図の題", "表の題", "模擬データです", "*1", "根拠", "1 / 2", "84,000"):
        assert words in said.stdout
    assert said.stdout.count("図の題") == 1, "a halo is not read twice"


def test_a_folder_holds_it_where_it_is_wanted() -> None:
    words = lang.words("ja")
    there = bundle.render(sample(), words, pictures=False, paper=bundle.Paper(MADE, "Example CERT"))
    assert there["report.pdf"] == written(sample()) and b'<a href="report.pdf">' in there["index.html"]
    without = bundle.render(sample(), words, pictures=False)
    assert "report.pdf" not in without and b"report.pdf" not in without["index.html"]


def test_a_long_folded_table_is_named_and_not_printed() -> None:
    def told(rows: int) -> str:
        table = Table("日別の表", (Column("日", "text"),), [(f"{n}日目",) for n in range(rows)], folded=True)
        block = Block(Data("days", (), [], ""), table=table)
        read = Read(written(Report("ja", "t", "s", "d", [Section("s", "題", blocks=[block])])))
        letters = {cid: chr(point) for point, cid in _font.load().cids.items()}
        shown = re.findall(rb"<([0-9A-F]*)> Tj", b"\n".join(read.pages()))
        return "\n".join("".join(letters[int(s[n : n + 4], 16)] for n in range(0, len(s), 4)) for s in shown)

    assert "data/days.csv" in told(pdf.MANY + 1) and "3日目" not in told(pdf.MANY + 1)
    assert "data/days.csv" not in told(pdf.MANY) and "3日目" in told(pdf.MANY)


def test_a_long_table_goes_on_with_its_head() -> None:
    read = Read(written(sample(rows=150)))
    head = "".join(f"{_font.load().cid(c):04X}" for c in "パケット数").encode()
    assert sum(head in content for content in read.pages()) >= 4
    assert len(read.pages()) >= 4
    # the head once more is nothing to be read again
    assert sum(b"/S /TH " in body for body in read.of("StructElem").values()) == 2


def test_a_wide_table_stays_on_the_page() -> None:
    columns = (Column("国", "text"), *(Column(f"{n}時") for n in range(24)))
    table = Table("表", columns, [("中国" * 9, *["12,345"] * 24)] * 2)
    report = Report("ja", "t", "s", "d", [Section("s", "題", blocks=[Block(Data("x", (), [], ""), table=table)])])
    (content, *_) = Read(written(report)).pages()
    ends = []
    font = _font.load()
    widths = {cid: font.widths[point] for point, cid in font.cids.items()}
    for size, x, shown in re.findall(rb"/F ([\d.]+) Tf .*? 1 0 0 1 ([\d.]+) [\d.]+ Tm <([0-9A-F]*)>", content):
        wide = sum(widths[int(shown[n : n + 4], 16)] for n in range(0, len(shown), 4)) * float(size) / 1000
        ends.append(float(x) + wide)
    assert max(ends) <= 595.28 - 40


@given(st.text(max_size=400), st.text(max_size=60))
@hypothesis_settings(max_examples=10, deadline=None)
def test_any_text_is_only_text(said: str, cell: str) -> None:
    data = written(sample("en", said, cell))
    read = Read(data)
    assert len(read.of("Annot")) == 6 and read.pages()
    assert data == written(sample("en", said, cell))


@pytest.mark.parametrize("where", ["said", "cell", "title", "address", "chart"])
def test_an_address_of_a_sensor_is_found_in_it(where: str) -> None:
    from dataclasses import replace

    def made(secret: str) -> bytes:
        report = sample(said=f"届いた先は{secret}" if where == "said" else "x", cell=secret if where == "cell" else "x")
        if where == "title":
            report = replace(report, title=f"観測 {secret}")
        if where == "address":
            report = replace(report, sections=[Section("a", "a", [[Link("x", f"https://example.org/{secret}")]])])
        if where == "chart":
            (first, *others) = report.sections
            block = replace(first.blocks[0], figure=replace(first.blocks[0].figure, title=secret))
            report = replace(report, sections=[replace(first, blocks=[block]), *others])
        return written(report)

    secret = leaks.packed(["198.51.100.23"])
    assert leaks.find({"report.pdf": made("198.51.100.23")}, secret) == "report.pdf"
    assert leaks.find({"report.pdf": made("198.51.100.24")}, secret) is None


def test_the_font_keeps_what_is_used_and_empties_the_rest() -> None:
    font = _font.load()
    used = {font.cid(c) for c in "観測 abc123"}
    small = font.subset(used)
    assert len(small) == len(font.cff) and len(zlib.compress(small, 9)) < 60_000
    places = {0, *(font.places[cid] for cid in used)}
    glyphs = _font._index(font.cff, _font._top(font.cff)[17][0])[0]
    for place, (start, end) in enumerate(glyphs):
        kept = small[start:end] == font.cff[start:end]
        assert kept if place in places else small[start:end].rstrip(b"\0") == b"\x0e"
    # every character whose width is known has a glyph, and its own
    assert set(font.widths) <= set(font.cids) and font.cid("観") != font.cid("測")


def gallery() -> dict[str, Any]:
    """Every kind of chart that there is (tools/gallery.py, whose wholeness the charts' own tests see to)."""
    path = Path(__file__).parents[2] / "tools" / "gallery.py"
    spec = importlib.util.spec_from_file_location("gallery_for_pdf", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.FIGURES)


@pytest.mark.parametrize("name", sorted(gallery()))
def test_every_chart_of_ours_can_be_drawn(name: str) -> None:
    text = figures.draw(gallery()[name]("ja"), width=860)
    drawn = _svg.convert(text, lambda said, size: (f"<{said.encode().hex()}>", size * len(said)))
    assert drawn.content.count(" Tj ") == len(re.findall(r"<text[ >]", text)) - len(re.findall(r"<text[^>]*></text>", text))
    assert drawn.content.count("q ") >= len(re.findall(r"<rect[^>]*fill=\"#", text))
    assert len(drawn.patterns) == len(re.findall("<pattern", text))


def test_paths_say_the_same() -> None:
    assert _svg.path("M1 2L3 4H5V6Z") == "1 2 m 3 4 l 5 4 l 5 6 l h"
    assert _svg.path("m1 2 3 4l-1-1z") == "1 2 m 4 6 l 3 5 l h"
    assert _svg.path("M0 0C1 1 2 2 3 3") == "0 0 m 1 1 2 2 3 3 c"
    assert _svg.path("M0 0Q3 3 6 0") == "0 0 m 2 2 4 2 6 0 c"
    for wrong in ("M0 0A1 1 0 0 1 2 2", "M0 0 url(x)"):
        with pytest.raises(ValueError, match="no path of ours"):
            _svg.path(wrong)
    with pytest.raises(ValueError, match="no chart of ours"):
        _svg.convert('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><image/></svg>', lambda s, z: ("", 0.0))
