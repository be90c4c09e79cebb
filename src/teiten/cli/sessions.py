"""teiten sessions: how a source, or an organisation, scanned: ports in their order, gaps, what is new, masked log lines."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from teiten.cli import _common, _output, _question

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session as Asked
    from teiten.engine.filters import Filters
    from teiten.report.sections._sessions import Teller
    from teiten.sessions.compare import Compared
    from teiten.sessions.watch import Watch
    from teiten.settings import Settings

NAME = "sessions"
HELP = "how a source or an organisation scanned: ports in order, gaps, what is new, masked log lines"
EXAMPLE = """  teiten sessions --organisation NOTICE --from 2019-02-20 --to 2019-03-01 --lines
  teiten sessions --src 192.0.2.7 router.log"""

FILTERS = ("port", "protocol", "country", "asn", "sensor", "group", "action", "kind")
_LISTED = 20
"""sessions that the listing shows unless -n says otherwise"""
_WIDE = 80
_PIECES = re.compile(r"[((「]*(?:[^\s((「\u3000-\u9fff\uff00-\uffef]+|[\u3000-\u9fff\uff00-\uffef])[、。))」]*|\s+|.")
"""what a line is not broken inside of: a word, or a wide character with the marks that belong to it"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="look at these files' events, without a lake")
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--organisation", metavar="NAME", help="all addresses of an organisation that a watchlist names: NOTICE")
    whose.add_argument("--src", metavar="SRC", help="an address, or each address of a prefix")
    parser.add_argument("--from", dest="start", metavar="T", help="sessions that begin on this day or time, or later")
    parser.add_argument("--to", dest="end", metavar="T", help="up to, and without, this day or time")
    parser.add_argument("--period", metavar="P", help="a day, week, month or quarter: 2019-02-21, 2019-W08, 2019-02, 2019-Q1")
    parser.add_argument("-n", type=int, metavar="N", help=f"the last N of them (default: {_LISTED} in the listing, else all)")
    parser.add_argument("--lines", action="store_true", help="with the log lines, masked as they may be published")
    parser.add_argument(
        "--mask", choices=("seed", "strict", "none"), help="how lines are masked (default: as configured, seed)"
    )
    group = parser.add_argument_group("filters (several values with commas between)")
    for name in FILTERS:
        group.add_argument(f"--{name}", metavar=name.upper(), help=_question.HELP[name])
    parser.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
    parser.add_argument("--lang", choices=("ja", "en"), help="language of the listing")
    parser.add_argument("--sql", action="store_true", help="print the SQL instead of its answer")
    _output.add_output(parser)
    _common.add_reading(parser)
    _common.add_settings(parser)


def main(args: argparse.Namespace) -> int:
    from teiten.engine import open_session
    from teiten.lake import Lake

    chosen = _question.settings_of(args)
    wanted = _question.filters_of(args, chosen, (*FILTERS, "src"))
    _known(args, chosen)
    if not args.files:
        with open_session(Lake.open(chosen.lake), chosen) as asked:
            return _Run(args, chosen, asked, wanted).go()
    with _question.of_files(args, chosen) as asked:
        return _Run(args, chosen, asked, wanted).go()


def _known(args: argparse.Namespace, chosen: Settings) -> None:
    """A word that nobody knows is told before a long log is read."""
    from teiten.publish import masks

    masks.style(chosen.mask)
    if args.organisation:
        from teiten.classify import watchlists
        from teiten.sessions import watch

        watch.members(watchlists.load(chosen), args.organisation)


class _Run:
    """One question: whose sessions, in which span, shown how."""

    def __init__(self, args: argparse.Namespace, chosen: Settings, asked: Asked, wanted: Filters) -> None:
        from teiten.publish import masks

        self.args, self.settings, self.asked, self.wanted = args, chosen, asked, wanted
        hidden = args.mask != "none" and bool(args.lines or args.mask)
        self.cover = masks.style(args.mask or chosen.mask) if hidden else None

    def go(self) -> int:
        watches = self._watches()
        if self.args.sql:
            print(watches[0].sql + ";")
            return 0
        rows = [(w, c) for w in watches for c in self._within(w)]
        rows.sort(key=lambda row: row[1].session.start)
        most = self.args.n or (_LISTED if self.args.output == "table" else None)
        left_out = max(0, len(rows) - most) if most else 0
        rows = rows[left_out:]
        if self.args.output == "table":
            self._listing(watches, rows, left_out)
        else:
            self._rows(rows)
        return 0

    def _watches(self) -> list[Watch]:
        """Compared with all that came before, so from the lake's first event on; up to the end that was asked for."""
        from teiten.sessions import watch

        seen = self.wanted.between(None, self.wanted.end)
        if self.args.organisation:
            from teiten.classify import watchlists

            found = watchlists.load(self.settings)
            return [watch.of_organisation(self.asked, self.settings, found, self.args.organisation, seen)]
        if self.args.src:
            return watch.of_sources(self.asked, self.settings, seen) or [_nothing(self.args.src, seen)]
        # without a name: the sessions with the most ports of the span, whoever's
        return watch.busiest(self.asked, self.settings, self.wanted, self.args.n or _LISTED)

    def _within(self, watch: Watch) -> list[Compared]:
        start, end = self.wanted.start, self.wanted.end
        return [
            c for c in watch.compared if (start is None or c.session.start >= start) and (end is None or c.session.start < end)
        ]

    def _teller(self) -> Teller:
        from teiten import lang
        from teiten.report.sections._sessions import Teller, port_texts

        return Teller(lang.words(self.settings.language), self.asked.zone, port_texts(self.settings), self.cover or frozenset())

    def _lines(self, watch: Watch, one: Compared) -> list[Any]:
        from teiten.publish import evidence

        (steps,) = watch.steps(self.asked, [one.session])
        return evidence.of_steps(self.asked, steps, self.cover, self.settings.reading)

    def _rows(self, rows: Sequence[tuple[Watch, Compared]]) -> None:
        """A row a session: what the report's CSV has, whose it is before it, the lines after it where they are asked for."""
        from teiten.report.sections._sessions import COLUMNS, row

        teller = self._teller()
        out = []
        for watch, one in rows:
            crossings = watch.crossings(self.asked, [one.session]).get(one.session)
            made: dict[str, Any] = {"key": watch.key, **row(teller, one, crossings)}
            if self.args.lines:
                found = self._lines(watch, one)
                made["lines"] = "\n".join(line.text for line in found)
                made["rebuilt"] = sum(bool(line.why) for line in found)
            out.append(made)
        columns = ["key", *COLUMNS, *(["lines", "rebuilt"] if self.args.lines else [])]
        _output.write_rows(out, self.args.output, self.args.out, columns=columns)

    def _listing(self, watches: Sequence[Watch], rows: Sequence[tuple[Watch, Compared]], left_out: int) -> None:
        if not rows:
            print(self._none(watches), file=sys.stderr)
        else:
            _output.write_text(self._texts(rows), self.args.out)
        notes = []
        if left_out:
            notes.append(f"{left_out:,} earlier sessions are not shown; -n {len(rows) + left_out} shows all.")
        if rows and watches[0].since is not None:
            since = watches[0].since.astimezone(self.asked.zone)
            notes.append(f"Compared with what came before, back to {since:%Y-%m-%d} ({self.asked.zone_name}).")
        if notes:
            print(" ".join(notes), file=sys.stderr)

    def _none(self, watches: Sequence[Watch]) -> str:
        """There is nothing in the span; where there is something outside, when."""
        whose = self.args.organisation or self.args.src or "anybody"
        other = [c.session.start for w in watches for c in w.compared]
        if not other:
            return f"There is no session of {whose}."
        last = max(other).astimezone(self.asked.zone)
        return f"There is no session of {whose} in that time; the last one before began on {last:%Y-%m-%d %H:%M}."

    def _texts(self, rows: Sequence[tuple[Watch, Compared]]) -> Iterator[str]:
        teller = self._teller()
        for n, (watch, one) in enumerate(rows):
            day = one.session.start.astimezone(self.asked.zone).date()
            following = rows[n + 1][1].session.start.astimezone(self.asked.zone).date() if n + 1 < len(rows) else None
            if n:
                yield ""
            if not n or day.year != rows[n - 1][1].session.start.astimezone(self.asked.zone).year:
                yield f"[{day.year}]"
            if silence := teller.silence(one):
                yield from _wrap(silence, "")
            yield from _wrap(teller.lead(one), "")
            said = teller.against(watch, one)
            if day != following:
                said += teller.changed(watch, day)
            for text in said:
                yield from _wrap(text, "  ")
            yield from self._noticed(teller, watch, one)
            if self.args.lines:
                yield from self._quoted(teller, watch, one)

    def _noticed(self, teller: Teller, watch: Watch, one: Compared) -> Iterator[str]:
        from teiten.report.sections._sessions import reached

        crossed, _ = reached(watch.crossings(self.asked, [one.session]).get(one.session, ()))
        if crossed:
            listed = teller.words.listed(teller.threshold(c) for c in crossed)
            yield from _wrap(teller.words("sessions.noticed", crossed=listed), "  ")

    def _quoted(self, teller: Teller, watch: Watch, one: Compared) -> Iterator[str]:
        from teiten.report.sections._sessions import quoted

        lines = self._lines(watch, one)
        yield from quoted(teller, [lines])
        rebuilt = sum(bool(line.why) for line in lines)
        if rebuilt:
            yield from _wrap(teller.words("sessions.lines_rebuilt", n=rebuilt), "  ")


def _nothing(key: str, filters: Filters) -> Watch:
    from teiten.sessions.watch import Watch

    return Watch(key, [], [], [], None, "", filters)


def _wrap(text: str, indent: str) -> Iterator[str]:
    """Lines of at most 80 columns: broken at spaces, and between wide characters."""
    line = indent
    for piece in _PIECES.findall(text):
        if _output.width(line + piece.rstrip()) > _WIDE and line.strip():
            yield line.rstrip()
            line = indent + "  " + piece.lstrip()
        else:
            line += piece
    yield line.rstrip()
