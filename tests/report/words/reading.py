"""What a reader would stumble over in a text: marks left in, words said twice, the other language, numbers and counters, links.

faults(text, code)          of one paragraph, as text
page_faults(report)         of a whole report: these, sentences that stand twice, numbers without a way to their rows
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from teiten.report.model import Link, Paragraph, Point, Report
from teiten.report.words import plain

LEFT = r"[{}]|\b(None|nan|inf|NaT)\b|\b(tell|stories|overview|summary|rhythm)\.[a-z_]+"
"""fields that were not filled, and names of sentences in place of sentences"""
TWICE = {
    # とと: とともに; のの: もののうち
    "ja": r"がが|をを|にに|へへ|でで(?!き)|、、|。。|、。|。、|(?<!も)のの|(?<!こ)とと(?!も)"
    r"|へのスキャンへの|スキャンのスキャン|[^\d]発発|発の発",
    "en": r"(?i:\b(\w+) \1\b)|  | [,.;:]|,,|\.\.| \)|\( ",
}
OTHER = {"ja": r"\b(the|of|from|and|packets?|hosts?|scans?|usual|day)\b", "en": r"[぀-ヿ一-鿿、。]"}
ONE = {
    "ja": r"\b0(パケット|ホスト)は|約約|程度程度",
    "en": r"(?<![\d,.])1 (more )?(packets|hosts|ports|days|things|stretches|sensors)\b",
}
NAMES = (
    r"AS\d+(?: ?\([^)]*\))?|\d+(?:(?:, ?|・)\d+)*/(?:tcp|udp|sctp)|teiten explain [0-9a-f、, and]+"
    r"|\b(?:between )?\d{4,5} (?:and|to) \d{4,5}|\d+番|(19|20)\d\d年?"
)
"""what may have digits without being a number"""
LONG = r"(?<![\d,])\d{4,}(?![\d,])|\d\.\d{3,}"
"""numbers without marks between thousands, or with more digits than anybody reads"""


def faults(text: str, code: str) -> list[str]:
    """What is wrong in it, with the place; nothing where it reads well."""
    rest = re.sub(NAMES, "…", text)
    found = [(LEFT, text), (TWICE[code], rest), (OTHER[code], rest), (ONE[code], rest), (LONG, rest)]
    out = [f"{m.group(0)!r} in: {text}" for pattern, where in found for m in re.finditer(pattern, where)]
    if code == "en" and text[:1].islower():
        out.append(f"small letter: {text}")
    if not text.rstrip().endswith(("。", ".", ")", ":", "?")):
        out.append(f"no end: {text}")
    return out


def sentences(text: str, code: str) -> list[str]:
    """One by one."""
    return [s for s in re.split(r"(?<=。)" if code == "ja" else r"(?<=[.]) (?=[A-Z\d])", text) if s.strip()]


def paragraphs(report: Report) -> Iterator[tuple[str, Paragraph]]:
    """Of the parts that tell of changes: the beginning, the stories, the rhythm; with the section's id."""
    for section in report.sections:
        if section.id.startswith(("summary", "story-", "stories", "rhythm")):
            for one in section.findings:
                yield section.id, one
            for point in section.points:
                yield section.id, point.text if isinstance(point, Point) else point


def page_faults(report: Report, others: Sequence[str] = ()) -> list[str]:
    """What is wrong on the page. others: words that are not the program's, such as an operator's of a gap."""
    code, out = report.lang, []
    seen: Counter[str] = Counter()
    for where, one in paragraphs(report):
        text = plain(one)
        for words in others:
            text = text.replace(words, "…")
        if where == "summary" and not text.endswith(("。", ".", ":")):
            text += "。" if code == "ja" else "."  # a headline
        out += [f"{where}: {fault}" for fault in faults(text, code)]
        seen.update(sentences(text, code))
        numbers = re.search(r"\d", re.sub(NAMES, "", text))
        linked = not isinstance(one, str) and any(isinstance(piece, Link) for piece in one)
        if where.startswith("story-") and numbers and not linked:
            out.append(f"{where}: leads to no rows: {text}")
    for section in report.sections:
        for text in (section.title, *(block.figure.title for block in section.blocks if block.figure is not None)):
            out += [f"title of {section.id}: {fault}" for fault in faults(f"{text}{'。' if code == 'ja' else '.'}", code)]
        for table in (block.table for block in section.blocks if block.table is not None and section.id == "stories"):
            cells = [cell for row in table.rows for cell in row[:4]]
            out += [f"table: {fault}" for cell in cells for fault in faults(_cell(str(cell), code), code)]
    out += [f"said {n} times: {text}" for text, n in seen.items() if n > 1]
    return out


def _cell(text: str, code: str) -> str:
    """A table's cell as a sentence."""
    return text + "。" if code == "ja" else text[:1].upper() + text[1:] + "."
