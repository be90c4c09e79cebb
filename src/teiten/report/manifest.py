"""manifest.json: from what a report was made, so that it can be made again, and one edition told from the next.

Its keys, version 1 (docs/reference/manifest.md says them to users):

    manifest    1, the version of this form
    report      kind, period, zone, zone_from, language, filters (as the user wrote them), notice, since (of a day that tells of
                several: the first of them)
    edition     number (from 1), made (ISO 8601)
    lake        id, last_batch (the report knows batches up to that one), events (how many they hold), counted (whether an
                answer came from aggregates)
    coverage    share of the time that was observed, gaps (start, end), and the share of each sensor (unnamed, in the order of
                their names)
    losses      what came and was lost, as a station counts it (received, refused, dropped_kernel, dropped_queue,
                dropped_spool, lost_estimated), and for which share of the time it does (known); null where nobody counts
    geo         names of the data sets that answered country and AS
    lists       watchlists by which the period's days were judged -> version
    verdicts    a digest of the verdicts on the days of the period and of the one before
    stories     a digest of the stories that a day tells; null where nobody looked for any
    thresholds  every threshold -> the number in force
    settings    the other settings in force; of files that they name, and of the sensors, SHA-256
    notes       ids of the analyst's notes that stand in the report
    content     a digest of what the report says: the same digest, the same edition
    program     name, version
    command     what makes the same report from the lake as it is
    files       every other file of the folder -> sha256, size

No place on the user's machine and no destination address stands in it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten import __version__, classify
from teiten.engine.duckdb import Session
from teiten.errors import TeitenError
from teiten.lake import Lake, verdict
from teiten.lake.watching import LOSSES
from teiten.report.answers import Answers
from teiten.report.asked import stories as asked
from teiten.report.model import Report
from teiten.settings import THRESHOLDS, Settings

VERSION: Final = 1
NAME: Final = "manifest.json"
OLDER: Final = "editions"
"""folder in a report's folder that holds what is kept of older editions, by their number"""
APART: Final = ("about", "changes")
"""sections that tell how the report was made: they make no new edition"""
_ELSEWHERE: Final = {
    "zone_name", "zone_from", "language", "lake", "keeping", "file", "thresholds", "reading", "sensors", "alerts", "api",
    "publishing", "federating",
}  # fmt: skip
"""fields of the settings that stand elsewhere in the manifest, or nowhere: the limits on input, places, and whom to tell"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read, and the folder that it describes."""

    folder: Path
    table: Mapping[str, Any]

    @property
    def number(self) -> int:
        return int(self.table["edition"]["number"])

    @property
    def report(self) -> Path:
        """The report's folder, in which an older edition's lies."""
        return self.folder.parent.parent if self.folder.parent.name == OLDER else self.folder

    @property
    def made(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.table["edition"]["made"])

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.table["files"]
        return found

    def same_report(self, table: Mapping[str, Any]) -> bool:
        """Is that a manifest of another edition of this report: same kind, period, language and filters?"""
        keys = ("kind", "period", "language", "filters")
        return all(self.table["report"][key] == table["report"][key] for key in keys)

    def altered(self) -> list[str]:
        """Names of its files that somebody changed by hand since they were written; what is missing is not among them."""
        return [
            name for name, told in self.files.items() if (found := self.content_of(name)) and sha256(found) != told["sha256"]
        ]

    def content_of(self, name: str) -> bytes | None:
        """A file of the folder; None where it is not there."""
        try:
            return ((self.report if name.startswith(f"{OLDER}/") else self.folder) / name).read_bytes()
        except OSError:
            return None

    def data(self) -> dict[str, bytes]:
        """The rows of its charts and tables: name of the CSV without its ending -> its bytes."""
        return {path.stem: path.read_bytes() for path in sorted((self.folder / "data").glob("*.csv")) if path.is_file()}


def read(path: Path) -> Manifest:
    """The manifest in that file, or in that folder. TeitenError where there is none that this program understands."""
    file = path / NAME if path.is_dir() else path
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        version = table["manifest"]
        if version == VERSION:
            found = Manifest(file.parent, table)
            _check(found)
            return found
    except FileNotFoundError:
        raise TeitenError(f"There is no {file}.", hint="Name the manifest.json in a report's folder.") from None
    except OSError as error:
        raise TeitenError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TeitenError(f"{file} is no manifest of a report ({type(error).__name__}: {error}).") from None
    raise TeitenError(
        f"{file} is a manifest of version {version}; this program knows version {VERSION}.",
        hint="Use the newer teiten that wrote it.",
    )


def _check(found: Manifest) -> None:
    """KeyError, TypeError or ValueError where something is missing or no such thing."""
    table = found.table
    for key, inside in _INSIDE.items():
        for name in inside:
            if not isinstance(table[key][name], _TYPES.get(name, str)):
                raise TypeError(f"{key}: {name}")
    if found.number < 1 or not found.made.tzinfo:
        raise ValueError("edition")
    for told in found.files.values():
        int(told["size"]), str(told["sha256"])
    if not all(isinstance(n, str) for n in table["notes"]) or not isinstance(table["thresholds"], dict):
        raise TypeError("notes")


_INSIDE: Final = {
    "report": ("kind", "period", "zone", "zone_from", "language", "filters", "notice"),
    "edition": ("number", "made"),
    "lake": ("id", "last_batch", "events"),
}
_TYPES: Final[dict[str, type]] = {"filters": dict, "number": int, "last_batch": int, "events": int}


def earlier(folder: Path) -> Manifest | None:
    """The manifest of the report that lies in the folder; None where none does, or an older program's without one."""
    if not (folder / NAME).is_file():
        return None
    return read(folder)


def describe(
    answers: Answers, settings: Settings, report: Report, command: str, notice: str, edition: int, made: dt.datetime
) -> dict[str, Any]:
    """The manifest's table, but for `files`."""
    session, period = answers.session, answers.period
    cover = answers.coverage
    return {
        "manifest": VERSION,
        "report": {
            "kind": period.kind,
            "period": period.name,
            "zone": settings.zone_name,
            "zone_from": settings.zone_from,
            "language": report.lang,
            "filters": dict(sorted(answers.filters.words.items())),
            "notice": notice,
            "since": answers.since.isoformat() if answers.since else None,
        },
        "edition": {"number": edition, "made": made.isoformat()},
        "lake": {
            "id": session.lake.meta.id,
            "last_batch": session.last_batch,
            "events": stored(answers),
            "counted": session.has_counted,
        },
        "coverage": {
            "share": round(cover.share, 6),
            "sensors": [round(share, 6) for share in answers.shares],
            "gaps": [{"start": g.start.isoformat(), "end": g.end.isoformat()} for g in cover.gaps],
        },
        "losses": losses(answers),
        "geo": list(answers.geo),
        "lists": lists(answers),
        "verdicts": verdicts(answers),
        "stories": stories(answers),
        "thresholds": {name: float(settings.threshold(name)) for name in sorted(THRESHOLDS)},
        "settings": in_force(settings),
        "notes": [note.id for note in answers.notes],
        "content": content(report),
        "program": {"name": "teiten", "version": __version__},
        "command": command,
    }


def losses(answers: Answers) -> dict[str, Any] | None:
    """What was lost of what came, as far as a station counts it; None where none does."""
    found = answers.losses
    if not found.known:
        return None
    return {"known": round(found.known, 6), **{kind: getattr(found, kind) for kind in ("received", "refused", *LOSSES)}}


def stored(answers: Answers) -> int:
    """How many events the lake holds, up to the session's last batch: fewer than at another time where some were forgotten."""
    return int(answers.session.query("SELECT count(*) AS n FROM raw_events")[0]["n"])


def lists(answers: Answers) -> dict[str, str]:
    """Watchlists by which the days of the period were judged: name -> version (the newest, where they differ)."""
    session = answers.session
    used = classify.lists_used(session.lake, session.zone_name, answers.period.days)
    return {name: versions[-1][0] for name, versions in used.items()}


def verdicts(answers: Answers) -> str:
    """A digest of the verdicts on the days of the period and of the one before, corrections applied."""
    if answers.verdict_digest is None:
        answers.verdict_digest = _digest(answers)
    return answers.verdict_digest


def stories(answers: Answers) -> str | None:
    """A digest of what a day's overview tells of what changed; None where nobody looked for any."""
    found = answers.once(asked.changes)
    if found is None:
        return None
    told = [found.stories, found.false, found.earlier]
    return sha256(json.dumps(told, ensure_ascii=False, sort_keys=True, default=_plainly).encode())


def _plainly(value: Any) -> Any:
    """What JSON has no form for: a story as its fields, a moment or day as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return dict(value) if isinstance(value, Mapping) else str(value)


def _digest(answers: Answers) -> str:
    first, last = answers.before.first, answers.period.days[-1]
    span = {"first": first, "last": last}
    answers.session.query("SELECT count(*) FROM notes")  # the views of verdicts are there when they are named
    many = answers.session.lake.holdings("verdicts").rows > MANY
    return str(answers.session.query(_SUMMED if many else _DIGEST, span)[0]["digest"])


_LINES: Final = """
SELECT concat_ws('|', src_ip, prefix_len, day, scope, label, value, rule, "list", list_version) AS line
FROM verdicts WHERE day >= $first AND day <= $last"""
MANY: Final = 100_000
"""verdicts in the lake from which on no text is made of them: of a telescope's month there are millions"""
_DIGEST: Final = f"""
SELECT md5(string_agg(line, chr(10) ORDER BY line)) AS digest FROM ({_LINES})"""
_SUMMED: Final = """
SELECT md5(string_agg(line, chr(10) ORDER BY line)) AS digest FROM (
  SELECT concat_ws('|', prefix_len, day, scope, label, coalesce(value, '-'), rule, coalesce("list", '-'), list_version,
                   count(*), sum(number), bit_xor(number), sum(number * number)) AS line
  FROM (SELECT *, CASE octet_length(src_ip) WHEN 4 THEN ipv4_number(src_ip)::UBIGINT
                  ELSE md5_number_lower(hex(src_ip)) >> 32 END AS number
        FROM _verdicts WHERE day >= $first AND day <= $last)
  GROUP BY prefix_len, day, scope, label, value, rule, "list", list_version)"""
"""the same for very many: of the sources on which the same is said, their number and sums"""


def judge_again(session: Session, settings: Settings) -> None:
    """Puts the verdicts as they were into a session that is limited to a batch: days that later batches touched are judged
    again, from the events of then and by the lists of today."""
    lake, zone = session.lake, session.zone_name
    state = lake.verdict_state(zone)
    days = state.filter(pl.col("last_batch") > session.last_batch)["day"].to_list()
    if not days:
        return
    frames = [lake.verdicts(None, zone).filter(~pl.col("day").is_in(days))]
    for _, _, found in classify.judge(session, classify.Basis.load(settings), days):
        stamp = {"zone": zone, "made": dt.datetime.now(dt.UTC), "last_batch": session.last_batch, "basis": None}
        full = found.with_columns(pl.lit(v).alias(k) for k, v in stamp.items())
        frames.append(full.select(pl.col(name).cast(dtype) for name, dtype in verdict.SCHEMA.items()))
    session.use_verdicts(pl.concat(frames))


def whole(table: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The bytes of manifest.json for those files."""
    listed = {name: {"sha256": sha256(files[name]), "size": len(files[name])} for name in sorted(files)}
    return (json.dumps({**table, "files": listed}, ensure_ascii=False, indent=1) + "\n").encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content(report: Report) -> str:
    """A digest of what the report says: findings, points, facts and rows, without small print and how it was made."""
    told = []
    for section in report.sections:
        if section.id not in APART:
            rows = [
                (block.data.id, block.data.columns, [[_plain(c) for c in r] for r in block.data.rows])
                for block in section.blocks
            ]
            facts = [(f.name, f.value, f.note) for f in section.facts]
            told.append((section.id, section.title, [_plain(p) for p in (*section.findings, *section.points)], facts, rows))
    return sha256(json.dumps(told, ensure_ascii=False, default=str).encode())


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else str(value)


def in_force(settings: Settings) -> dict[str, Any]:
    """The settings that shape a report, as JSON has them; a file that they name by what is in it, not by where it lies."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        if field.name not in _ELSEWHERE:
            out[field.name] = _stored(getattr(settings, field.name))
    # their names are nobody's business; whether they are the same ones can be told all the same
    told = [[s.name, s.group, s.country, s.addresses or 1, s.zone, s.start, s.end, *map(str, s.runs)] for s in settings.sensors]
    out["sensors"] = {"count": len(told), "sha256": sha256(json.dumps(sorted(told, key=str), default=str).encode())}
    return out


def _stored(value: Any) -> Any:
    if isinstance(value, Path):
        return {"sha256": sha256(value.read_bytes()) if value.is_file() else None}
    if isinstance(value, tuple | list):
        return [_stored(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _stored(v) for k, v in value.items()}
    if isinstance(value, dt.date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _stored(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def restore(settings: Settings, found: Manifest) -> tuple[Settings, list[str]]:
    """The settings of today with everything that shaped that report put back, and what could not be put back.

    Files that the settings name (lists, tables of ports) are not in the manifest: today's stand in, and it is said where they
    are others.
    """
    table, put, lost = found.table, {}, []
    now = in_force(settings)
    for field in dataclasses.fields(settings):
        name = field.name
        if name in _ELSEWHERE or name not in table["settings"] or table["settings"][name] == now.get(name):
            continue
        value, old = getattr(settings, name), table["settings"][name]
        if _holds_file(value) or _was_file(old):
            lost.append(f"the setting {name} names other files than then")
        else:
            put[name] = _revived(old, field.type)
    if table["settings"].get("sensors") != now["sensors"]:
        lost.append("the sensors are configured otherwise than then")
    thresholds = {k: float(v) for k, v in table["thresholds"].items() if k in THRESHOLDS}
    report = table["report"]
    back = dataclasses.replace(
        settings,
        zone_name=report["zone"],
        zone_from=report["zone_from"],
        language=report["language"],
        thresholds=thresholds,
        **put,
    )
    return back, lost


def _holds_file(value: Any) -> bool:
    return isinstance(value, Path) or (isinstance(value, tuple | list) and any(isinstance(v, Path) for v in value))


def _was_file(value: Any) -> bool:
    every = value if isinstance(value, list) else [value]
    return any(isinstance(v, dict) and set(v) == {"sha256"} for v in every)


def _revived(value: Any, kind: Any) -> Any:
    """A value as JSON has it -> as the field has it: lists are tuples, days are days."""
    if isinstance(value, list):
        return tuple(_revived(v, None) for v in value)
    if isinstance(value, str) and "dt.date" in str(kind):
        return dt.date.fromisoformat(value)
    return value


def check_lake(found: Manifest, lake: Lake) -> None:
    """TeitenError where that lake is not the one that the report was made from, or has lost its batches."""
    told = found.table["lake"]
    name = f"{found.folder / NAME}"
    if told["id"] != lake.meta.id:
        raise TeitenError(
            f"The report of {name} was made from another lake than {lake.path} (its id is {told['id']}).",
            hint="Name that lake with --lake.",
        )
    last = lake.live_files()[1]
    if last < told["last_batch"]:
        raise TeitenError(
            f"The lake {lake.path} ends with batch {last}, but {name} was made from batches up to {told['last_batch']}.",
            hint="Is this an older copy of the lake? Name the newer one with --lake.",
        )


def kept(found: Manifest) -> dict[str, bytes]:
    """What the report keeps of older editions: name in its folder -> bytes."""
    return {name: data for name in found.files if name.startswith(f"{OLDER}/") and (data := found.content_of(name)) is not None}


def put_by(found: Manifest, altered: Iterable[str]) -> dict[str, bytes]:
    """What the next edition keeps of this one: its manifest, its rows (as CSV), and the files that somebody changed by hand."""
    names = [NAME, *(name for name in found.files if name.startswith("data/") and name.endswith(".csv")), *altered]
    return {
        f"{OLDER}/{found.number}/{name}": data
        for name in names
        if not name.startswith(f"{OLDER}/") and (data := found.content_of(name)) is not None
    }


def older(found: Manifest) -> Manifest | None:
    """The edition before that one, as its folder keeps it; None where it was the first."""
    if found.number == 1:
        return None
    return read(found.report / OLDER / str(found.number - 1) / NAME)


def differences(then: Manifest, now: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Of a report that was made again: what it was made from that is not as it was, in words; and the files that are others."""
    table, said = then.table, []
    lost = int(table["lake"]["events"]) - int(now["lake"]["events"])
    if lost:
        verb = "have been taken out of the lake (teiten forget)" if lost > 0 else "are more in the lake than then"
        said.append(f"{abs(lost):,} events {verb}")
    for key, what in (
        ("geo", "other data answered countries"),
        ("lists", "the watchlists are others"),
        ("program", "another version of the program"),
    ):
        if table.get(key) != now[key]:
            said.append(f"{what}: {_short(table.get(key))} then, {_short(now[key])} now")
    if table.get("verdicts") != now["verdicts"]:
        said.append("the verdicts on sources are others (by other lists or corrections); those of then are not kept")
    if "stories" in table and table["stories"] != now["stories"]:
        said.append("what was found to have changed is no longer the same; make the days again with teiten detect")
    gone = [n for n in table["notes"] if n not in now["notes"]]
    if gone:
        said.append(f"notes that are no longer in the lake: {', '.join(gone)}")
    files = {name: (told["sha256"], told["size"]) for name, told in then.files.items()}
    again = {name: (told["sha256"], told["size"]) for name, told in now["files"].items()}
    other = sorted(name for name in {*files, *again} if files.get(name) != again.get(name))
    if any(name.startswith("lines/") for name in other):
        said.append("quoted lines are others: is the log that they come from where it was, and whole?")
    return said, other


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{v}" if k in ("name", "version") else f"{k} {v}" for k, v in value.items()) or "none"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
