"""Writes docs/reference from the code: what the code declares is what the documents say. `make docs`.

    python tools/build_docs.py [FOLDER]

`pages()` gives every page's text by file name; tests/house/test_documents.py compares them with what is committed.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from teiten import (
    alerting,
    answering,
    bench,
    cli,
    clustering,
    doctor,
    errors,
    event,
    federating,
    hosting,
    lang,
    notifying,
    publishing,
    readers,
    settings,
    stationing,
    storing,
)  # fmt: skip
from teiten.publish import masks
from teiten.station import collecting, inputs, shipping, tasks

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "docs" / "reference"
NOTE = "<!-- Made by tools/build_docs.py from the code. Do not edit: run `make docs`. -->\n"

SETTINGS = {
    "zone": ("text", "the machine's", "time zone of days and months, an IANA name such as `Asia/Tokyo`"),
    "language": ("`ja` or `en`", "the machine's", "language of reports"),
    "lake": ("path or table", "`teiten-lake`", "the lake's folder, relative to this file; or a table, below"),
    "sensor": ("table", "", "observation points, each as `[sensor.NAME]`, below"),
    "watchlists": (
        "list of files",
        "",
        "your own watchlists (.toml, .json, .csv, .txt), relative to this file; see `teiten watchlist`",
    ),
    "ptr_names": (
        "file",
        "",
        "a CSV of `address,name[,from,to]`: PTR names that you looked up; scanners are known by them",
    ),
    "device_signatures": (
        "folder",
        "",
        "your own signatures of devices (*.toml), beside those of the package; see `teiten devices`",
    ),
    "names": ("table", "", "whether and how `teiten names resolve` looks up PTR names, below"),
    "ports": (
        "file",
        "",
        "your own table of ports, relative to this file: adds to the built-in one and changes it; see ports.md",
    ),
    "api": ("table", "", "how much the API answers to whom, and to pages of which other origins, below"),
    "station": ("table", "", "what comes in live, and what is done when, below"),
    "serve": ("table", "", "where the dashboard listens, to whom, and behind what, below"),
    "notify": ("table", "", "who tells operators of infected hosts, of which, over which mail server, below"),
    "store": ("table", "", "where a lake named `s3://BUCKET/NAME` is, below"),
    "alerts": ("table", "", "what is told of at once, to whom, when not, and watches of your own, below"),
    "reading": ("table", "", "limits on hostile input, below"),
    "thresholds": ("table", "", "numbers that decide, by name, below"),
    "port_style": ("`23/tcp`, `23/TCP` or `TCP#23`", "`23/tcp`", "how reports write a port"),
    "country": ("country code, or `none`", "`JP` where the zone is Japan's", "the country that monthly reports follow"),
    "organisations": (
        "list of names",
        "those that the built-in lists feature",
        "announced scanners with a section of their own in monthly reports",
    ),
    "publish": ("table", "", "what leaves the house: log lines, and the rules of `teiten publish`, below"),
    "federation": ("table", "", "with whom counts are shared, and how closely, below"),
    "aggregate_events": (
        "whole number",
        "200000",
        "events of a day from which it is counted into aggregates by itself once it is over (docs/concepts/aggregates.md)",
    ),
    "query_memory_mb": (
        "MiB",
        "a quarter of the machine's memory, 300 to 1,536",
        "what DuckDB may take for a question; what does not fit goes to a temporary folder, and takes longer",
    ),
    "engine": (
        "`duckdb` or `spark`",
        "`duckdb`",
        "what answers questions and, with `spark`, takes in many files at once; `--engine` wins over it",
    ),
    "spark": ("table", "", "where the cluster is, below"),
    "animations": ("`true` or `false`", "`true`", "whether monthly reports hold moving pictures of their days"),
    "pdf": ("`true` or `false`", "`true`", "whether reports hold `report.pdf`"),
    "watch": ("table", "", "`since`: the day on which a measure began; monthly reports compare before and after it"),
}
SENSOR = {
    "group": ("text", "", "its group, such as `domestic` or `overseas`; `--group` asks for it"),
    "country": ("text", "", "ISO 3166 code of where it stands"),
    "addresses": ("integer", "as many as packets came to", "how many addresses it watches: what rates are divided by"),
    "zone": ("text", "the setting `zone`", "zone of stamps that state none in its logs"),
    "from": ("date or time", "", "when it began to watch; nothing before it is a gap"),
    "to": ("date or time", "", "when it ended"),
    "runs": (
        "list of tables",
        "",
        (
            "in place of `from`, `to` and `addresses`: several times it ran, one after another, each with its own, such as "
            "`runs = [{to = 2026-03-01, addresses = 256}, {from = 2026-03-05, addresses = 65536}]`"
        ),
    ),
    "outages": (
        "list of tables",
        "",
        (
            'when it was off, and why, such as `outages = [{from = 2026-05-03, to = 2026-05-05, because = "moved"}]`: '
            "gaps, however short, divided by nothing; the last may go on without a `to`"
        ),
    ),
    "paths": ("list of globs", "", "its logs, relative to this file: what matches is stored under its name"),
    "services": (
        "list of services",
        "",
        'what its own host serves, as `["80/tcp", "53/udp"]`: `teiten attacks` tells of DoS-like arrivals there',
    ),
}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(c).replace("|", "\\|") for c in line) + " |\n" for line in lines)


def _actions(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        shown = action.metavar if isinstance(action.metavar, str) else (action.dest or "").upper()
        if action.choices is not None and not isinstance(action.metavar, str):
            shown = "{" + ",".join(map(str, action.choices)) + "}"
        many = {"+": " ...", "*": " ..."}.get(str(action.nargs), "")
        if not action.option_strings:
            name = f"{shown if action.metavar or action.choices is not None else action.dest}{many}"
        elif action.nargs == 0:
            name = ", ".join(action.option_strings)
        else:
            name = f"{', '.join(action.option_strings)} {shown}{many}"
        yield f"`{name}`", (action.help or "").replace("%%", "%").replace("%(default)s", str(action.default))


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str | tuple):
        return ", ".join(f"`{one}`" for one in ((value,) if isinstance(value, str) else value))
    return "" if value is None else f"{value:,}"


def _example(module: object) -> str:
    return "\n".join(line.strip() for line in str(module.EXAMPLE).strip().splitlines())  # type: ignore[attr-defined]


def commands() -> str:
    """Every command, its arguments and its example."""
    out = [NOTE, "# Commands\n"]
    out.append("Data goes to stdout, everything else to stderr. Exit 0: done; 1: could not; 2: wrong usage. `-` is stdin.\n")
    for name, module in sorted(cli.commands().items()):
        parser = argparse.ArgumentParser(add_help=False)
        module.arguments(parser)
        out += [f"## teiten {name}\n", f"{module.HELP[0].upper()}{module.HELP[1:].rstrip('.')}.\n"]
        out.append(f"```sh\n{_example(module)}\n```\n")
        rows = list(_actions(parser))
        if rows:
            out.append(table(("argument", "meaning"), rows))
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
                for word, sub in action.choices.items():
                    out.append(f"### teiten {name} {word}\n")
                    out.append(f"{helps.get(word, '').capitalize()}.\n")
                    found = list(_actions(sub))
                    if found:
                        out.append(table(("argument", "meaning"), found))
    return "\n".join(out)


FUNCTIONS = {
    "address_bytes(text)": "4 or 16 bytes, which sort as addresses do",
    "address_text(bytes)": "the other way round",
    "in_range(text, first, last)": "is the address one of first to last?",
    "in_prefix(bytes, first, bits)": "is it inside that prefix (its first address as bytes)?",
    "ipv4_number(bytes)": "an IPv4 address as a number, null for IPv6: of a SYN, `tcp_seq = "
    "ipv4_number(address_bytes(dst_ip))` is Mirai's mark whatever the source port",
    "told_address(bytes)": "the same; null for 0.0.0.0 and ::, which stand where a log does not say where something came to",
    "prefix_text(source_prefix(bytes))": "the /24 (IPv4) or /48 (IPv6) that it is in",
}


def events() -> str:
    """The columns of an event and of the other views of SQL."""
    from teiten.engine import duckdb, judged

    out = [NOTE, "# Events, and the views of SQL\n"]
    out.append(inspect.getdoc(event).split("\n\n")[1].replace("\n", " ") + "\n")  # type: ignore[union-attr]
    out.append("## An event\n")
    out.append("`null` = the source does not say. Bold columns are never null.\n")
    rows = [(f"**`{c.name}`**" if c.required else f"`{c.name}`", c.kind, c.unit, c.en, c.ja, c.tier) for c in event.COLUMNS]
    out.append(table(("column", "type", "unit", "meaning", "意味", "tier"), rows))
    out.append("## Values\n")
    out.append(
        table(
            ("column", "values"),
            [
                ("`time_basis`", ", ".join(event.TIME_BASES)),
                ("`action`", ", ".join(event.ACTIONS) + f" (not counted as attempts: {', '.join(event.NOT_AN_ATTEMPT)})"),
                ("`kind`", ", ".join(event.KINDS)),
                ("`tcp_flags`", ", ".join(f"{k} {v}" for k, v in event.TCP_FLAGS.items())),
                ("`ip_flags`", ", ".join(f"{k} {v}" for k, v in event.IP_FLAGS.items())),
            ],
        )
    )
    out.append("## What verdicts add to the view `events`\n")
    out.append("Joined in only where a query names them (or asks for every column): they cost nothing otherwise.\n")
    out.append(table(("column", "type", "meaning", "意味"), [(f"`{name}`", *told) for name, told in judged.JOINED.items()]))
    out.append("## Functions for addresses\n")
    out.append("In the view `events` an address is text; `address_bytes` makes the bytes of it that these functions take.\n")
    out.append(table(("function", "meaning"), [(f"`{name}`", text) for name, text in FUNCTIONS.items()]))
    told = duckdb.views()
    for view in dict.fromkeys(row["view"] for row in told):
        if view == "events":
            continue
        out.append(f"## The view `{view}`\n")
        mine = [(f"`{r['column']}`", r["type"], r["en"], r["ja"]) for r in told if r["view"] == view]
        out.append(table(("column", "type", "meaning", "意味"), mine))
    return "\n".join(out)


def accounting() -> str:
    """What each reader rejects and ignores."""
    out = [NOTE, "# Formats, and what becomes of a line\n"]
    out.append(
        "Every line of an input is in exactly one of three: it made events (one or more), it was rejected (for a reason, "
        "counted, sampled, kept with `--rejected FILE`), or it was ignored (of another kind, counted). `ingest` has a fourth: "
        "the lake had it already. The numbers add up to the input's lines in every run, and are shown.\n"
    )
    for name in readers.names():
        module = readers.module(name)
        out.append(f"## {name}\n")
        out.append(f"{(inspect.getdoc(module) or '').splitlines()[0]} Status: {module.STATUS}.\n")
        out.append("### Rejected\n")
        out.append(table(("reason",), [(text,) for _, text in sorted(module.REASONS.items())]))
        out.append("### Ignored\n")
        out.append(table(("kind",), [(text,) for _, text in sorted(module.KINDS.items())]))
    return "\n".join(out)


def field_notes(cls: type) -> dict[str, str]:
    """Field of a dataclass -> the string that stands below it in the source."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    found, last = {}, ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last:
            found[last] = " ".join(str(node.value.value).split())
    return found


def settings_page() -> str:
    """Every key of teiten.toml with its default. AssertionError for one without a word about it."""
    assert set(SETTINGS) == settings._TOP, set(SETTINGS) ^ settings._TOP
    assert set(SENSOR) == settings._SENSOR, set(SENSOR) ^ settings._SENSOR
    out = [NOTE, "# Settings: teiten.toml\n"]
    out.append(
        "Nothing need be configured. Looked for in this order: `--config FILE`, `$TEITEN_CONFIG`, `./teiten.toml`. "
        "A flag wins over the file, the file over the default. An unknown key is an error.\n"
    )
    out.append(table(("key", "type", "default", "meaning"), [(f"`{k}`", *v) for k, v in SETTINGS.items()]))
    out.append("## [sensor.NAME]\n")
    out.append(f"Without any, everything is stored under the name `{settings.DEFAULT_SENSOR}`.\n")
    out.append(table(("key", "type", "default", "meaning"), [(f"`{k}`", *v) for k, v in SENSOR.items()]))
    out.append("## [lake]\n")
    told, none = field_notes(settings.Keeping), settings.Keeping()
    rows = [("`path`", "`teiten-lake`", "the lake's folder, relative to this file (as `lake = ...`)")]
    rows += [(f"`{name}`", _default(getattr(none, name)), told[name]) for name in settings.Keeping.__dataclass_fields__]
    out.append(table(("key", "default", "meaning"), rows))
    out.append("## [reading]\n")
    notes, default = field_notes(settings.Reading), settings.Reading()
    rows = [(f"`{name}`", f"{getattr(default, name):,}", notes[name]) for name in settings.Reading.__dataclass_fields__]
    out.append(table(("key", "default", "meaning"), rows))
    out.append("## [names]\n")
    out.append("Off by default, and nothing but `teiten names resolve` ever asks: see the guide on who sees the questions.\n")
    asking, usual = field_notes(settings.Names), settings.Names()
    rows = [(f"`{name}`", _default(getattr(usual, name)), asking[name]) for name in settings.Names.__dataclass_fields__]
    out.append(table(("key", "default", "meaning"), rows))
    out.extend(alerts_part())
    out.extend(notify_part())
    out.extend(station_part())
    out.append("## [store]\n")
    out.append(
        'Of a lake on an object store, `lake = "s3://BUCKET/NAME"`: see the guide on [lakes elsewhere](../guide/en/store.md).\n'
    )
    kept, empty = field_notes(storing.Store), storing.Store()
    rows = [(f"`{name}`", _default(getattr(empty, name)), kept[name]) for name in storing.KEYS]
    out.append(table(("key", "default", "meaning"), rows))
    out.append("## [api]\n")
    told, none = field_notes(answering.Api), answering.Api()
    rows = [(f"`{name}`", _default(getattr(none, name) or None), told[name]) for name in answering.KEYS]
    out.append(table(("key", "default", "meaning"), rows))
    out.extend(serve_part())
    out.append("## [spark]\n")
    out.append('With `engine = "spark"` ([a cluster](../guide/en/cluster.md)); needs `teiten[spark]` and Java 17.\n')
    of_spark, no_spark = field_notes(clustering.Spark), clustering.Spark()
    rows = [(f"`{k}`", _default(getattr(no_spark, k) or None), of_spark[k]) for k in clustering.Spark.__dataclass_fields__]
    out.append(table(("key", "default", "meaning"), rows))
    out.append("## [thresholds]\n")
    out.append(thresholds())
    out.append("## [publish]\n")
    out.append(
        'What log lines in reports, and of `teiten sessions`, show: `mask = "seed"` (the default), `mask = "strict"`, or a '
        "list of the fields to cover. Destination, hardware addresses, quoted packets, gateways and the source of what went "
        "out are covered whatever it says.\n"
    )
    covered = [(f"`{k}`", v, "yes" if k in masks.SEED else "", "yes") for k, v in masks.FIELDS.items()]
    out.append(table(("field", "covers", "seed", "strict"), covered))
    out.append(
        "\n`own_side = false` leaves the section on machines of the observer's own out of reports; "
        "`teiten doctor` tells of them all the same. `name` is who publishes (author of PDFs, of the Atom feed, of lists for "
        "others), `url` where: feeds lead there.\n"
    )
    out.append("`teiten publish` goes by these as well ([the public site](../guide/en/publish.md)):\n")
    rules, preset = field_notes(publishing.Publishing), publishing.Publishing()
    out.append(
        table(
            ("key", "default", "meaning"),
            [(f"`{k}`", _written_rule(getattr(preset, k)), rules[k]) for k in publishing.Publishing.__dataclass_fields__],
        )
    )
    out.append("## [federation]\n")
    out.append("What `teiten federate export` tells the other members ([observed together](../guide/en/federate.md)):\n")
    shared, given = field_notes(federating.Federating), federating.Federating()
    named = federating.Federating.__dataclass_fields__
    out.append(
        table(
            ("key", "default", "meaning"),
            [(f"`{k}`", _written_rule(getattr(given, k) if k != "hosts_key" else ""), shared[k]) for k in named],
        )
    )
    out.append("## An example\n")
    out.append(f"```toml\n{(ROOT / 'examples' / 'teiten.toml').read_text(encoding='utf-8')}```\n")
    return "\n".join(out)


def _written_rule(value: object) -> str:
    """As it is written in TOML."""
    if isinstance(value, tuple):
        return f"`[{', '.join(json.dumps(one) for one in value)}]`"
    return f"`{json.dumps(value)}`"


def alerts_part() -> list[str]:
    """[alerts], its channels and watches."""
    told, none = field_notes(alerting.Alerts), alerting.Alerts()
    rows = [(f"`{name}`", _default(getattr(none, name)), text) for name, text in told.items()]
    assert set(told) == set(alerting.Alerts.__dataclass_fields__) - {"channels", "watches"}
    channel, watch = field_notes(alerting.Channel), field_notes(alerting.Watch)
    assert set(alerting.CHANNEL) == set(alerting.CHANNELS)
    return [
        "## [alerts]\n",
        "Sent by `teiten alert`; without a channel they go to the standard output.\n",
        "Secrets (`url`, `password`, `key`) are named by their place: `url_env` is the variable, `url_file` the file.\n",
        table(("key", "default", "meaning"), rows),
        "### [alerts.channel.NAME]\n",
        "`kind` says which; each may have its `language`.\n",
        table(
            ("kind", "keys", "meaning"),
            [(f"`{k}`", ", ".join(f"`{n}`" for n in v), alerting.MEANS[k]) for k, v in alerting.CHANNEL.items()],
        ),
        table(("key", "meaning"), [(f"`{alerting.SPELT.get(k, k)}`", v) for k, v in channel.items()]),
        "### [[alerts.watch]]\n",
        "What you want to be told of, whatever the rest of the day says. Nothing stated is all of it.\n",
        table(("key", "meaning"), [(f"`{alerting.SPELT.get(k, k)}`", v) for k, v in watch.items()]),
    ]


def notify_part() -> list[str]:
    """[notify]."""
    told, none = field_notes(notifying.Notifying), notifying.Notifying()
    spans = {"again": "`7d`", "unseen": "`7d`"}
    rows = [(f"`{name}`", spans.get(name) or _plain(getattr(none, name) or None), told[name]) for name in told]
    return [
        "## [notify]\n",
        "What `teiten notify` goes by; the guide's page on telling operators. `password` is named by its place.\n",
        table(("key", "default", "meaning"), rows),
    ]


def station_part() -> list[str]:
    """[station], and what each kind of input may be told. AssertionError for a setting without a word about it."""
    told, none = field_notes(stationing.Station), stationing.Station()
    rows = [(f"`{name}`", _written(name, getattr(none, name)), told[name]) for name in stationing.KEYS]
    common = [
        ("`kind`", "which of the kinds below"),
        ("`zone`", "the time zone of its lines, where they do not say one (else `zone` of the file, or of the sensor)"),
        ("`format`", "how its lines are read (else found out by their first lines)"),
    ]
    assert tuple(name.strip("`") for name, _ in common) == inputs.COMMON
    out = [
        "## [station]\n",
        "What comes in live, by `teiten watch`, `teiten sensor`, `teiten collect`. Sizes are written `20GB`, times `15m`.\n",
        table(("key", "default", "meaning"), rows),
        "### [station.input.NAME]\n",
        "One for each thing that is listened to. Every one may have:\n",
        table(("key", "meaning"), common),
    ]
    for kind, module in inputs.kinds().items():
        out.append(f'#### kind = "{kind}"\n')
        out.append(f"{module.MEANS[0].upper()}{module.MEANS[1:]}.\n")
        out.append(
            table(
                ("key", "default", "meaning"),
                [(f"`{key.name}`", "(needed)" if key.needed else _plain(key.default), key.meaning) for key in module.KEYS],
            )
        )
    for head, words, keys in (
        ("collector", "To whom `teiten sensor` sends (`teiten collect add NAME` prints it).", shipping.KEYS),
        ("collect", "Where `teiten collect` listens.", collecting.KEYS),
    ):
        shown = [(f"`{key.name}`", "(needed)" if key.needed else _plain(key.default), key.meaning) for key in keys]
        out += [f"### [station.{head}]\n", words + "\n", table(("key", "default", "meaning"), shown)]
    out += [
        "### [station.task.NAME]\n",
        "What is done when: teiten commands. These go by themselves; a table of the same name changes one of them.\n",
        table(
            ("task", "command", "when"),
            [(f"`{t.name}`", f"`{t.command}`", _when(t)) for t in tasks.usual(alerts=True, retain=True)],
        ),
        table(("key", "default", "meaning"), [(f"`{key.name}`", _plain(key.default), key.meaning) for key in tasks.KEYS]),
        "In a command, words in braces stand for a time as it is when the task is due:\n",
        table(("word", "meaning"), [(f"`{{{word}}}`", meaning) for word, meaning in tasks.WORDS.items()]),
    ]
    return out


def serve_part() -> list[str]:
    """[serve] and [serve.identity]. AssertionError for a setting without a word about it."""
    told, none = field_notes(hosting.Serving), hosting.Serving()
    assert tuple(told) == hosting.KEYS
    who, nobody = field_notes(hosting.Identity), hosting.Identity()
    assert tuple(who) == hosting.IDENTITY
    spans = {"idle": "`12h`", "longest": "`7d`"}
    rows = [(f"`{name}`", spans.get(name) or _plain(getattr(none, name)).replace(",", ""), told[name]) for name in told]
    return [
        "## [serve]\n",
        "Where `teiten serve` listens, and to whom; its flags win. Letting others in: the guide's page on users.\n",
        table(("key", "default", "meaning"), rows),
        "### [serve.identity]\n",
        "Who somebody is, as a proxy in front of the dashboard says: believed from the addresses of `behind` alone.\n",
        table(
            ("key", "default", "meaning"),
            [(f"`{name}`", _plain(getattr(nobody, name) or None), text) for name, text in who.items()],
        ),
    ]


def _when(task: tasks.Task) -> str:
    return f"every {task.every / 60:.0f} minutes" if task.every else "{:02d}:{:02d}".format(*(task.at or (0, 0)))


def _written(name: str, value: object) -> str:
    """A default of [station] as one would write it."""
    if name in ("disk", "queue"):
        assert isinstance(value, int)
        return f"`{value // 10**9}GB`" if value % 10**9 == 0 else f"`{value}` ({value >> 20} MiB)"
    if isinstance(value, Path):
        return f"`{value}`"
    return f"`{value:g}`" if isinstance(value, float) else _default(value or None)


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"`{k}` = `{v}`" for k, v in value.items())
    if isinstance(value, tuple) and list(map(type, value)) == [str, int]:  # where to listen
        return f"`{value[0]}:{value[1]}`"
    return f"{value:g}" if isinstance(value, float) else _default(value)


def thresholds() -> str:
    """The named numbers that decide."""
    rows = [(f"`{name}`", f"{one.default:g}", one.text) for name, one in sorted(settings.THRESHOLDS.items())]
    return table(("key", "default", "meaning"), rows)


def errors_page() -> str:
    """The tree of errors."""
    text = inspect.getdoc(errors) or ""
    title, tree, *rest = text.split("\n\n")
    return "\n".join([NOTE, "# Errors\n", title + "\n", "```text", inspect.cleandoc(tree), "```\n", "\n\n".join(rest) + "\n"])


def data() -> str:
    """What the package carries that others made."""
    out = [NOTE, "# Data and fonts in the package, with their licences\n"]
    rows = []
    base = ROOT / "src" / "teiten" / "data"
    for about in sorted(base.glob("geo/*/about.json")):
        told = json.loads(about.read_text(encoding="utf-8"))
        size = sum(p.stat().st_size for p in about.parent.iterdir()) / 1e6
        links = ", ".join(f"[{text}]({url})" for text, url in told["links"])
        rows.append(
            (f"{told['kind']} ({told['name']})", told["date"], told["source"], told["licence"], links, f"{size:.1f} MB")
        )
    size = sum(p.stat().st_size for p in base.glob("fonts/*.*")) / 1e6
    of = "src/teiten/data/"
    rows += [
        (
            "font (Teiten Sans)",
            "",
            "a subset of Noto Sans CJK JP",
            "SIL OFL 1.1",
            f"{of}fonts/LICENSE-OFL.txt",
            f"{size:.1f} MB",
        ),
        (
            "map of the world",
            "",
            "Natural Earth 1:50m, version 4.1.0, simplified (through world-atlas 2.0.2)",
            "public domain",
            "[Natural Earth](https://www.naturalearthdata.com/)",
            f"{(base / 'world.json').stat().st_size / 1e6:.2f} MB",
        ),
        ("names of countries", "", "Unicode CLDR, short forms of our own", "Unicode License v3", f"{of}LICENSE.cldr", "0.0 MB"),
        (
            "watchlists",
            "",
            "public facts; each names its page ([all of them](watchlists.md))",
            "Apache-2.0",
            f"{of}watchlists/",
            "0.0 MB",
        ),
        (
            "ports",
            "",
            "public facts; each row names its reference ([all of them](ports.md))",
            "Apache-2.0",
            f"{of}ports.toml",
            "0.1 MB",
        ),
    ]
    out.append(table(("what", "date", "made from", "licence", "attribution", "size"), rows))
    out.append(
        "Every report that shows countries or AS names carries the attribution that its data asks for, in its section "
        "on how it was made. `teiten geo status` tells the ages; `teiten geo import` takes your own data; the sets here are "
        "made by `tools/build_geo.py`, the names by `tools/build_countries.py`, the font by `tools/build_fonts.py` (the "
        "small one of the dashboard by `tools/build_web_font.py`), the map by `tools/build_map.py`.\n"
    )
    return "\n".join(out)


def _schema(text: str) -> str:
    """The schema of ports.toml, as its own head tells it."""
    lines = [line.lstrip("#").removeprefix(" ") for line in text.splitlines() if line.startswith("#")]
    start = next(n for n, line in enumerate(lines) if line.startswith("[references]"))
    end = next(n for n, line in enumerate(lines) if line.startswith("A file of your own"))
    return "```text\n" + "\n".join(lines[start:end]).strip() + "\n```\n\n" + " ".join(lines[end:]) + "\n"


def ports_page() -> str:
    """The table of ports: the schema, the groups, every row with who is known to use it, and the references."""
    from teiten.data import ports

    known = ports.load()
    numbers = {key: n for n, key in enumerate(known.references, 1)}
    by_value = {reference: numbers[key] for key, reference in known.references.items()}

    def cited(reference: ports.Reference) -> str:
        return f"[{by_value[reference]}](#references)"

    out = [NOTE, "# Ports / ポートの表\n"]
    out.append(
        f"What the reports say of a port: {len(known.ports)} ports, {len(known.uses)} statements on who is known to use them, "
        f"{len(known.references)} references. / レポートがポートについて述べる内容と、その出典です。\n"
    )
    out += ["## Schema, and a file of your own / 書式と自分の表\n", _schema(ports._text())]
    out.append("```toml\n" + (ROOT / "examples" / "my-ports.toml").read_text(encoding="utf-8") + "```\n")
    out.append("## Groups / まとまり\n")
    rows = [(f"`{g.key}`", g.name("en"), g.name("ja"), ", ".join(g.ports)) for g in known.groups.values()]
    out.append(table(("group", "English", "日本語", "ports"), rows))
    out.append("## Ports / ポート\n")
    cells = []
    for port in known.ports.values():
        users = []
        for use in port.used_by:
            year = f" ({use.since})" if use.since else ""
            users.append(
                f"**{use.name('en')}**{year}, {use.says('en')} / {use.name('ja')}: {use.says('ja')} {cited(use.reference)}"
            )
        instead = f" (for {port.stands_for})" if port.stands_for else ""
        names = dict.fromkeys((port.service("en"), port.service("ja")))
        cells.append(
            (
                f"{port.key}{instead}",
                f"{' / '.join(names)} {cited(port.reference)}",
                port.target,
                f"`{port.group}`" if port.group else "",
                "<br>".join(users),
            )
        )
    out.append(table(("port", "service / 用途", "found on", "group", "known to use it / 使うもの"), cells))
    out.append("## References\n")
    for n, r in enumerate(known.references.values(), 1):
        out.append(f"{n}. {' / '.join(filter(None, (r.text, r.ja)))}{f': <{r.url}>' if r.url else ''}")
    return "\n".join(out)


def parts() -> str:
    """The parts that are found by being there."""
    from teiten.report import sections

    out = [
        NOTE,
        "# Parts\n",
        "Each is a module (or a file) in its folder, found by being there.\n",
        "## Sections of a report\n",
    ]
    found = sections.parts()
    out.append(
        table(
            ("section", "in", "its job"),
            [
                (f"`{p.id}`", ", ".join(p.kinds), (inspect.getdoc(sys.modules[p.build.__module__]) or "").splitlines()[0])
                for p in found
            ],
        )
    )
    out.append("## Benchmarks\n")
    rows = []
    for name, module in bench.benchmarks().items():
        goals = ", ".join(f"`{figure}` {sign} {bound:g}" for figure, (sign, bound) in module.GOALS.items())
        rows.append((f"`{name}`", module.HELP, goals))
    out.append(table(("benchmark", "what", "goals"), rows))
    out.append("## Checks of teiten doctor\n")
    out.append(table(("check", "what it asks"), [(name, inspect.getdoc(check)) for name, check in doctor.checks().items()]))
    out.append("## Languages\n")
    out.append(table(("language", "file"), [(f"`{code}`", f"`src/teiten/lang/{code}.toml`") for code in lang.languages()]))
    return "\n".join(out)


def watchlists_page() -> str:
    """The schema of watchlists, the package's own, and the rules that make verdicts."""
    from teiten.classify import lists, rules, watchlists

    out = [NOTE, "# Watchlists and verdicts / 監視リストと判定\n"]
    out.append(
        "A watchlist says who announced which addresses or names, from when to when, on which page. Rules hold the sources of "
        "each day against the lists at hand, and count; what they find is a verdict (view `verdicts`: [events](events.md)), "
        "an analyst's correction (`teiten note add --correct`) wins over it. / だれがどのアドレスを公表したかのリストと、"
        "それをもとにした送信元の判定です。\n"
    )
    out.append("## Schema, and a list of your own / 書式と自分のリスト\n")
    out.append("A TOML or JSON file.\n")
    out.append(table(("key", "meaning"), [(f"`{k}`", v) for k, v in lists.KEYS.items()]))
    out.append("Each of `entries`:\n")
    out.append(table(("key", "meaning"), [(f"`{k}`", v) for k, v in lists.ENTRY_KEYS.items()]))
    out.append("```toml\n" + (ROOT / "examples" / "my-watchlist.toml").read_text(encoding="utf-8") + "```\n")
    out.append(
        f"A prefix shorter than /{lists.BROADEST[4]} (IPv6: /{lists.BROADEST[6]}) is refused, since it would name most of the "
        "Internet; `teiten watchlist import --allow-broad` takes it.\n"
    )
    out.append("## Lists in the package / 付属のリスト\n")
    rows = []
    for one in lists.package_lists():
        for entry in one.entries:
            holds = ", ".join([*(f"`{p}`" for p in entry.prefixes), *(f"`{n}`" for n in entry.names)])
            known = lists.named([one])[entry.organisation]
            who = " / ".join(dict.fromkeys((known.en, known.ja)))
            days = f"{entry.start or ''} – {entry.end or ''}" if entry.start or entry.end else "not stated"
            who += "" if entry.organisation in who else f" (`{entry.organisation}`)"
            rows.append((f"`{one.name}` {one.version}", who, days, f"<{entry.page or known.page}>", holds))
    out.append(table(("list", "organisation", "validity", "page", "prefixes, names"), rows))
    out.append("Others' lists are not in the package: `teiten watchlist import` takes them in, with their date and licence.\n")
    out.append("## Rules / 判定規則\n")
    out.append("In this order; of two that give one label to one source on one day the first stands.\n")
    cells = []
    for part in rules.parts():
        rule = part.rule
        numbers = {name: f"`{name}` ({settings.THRESHOLDS[name].default:g})" for name in rule.thresholds}
        because = " / ".join(rule.because[code].format(**numbers) for code in lang.languages())
        cells.append((f"`{rule.id}`", f"`{rule.label}`", because, rule.source))
    out.append(table(("rule", "label", "because / 理由", "source / 出典"), cells))
    out.append("## How sure / 確からしさ\n")
    days = watchlists.OLD_AFTER.days
    sure = [
        (watchlists.STATED, "a prefix whose stated validity holds the day (without an end: within a year of its beginning)"),
        (watchlists.FRESH, f"a prefix without a validity, on a list made within {days} days of the day"),
        (watchlists.AGED, "a prefix without a validity, on a list older or younger than that; an open end after a year"),
        (watchlists.CONFIRMED, "a PTR name that was looked up and has the address too: the domain's holder says so"),
        (
            watchlists.NAMED,
            "a PTR name of your own table: whoever holds an address writes its name, its address was not asked for",
        ),
        (1.0, "a count (port scanner), and an analyst's correction"),
    ]
    out.append(table(("confidence", "where"), [(f"{value:g}", text) for value, text in sure]))
    return "\n".join(out)


def manifests() -> str:
    """What stands in a report's manifest.json."""
    from teiten.report import manifest

    _, keys, last = re.split(r"\n\n(?=    \w|No place)", inspect.getdoc(manifest) or "", maxsplit=2)
    rows = []
    for line in keys.splitlines():
        if match := re.match(r"    (\w+) +(.*)", line):
            rows.append([f"`{match[1]}`", match[2]])
        else:
            rows[-1][1] += " " + line.strip()
    out = [
        NOTE,
        f"# manifest.json, version {manifest.VERSION}\n",
        (
            "Every report's folder has one: it says from what the report was made. `teiten report --again DIR/manifest.json` "
            "makes it again from the lake as it was then, and says what is not the same. Older editions' manifests and rows "
            f"lie under `{manifest.OLDER}/N/`.\n"
        ),
        table(("key", "what it holds"), rows),
        last,
    ]
    return "\n".join(out) + "\n"


def api_page() -> str:
    """Every address of the API with its words and columns, as its description (OpenAPI) has them."""
    from teiten.web.api import _forms, _shape, openapi

    told = openapi.described()
    out = [NOTE, "# The API\n"]
    out.append(
        f"{told['info']['description']} How to use it is in the guide ([English](../guide/en/api.md), "
        "[日本語](../guide/ja/api.md)); the same for programs: `/api/v1/openapi.json`.\n"
    )
    for tag, found in openapi.grouped().items():
        if tag == "dshield":
            continue
        out.append(f"## {tag}\n")
        for same in _same_answers(found):
            paths = " · ".join(f"`{openapi.shown(one.whole)}`" for one in same)
            first = same[0]
            words = [name for name in _shape.words() if name in _shape.known(first)]
            out.append(
                f"{paths}\n\n{_sentence(first.key)} Scope: `{first.scope}`. Words: {', '.join(f'`{w}`' for w in words)}.\n"
            )
            rows = [
                (f"`{c.name}`", c.kind + ("?" if c.null else ""), openapi.meaning(c, "en"), openapi.meaning(c, "ja"))
                for c in {c.name: c for one in same for c in (*one.columns, *one.more)}.values()
            ]
            if rows:
                out.append(table(("column", "type", "meaning", "意味"), rows))
    out.append("Types: int, num, text, bool, day (YYYY-MM-DD), moment (ISO 8601 with zone); ?: it may be null.\n")
    out.append("## In the form of ISC's API\n")
    dshield = [(f"`{openapi.shown(one.whole)}`", _sentence(one.key)) for one in openapi.grouped()["dshield"]]
    out.append(table(("address", "what it gives"), dshield))
    out.append("## Words of a query\n")
    known = told["components"]["parameters"]
    rows = [(f"`{name}`", word["description"], f"`{word['example']}`") for name, word in known.items()]
    out.append(table(("word", "meaning", "example"), rows))
    out.append("## Formats\n")
    out.append(table(("`format`", "Content-Type"), [(f"`{form}`", f"`{kind}`") for form, kind in _forms.TYPES.items()]))
    out.append("## What an answer may be\n")
    status = {"200": "the answer", **{code: lang.words("en")(f"api.status_{code}") for code in openapi.STATUSES}}
    out.append(table(("status", "meaning"), status.items()))
    return "\n".join(out)


def _sentence(key: str) -> str:
    return lang.words("en")(f"api_address.{key}") + "."


def _same_answers(found: Sequence[Any]) -> list[list[Any]]:
    """Addresses that differ in their last part alone stand together."""
    out: dict[tuple[str, int], list[Any]] = {}
    for one in found:
        out.setdefault((one.key, one.path.count("/")), []).append(one)
    return list(out.values())


def pages() -> dict[str, str]:
    """File name -> text of every page of docs/reference that is made from the code."""
    made = {
        "commands.md": commands(),
        "events.md": events(),
        "formats.md": accounting(),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
        "data.md": data(),
        "ports.md": ports_page(),
        "parts.md": parts(),
        "watchlists.md": watchlists_page(),
        "manifest.md": manifests(),
        "api.md": api_page(),
    }
    return {name: text.rstrip() + "\n" for name, text in made.items()}


def main(argv: Sequence[str]) -> None:
    folder = Path(argv[0]) if argv else HERE
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


if __name__ == "__main__":
    main(sys.argv[1:])
