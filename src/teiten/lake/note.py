"""Notes in the lake: what an analyst wrote, corrected, added or knows of a gap. Rows are added, never changed.

A note is taken back, or another put in its place, by a further row that names it in `replaces`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten.errors import UsageError
from teiten.lake import _delta

_TIME: Final = pl.Datetime("us", "UTC")
KINDS: Final = ("note", "correction", "addendum", "gap", "story")
FILES: Final = 32
"""files of one note each that may lie beside each other before they are put into one"""

SCHEMA: Final[dict[str, pl.DataType]] = {
    "id": pl.String(),
    "created": _TIME,
    "author": pl.String(),
    "kind": pl.String(),
    "period": pl.String(),
    "day_from": pl.Date(),
    "day_to": pl.Date(),
    "src": pl.String(),
    "port": pl.Int32(),
    "protocol": pl.Int32(),
    "country": pl.String(),
    "asn": pl.Int64(),
    "sensor": pl.String(),
    "organisation": pl.String(),
    "label": pl.String(),
    "value": pl.String(),
    "lang": pl.String(),
    "text": pl.String(),
    "url": pl.String(),
    "replaces": pl.String(),
    "withdrawn": pl.Boolean(),
}
REQUIRED: Final = ("id", "created", "kind", "withdrawn")
GIVEN: Final = tuple(name for name in SCHEMA if name not in ("id", "created", "kind", "withdrawn"))
"""what `Lake.add_note` takes besides the kind"""

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "id": ("id; in order of time", "番号(時刻順)"),
    "created": ("when it was written", "書いた時刻"),
    "author": ("who wrote it", "書いた人"),
    "kind": ("note, correction, addendum, gap or story", "種別(note、correction、addendum、gap、story)"),
    "period": ("the report's period that it is about", "対象のレポートの期間"),
    "day_from": ("first day that it is about", "対象の最初の日"),
    "day_to": ("last day that it is about", "対象の最後の日"),
    "src": ("source or prefix that it is about", "対象の送信元(アドレス、プレフィックス)"),
    "port": ("destination port that it is about", "対象の宛先ポート"),
    "protocol": ("protocol that it is about", "対象のプロトコル"),
    "country": ("country that it is about", "対象の国"),
    "asn": ("AS that it is about", "対象のAS"),
    "sensor": ("sensor that it is about", "対象のセンサー"),
    "organisation": ("organisation that it is about", "対象の組織"),
    "label": (
        "a correction's verdict; what a story is marked as; a note's section of the report",
        "訂正後の判定。storyでは、経過への判断(false、explained)。注記では、載せる節",
    ),
    "value": (
        "organisation or tool of the verdict; what a marked story was (JSON); a note's place in its section",
        "訂正後の組織・ツール名。storyでは、その時点の経過(JSON)。注記では、節の中での順番",
    ),
    "lang": ("language of the text; null for both", "文の言語(なしは両方)"),
    "text": ("the text", "本文"),
    "url": ("a page about it", "参照先のURL"),
    "replaces": ("id of the note in whose place it stands", "差し替えるメモの番号"),
    "withdrawn": ("taken back", "取り消し"),
}

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_EPOCH: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def row(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The note's columns, checked. UsageError for what cannot be a note."""
    if unknown := set(given) - set(GIVEN):
        raise TypeError(f"a note has no {', '.join(sorted(unknown))}")
    if kind not in KINDS:
        raise UsageError(f"'{kind}' is no kind of note.", hint=f"Choose among {', '.join(KINDS)}.")
    made = {**dict.fromkeys(SCHEMA), **given, "kind": kind, "withdrawn": False}
    if made["src"] is not None:
        made["src"] = prefix_text(made["src"])
    first, last = made["day_from"], made["day_to"]
    if first and last and last < first:
        raise UsageError(f"A note from {first} to {last} is about no day.", hint="The first day comes before the last.")
    if kind == "correction" and not (made["label"] and made["src"]):
        raise UsageError("A correction names a source and what it is taken for.", hint="Give an address or prefix and a label.")
    if kind == "story" and not (made["label"] in ("false", "explained") and made["value"] and made["day_to"]):
        raise UsageError("A mark on a story says which, and what it is.", hint="Give a story's id, and false or explained.")
    if kind == "gap" and not (first and last):
        raise UsageError("A note on a gap names its days.", hint="Give the first day and the last.")
    if kind in ("note", "addendum") and not (made["text"] or "").strip():
        raise UsageError(f"The {kind} is empty.", hint="Give its text.")
    return made


def prefix_text(text: str) -> str:
    """An address, or a prefix with its length, as it is written everywhere. UsageError."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise UsageError(f"'{text}' is no address or prefix.", hint="Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.") from None
    return str(network.network_address if network.num_addresses == 1 else network)


def next_id(last: str | None, now: dt.datetime) -> str:
    """Eight characters that tell the hundredth of a second, later than the last id."""
    number = int((now - _EPOCH) / dt.timedelta(milliseconds=10))
    if last is not None:
        number = max(number, _number(last) + 1)
    digits = [_ALPHABET[number >> shift & 31] for shift in range(35, -1, -5)]
    return "".join(digits)


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number << 5 | _ALPHABET.index(character)
    return number


def add(table: _delta.Table, made: dict[str, Any]) -> str:
    """Stores the row as a note of its own; returns its id. UsageError where it replaces one that is not there."""
    every = read(table.files())
    if made["replaces"] is not None and made["replaces"] not in effective(every)["id"]:
        raise _missing(made["replaces"])
    now = dt.datetime.now(dt.UTC)
    last = every["id"].max() if every.height else None
    made |= {"id": next_id(str(last) if last is not None else None, now), "created": now}
    frame = pl.DataFrame([made], schema=SCHEMA, orient="row")
    old = sorted(table.live()["path"]) if every.height else []
    if len(old) < FILES:
        old = []
    else:
        frame = pl.concat([every, frame])
    table.commit([_delta.write_parquet(frame, table.path, f"{made['id']}-{uuid.uuid4()}.parquet", ("created",))], old)
    table.sweep(old)
    return str(made["id"])


def withdrawal(holding: pl.DataFrame, number: str, author: str | None) -> dict[str, Any]:
    """The row that takes back one of the notes that hold. UsageError where it is not among them."""
    own = holding.filter(pl.col("id") == number)
    if not own.height:
        raise _missing(number)
    kind = own["kind"].item()
    return {**dict.fromkeys(SCHEMA), "kind": kind, "author": author, "replaces": number, "withdrawn": True}


def _missing(number: str) -> UsageError:
    return UsageError(
        f"There is no note {number}, or it was withdrawn or replaced.", hint="`teiten note list` shows those that hold."
    )


def read(files: Iterable[Path]) -> pl.DataFrame:
    """Every row of those files, oldest first."""
    frames = [pl.read_parquet(file) for file in files]
    # files of an older version have not every column
    return pl.concat([pl.DataFrame(schema=SCHEMA), *frames], how="diagonal").select(list(SCHEMA)).sort("id")


def effective(every: pl.DataFrame) -> pl.DataFrame:
    """The notes that hold: neither withdrawn nor replaced."""
    gone = every["replaces"].drop_nulls()
    return every.filter(~pl.col("withdrawn") & ~pl.col("id").is_in(gone.implode()))
