"""Pages of a PDF in the making: text, shapes and charts at places, each tagged with what it is, links, bookmarks, metadata.

Points (1/72 inch) from the upper left corner of a page down. What is drawn belongs to an element of the document's structure
(ISO 32000-1, 14.8), or is an artifact that no reader is told of.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax.saxutils import escape

from teiten.report.figures import _text
from teiten.report.figures._canvas import WIDE
from teiten.report.pdf import _font, _svg
from teiten.report.pdf._write import Document, Name, Raw, Ref, number, text

WIDTH: Final = 595.276
HEIGHT: Final = 841.89
"""A4"""
MARGIN: Final = 48.0
FOOT: Final = 46.0
RIGHT: Final = WIDTH - MARGIN
ROOM: Final = RIGHT - MARGIN
INK: Final = "#1b1b1b"
MUTED: Final = "#5c5c5c"
RULE: Final = "#c9c9c6"
LINK: Final = "#0b57a4"
_INSIDE: Final = WIDE.margin
"""px of a chart that are its own margin"""
_BOLD: Final = 0.034
"""width of the line by which letters are thickened, in em: the font has one weight"""


@dataclass(eq=False)
class Element:
    """Something of the document's structure: P, H2, Table, Figure ...; its parts are elements and marked places of pages."""

    kind: str
    parent: Element | None = None
    alt: str = ""
    scope: str = ""
    parts: list[Element | tuple[int, int] | Ref] = field(default_factory=list)
    ref: Ref | None = None

    def add(self, kind: str, *, alt: str = "", scope: str = "") -> Element:
        """A new element under it."""
        found = Element(kind, self, alt, scope)
        self.parts.append(found)
        return found


@dataclass
class _Page:
    ref: Ref
    out: list[str] = field(default_factory=list)
    owners: list[Element] = field(default_factory=list)
    """by the number of a marked place, whose it is"""
    notes: list[Ref] = field(default_factory=list)
    forms: dict[str, Ref] = field(default_factory=dict)


@dataclass(frozen=True)
class _Link:
    page: int
    box: tuple[float, float, float, float]
    to: str
    said: str
    owner: Element


class Pages:
    """The pages. `y` is how far down the current one is filled."""

    def __init__(self, lang: str) -> None:
        self.doc = Document()
        self.font = _font.load()
        self.lang = lang
        self.root = Element("Document")
        self.y = 0.0
        self._pages: list[_Page] = []
        self._used: dict[int, str] = {}
        self._fonts = self.doc.reserve()
        self._links: list[_Link] = []
        self._places: dict[str, tuple[int, float]] = {}
        self._bookmarks: list[tuple[str, int, float]] = []
        self.turn()

    # -- pages -------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> int:
        """The number of the current page, from 0."""
        return len(self._pages) - 1

    def turn(self) -> None:
        """Begins a new page."""
        self._pages.append(_Page(self.doc.reserve()))
        self.y = MARGIN

    @property
    def left(self) -> float:
        """How much room there is below."""
        return HEIGHT - FOOT - self.y

    def need(self, high: float) -> bool:
        """A new page where the current one has not so much room. Returns whether it came to that."""
        if high > self.left and self.y > MARGIN + 1:
            self.turn()
            return True
        return False

    def place(self, name: str) -> None:
        """Links to #name lead here."""
        self._places.setdefault(name, (self.page, self.y))

    def bookmark(self, title: str) -> None:
        self._bookmarks.append((title, self.page, self.y))

    # -- drawing -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def marked(self, owner: Element | None, page: int | None = None) -> Iterator[None]:
        """What is drawn inside belongs to that element; to none: it is an artifact."""
        at = self._pages[self.page if page is None else page]
        if owner is None:
            at.out.append("/Artifact BMC")
        else:
            owner.parts.append((self._pages.index(at), len(at.owners)))
            at.out.append(f"/{owner.kind} <</MCID {len(at.owners)}>> BDC")
            at.owners.append(owner)
        yield
        at.out.append("EMC")

    def text(
        self, x: float, y: float, said: str, size: float, *, fill: str = INK, bold: bool = False, page: int | None = None
    ) -> None:
        """One line, its baseline at y."""
        if not said:
            return
        rim = f"2 Tr {_svg.colour(fill, 'RG')} {number(size * _BOLD)} w" if bold else "0 Tr"
        at = f"1 0 0 1 {number(x)} {number(HEIGHT - y)} Tm"
        told = f"BT /F {number(size)} Tf {rim} {_svg.colour(fill, 'rg')} {at} {self.shown(said)} Tj ET"
        self._pages[self.page if page is None else page].out.append(told)

    def line(self, x1: float, y: float, x2: float, *, stroke: str = RULE, width: float = 0.6) -> None:
        colour = _svg.colour(stroke, "RG")
        at = number(HEIGHT - y)
        self._pages[-1].out.append(f"q {colour} {number(width)} w {number(x1)} {at} m {number(x2)} {at} l S Q")

    def shown(self, said: str) -> str:
        """The text as the operand of Tj; its letters are kept in mind for the font."""
        out = []
        for char in said:
            cid = self.font.cid(char)
            self._used.setdefault(cid, char if ord(char) in self.font.cids else _font.SUBSTITUTE)
            out.append(f"{cid:04X}")
        return f"<{''.join(out)}>"

    def chart(self, svg: str, owner: Element, highest: float) -> None:
        """A chart whose content is as wide as the text, or narrower where it would be too high; moves `y`."""
        drawn = _svg.convert(svg, lambda said, size: (self.shown(said), _text.width(said, size)))
        scale = min(chart_scale(drawn.width), highest / drawn.height)
        patterns = {name: self._hatch(hatch) for name, hatch in drawn.patterns.items()}
        form = self.doc.stream(
            drawn.content.encode("latin-1"),
            {
                "Type": Name("XObject"), "Subtype": Name("Form"), "BBox": [0, 0, drawn.width, drawn.height],
                "Matrix": [1, 0, 0, -1, 0, drawn.height],
                "Resources": {"Font": self._fonts, **({"Pattern": patterns} if patterns else {})},
            },
        )  # fmt: skip
        page = self._pages[-1]
        name = f"G{len(page.forms)}"
        page.forms[name] = form
        x, y = (WIDTH - drawn.width * scale) / 2, HEIGHT - self.y - drawn.height * scale
        with self.marked(owner):
            page.out.append(f"q {scale:.5f} 0 0 {scale:.5f} {number(x)} {number(y)} cm /{name} Do Q")
        self.y += drawn.height * scale

    def _hatch(self, hatch: _svg.Hatch) -> Ref:
        turn = [math.cos(hatch.turned), math.sin(hatch.turned), -math.sin(hatch.turned), math.cos(hatch.turned)]
        return self.doc.stream(
            hatch.content.encode("latin-1"),
            {
                "Type": Name("Pattern"), "PatternType": 1, "PaintType": 1, "TilingType": 1,
                "BBox": [0, 0, hatch.width, hatch.height], "XStep": hatch.width, "YStep": hatch.height,
                "Matrix": [Raw(" ".join(f"{v:.5f}" for v in turn)), 0, 0], "Resources": {},
            },
        )  # fmt: skip

    def link(self, x: float, y: float, wide: float, size: float, to: str, said: str, owner: Element) -> None:
        """What stands there leads to `to`: an address, or `#place` of the document."""
        box = (x, HEIGHT - y - size * 0.22, x + wide, HEIGHT - y + size * 0.85)
        self._links.append(_Link(self.page, box, to, said, owner))

    # -- the whole ---------------------------------------------------------------------------------------------------

    def finish(self, title: str, subject: str, author: str, made: dt.datetime | None, program: str) -> bytes:
        """The file. Every page says its number."""
        for at in range(len(self._pages)):
            said = f"{at + 1} / {len(self._pages)}"
            with self.marked(None, at):
                short = _text.fit(title, 8, ROOM - 60)
                self.text(MARGIN, HEIGHT - 24, short, 8, fill=MUTED, page=at)
                self.text(RIGHT - _text.width(said, 8), HEIGHT - 24, said, 8, fill=MUTED, page=at)
        annotations = self._annotate()
        tree = self._structure(annotations)
        parent = self.doc.reserve()
        for at, page in enumerate(self._pages):
            content = self.doc.stream("\n".join(page.out).encode("latin-1"))
            self.doc.put(
                {
                    "Type": Name("Page"), "Parent": parent, "MediaBox": [0, 0, WIDTH, HEIGHT], "Contents": content,
                    "Resources": {"Font": self._fonts, **({"XObject": page.forms} if page.forms else {})},
                    "StructParents": at, "Tabs": Name("S"), "Annots": page.notes or None,
                },
                page.ref,
            )  # fmt: skip
        self.doc.put({"Type": Name("Pages"), "Count": len(self._pages), "Kids": [p.ref for p in self._pages]}, parent)
        self._write_font()
        stamp = _date(made) if made else None
        info = {"Title": title, "Subject": subject or None, "Author": author or None, "Creator": program, "Producer": program}
        root = {
            "Type": Name("Catalog"), "Pages": parent, "Lang": self.lang, "MarkInfo": {"Marked": True},
            "StructTreeRoot": tree, "ViewerPreferences": {"DisplayDocTitle": True}, "Outlines": self._outlines(),
            "PageMode": Name("UseOutlines"),
            "Metadata": self.doc.stream(
                _xmp(title, subject, author, made, program, self.lang),
                {"Type": Name("Metadata"), "Subtype": Name("XML")},
                pack=False,
            ),
        }  # fmt: skip
        return self.doc.bytes(self.doc.put(root), self.doc.put({**info, "CreationDate": stamp, "ModDate": stamp}))

    def _annotate(self) -> list[tuple[Ref, Element]]:
        """The links as annotations of their pages, and whose each is; those that lead nowhere are left out."""
        out: list[tuple[Ref, Element]] = []
        for link in self._links:
            if link.to.startswith("#"):
                if link.to[1:] not in self._places:
                    continue
                page, y = self._places[link.to[1:]]
                where: dict[str, Any] = {"Dest": [self._pages[page].ref, Name("XYZ"), Raw("null"), HEIGHT - y + 6, Raw("null")]}
            else:
                where = {"A": {"S": Name("URI"), "URI": Raw(text(_ascii(link.to)))}}
            number_ = len(self._pages) + len(out)
            ref = self.doc.put(
                {
                    "Type": Name("Annot"), "Subtype": Name("Link"), "Rect": list(link.box), "Border": [0, 0, 0], "F": 4,
                    "StructParent": number_, "Contents": link.said, **where,
                }
            )  # fmt: skip
            self._pages[link.page].notes.append(ref)
            link.owner.parts.append(ref)
            out.append((ref, link.owner))
        return out

    def _structure(self, annotations: Sequence[tuple[Ref, Element]]) -> Ref:
        top = self.doc.reserve()
        waiting = [self.root]
        order = []
        while waiting:
            one = waiting.pop(0)
            one.ref = self.doc.reserve()
            order.append(one)
            waiting += [part for part in one.parts if isinstance(part, Element)]
        page_of = {ref.number: page for page in self._pages for ref in page.notes}
        for one in order:
            kids: list[Any] = []
            for part in one.parts:
                if isinstance(part, Element):
                    kids.append(part.ref)
                elif isinstance(part, Ref):
                    kids.append({"Type": Name("OBJR"), "Obj": part, "Pg": page_of[part.number].ref})
                else:
                    kids.append({"Type": Name("MCR"), "Pg": self._pages[part[0]].ref, "MCID": part[1]})
            self.doc.put(
                {
                    "Type": Name("StructElem"), "S": Name(one.kind), "P": one.parent.ref if one.parent else top, "K": kids,
                    "Alt": one.alt or None,
                    "A": {"O": Name("Table"), "Scope": Name(one.scope)} if one.scope else None,
                },
                one.ref,
            )  # fmt: skip
        numbers: list[Any] = []
        for at, page in enumerate(self._pages):
            numbers += [at, [owner.ref for owner in page.owners]]
        for n, (_, owner) in enumerate(annotations):
            numbers += [len(self._pages) + n, owner.ref]
        tree = self.doc.put({"Nums": numbers})
        nexts = len(self._pages) + len(annotations)
        return self.doc.put(
            {"Type": Name("StructTreeRoot"), "K": self.root.ref, "ParentTree": tree, "ParentTreeNextKey": nexts}, top
        )

    def _outlines(self) -> Ref:
        top = self.doc.reserve()
        refs = [self.doc.reserve() for _ in self._bookmarks]
        for n, (title, page, y) in enumerate(self._bookmarks):
            dest = [self._pages[page].ref, Name("XYZ"), Raw("null"), HEIGHT - y + 6, Raw("null")]
            entry = {"Title": title, "Parent": top, "Dest": dest}
            self.doc.put(
                {**entry, "Prev": refs[n - 1] if n else None, "Next": refs[n + 1] if n + 1 < len(refs) else None}, refs[n]
            )
        ends = {"First": refs[0], "Last": refs[-1]} if refs else {}
        return self.doc.put({"Type": Name("Outlines"), "Count": len(refs), **ends}, top)

    def _write_font(self) -> None:
        """The font with the glyphs that were used, how wide they run, and which characters they are."""
        name = Name("TEITEN+TeitenSans-Regular")
        used = dict(sorted(self._used.items()))
        program = self.doc.stream(self.font.subset(used), {"Subtype": Name("CIDFontType0C")})
        descriptor = self.doc.put(
            {
                "Type": Name("FontDescriptor"), "FontName": name, "Flags": 4, "FontBBox": list(self.font.box), "ItalicAngle": 0,
                "Ascent": 880, "Descent": -120, "CapHeight": 733, "StemV": 80, "FontFile3": program,
            }
        )  # fmt: skip
        widths = [value for cid, char in used.items() for value in (cid, [round(self.font.width(char) * 1000)])]
        below = self.doc.put(
            {
                "Type": Name("Font"), "Subtype": Name("CIDFontType0"), "BaseFont": name, "FontDescriptor": descriptor,
                "CIDSystemInfo": {"Registry": "Adobe", "Ordering": "Identity", "Supplement": 0}, "DW": 1000, "W": widths,
            }
        )  # fmt: skip
        font = self.doc.put(
            {
                "Type": Name("Font"), "Subtype": Name("Type0"), "BaseFont": name, "Encoding": Name("Identity-H"),
                "DescendantFonts": [below], "ToUnicode": self.doc.stream(_to_unicode(used)),
            }
        )  # fmt: skip
        self.doc.put({"F": font}, self._fonts)


def chart_scale(wide: float) -> float:
    """Points per px at which a chart's content is as wide as the text: its own margins lie in those of the page."""
    return ROOM / (wide - 2 * _INSIDE)


def _to_unicode(used: dict[int, str]) -> bytes:
    """Which characters the glyphs are, so that the text can be searched and read aloud."""
    lines = [f"<{cid:04X}> <{char.encode('utf-16-be').hex().upper()}>" for cid, char in used.items()]
    blocks = [lines[n : n + 100] for n in range(0, len(lines), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{body}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()


def _date(moment: dt.datetime) -> str:
    """D:20260501090000+09'00'"""
    offset = moment.strftime("%z") or "+0000"
    return f"D:{moment:%Y%m%d%H%M%S}{offset[:3]}'{offset[3:5]}'"


def _ascii(url: str) -> str:
    """An address as PDF takes it: seven bits."""
    from urllib import parse

    return parse.quote(url, safe="%/:?#[]@!$&'()*+,;=~-._")


def _xmp(title: str, subject: str, author: str, made: dt.datetime | None, program: str, lang: str) -> bytes:
    """The same metadata in XML (ISO 16684-1)."""

    def alternatives(name: str, said: str) -> str:
        return f'<dc:{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(said)}</rdf:li></rdf:Alt></dc:{name}>' if said else ""

    creator = f"<dc:creator><rdf:Seq><rdf:li>{escape(author)}</rdf:li></rdf:Seq></dc:creator>" if author else ""
    stamp = f"<xmp:CreateDate>{made.isoformat(timespec='seconds')}</xmp:CreateDate>" if made else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:pdf="http://ns.adobe.com/pdf/1.3/">'
        f"<dc:format>application/pdf</dc:format>{alternatives('title', title)}{alternatives('description', subject)}{creator}"
        f"<dc:language><rdf:Bag><rdf:li>{lang}</rdf:li></rdf:Bag></dc:language>{stamp}"
        f"<xmp:CreatorTool>{escape(program)}</xmp:CreatorTool><pdf:Producer>{escape(program)}</pdf:Producer>"
        '</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>\n'
    ).encode()
