"""What is kept beside the events: verdicts, an analyst's notes, watchlists."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teiten.errors import UsageError
from teiten.web.api import _forms
from teiten.web.api._door import NothingError
from teiten.web.api._shape import SPAN, Address, columns, of_view, pick
from teiten.web.api.sources import VERDICTS
from teiten.web.asked import Asked
from teiten.web.pool import Pool

_VERDICT = of_view("verdicts", *VERDICTS, never_null=("day", "label"))
_NOTE = (
    "id", "created", "author", "kind", "period", "day_from", "day_to", "src", "port", "protocol", "country", "asn",
    "sensor", "organisation", "label", "value", "lang", "text", "url", "replaces",
)  # fmt: skip
_NOTES = of_view("notes", *_NOTE, never_null=("id", "created", "kind"))
_LISTS = columns("organisation:text en:text ja:text page:text? prefixes:int names:int lists:text version:text date:day")
_PREFIX = columns("organisation:text prefix:text list:text version:text from:day? to:day? page:text? licence:text?")


async def verdicts(request: Request, asked: Asked, pool: Pool) -> Response:
    zone = asked.settings.zone
    first, last = asked.start.astimezone(zone).date(), (asked.end - dt.timedelta(microseconds=1)).astimezone(zone).date()
    label = asked.words.get("label", "")

    def ask(session: Any) -> list[dict[str, Any]]:
        sql = (
            f"SELECT {', '.join(VERDICTS)} FROM verdicts WHERE day BETWEEN ? AND ? AND (? = '' OR label = ?) "
            "ORDER BY day DESC, label, src_ip, rule LIMIT ?"
        )
        rows: list[dict[str, Any]] = session.query(sql, [first, last, label, label, asked.n])
        return rows

    return _forms.answer(request, "verdicts", await pool.ask(("api", "verdicts", first, last, label, asked.n), ask), _VERDICT)


async def notes(request: Request, asked: Asked, pool: Pool) -> Response:
    """Those that hold, the newest first."""

    def ask(session: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = session.query(f"SELECT {', '.join(_NOTE)} FROM notes ORDER BY id DESC LIMIT ?", [asked.n])
        return rows

    return _forms.answer(request, "notes", await pool.ask(("api", "notes", asked.n), ask), _NOTES)


async def watchlists(request: Request, asked: Asked, pool: Pool) -> Response:
    """Each organisation of the newest version of each list."""

    def ask(_: Any) -> list[dict[str, Any]]:
        from teiten.classify import watchlists

        known = watchlists.load(asked.settings)
        chosen = known.newest()
        out = []
        for name in sorted({o for one in chosen for o in one.organisations}, key=str.casefold):
            about = known.organisations[name]
            entries = [(one, e) for one in chosen for e in one.entries if e.organisation == name]
            newest = max((one for one, _ in entries), key=lambda one: one.date)
            out.append({
                "organisation": name, "en": about.en, "ja": about.ja, "page": about.page,
                "prefixes": sum(len(e.prefixes) for _, e in entries), "names": sum(len(e.names) for _, e in entries),
                "lists": " ".join(sorted({one.name for one, _ in entries})), "version": newest.version, "date": newest.date,
            })  # fmt: skip
        return out

    return _forms.answer(request, "watchlists", await pool.ask(("api", "watchlists"), ask), _LISTS)


async def watchlist(request: Request, asked: Asked, pool: Pool) -> Response:
    """Every prefix that a list has of it, with its days."""
    text = str(request.path_params["organisation"])

    def ask(_: Any) -> list[dict[str, Any]]:
        from teiten.classify import watchlists

        known = watchlists.load(asked.settings)
        try:
            name = known.organisation(text).name
        except UsageError as error:
            raise NothingError(error.message, hint="/api/v1/watchlists lists the organisations.") from None
        return [
            {"organisation": m.organisation, "prefix": m.prefix, "list": m.list, "version": m.list_version,
             "from": m.valid_from, "to": m.valid_to, "page": m.page, "licence": m.licence}
            for m in known.prefixes(name)
        ]  # fmt: skip

    return _forms.answer(request, "watchlist", await pool.ask(("api", "watchlist", text), ask), _PREFIX)


ADDRESSES = [
    Address("/verdicts", "verdicts", verdicts, _VERDICT, (*SPAN, "label", "n"), example="period=week"),
    Address("/notes", "notes", notes, _NOTES, ("n",)),
    Address("/watchlists", "watchlists", watchlists, _LISTS),
    Address("/watchlists/{organisation}", "watchlist", watchlist, _PREFIX, (), pick(("organisation",))),
]
