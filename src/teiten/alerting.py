"""[alerts] of teiten.toml as values: channels, quiet hours, what is to be told, and watches of the user's own. Checked here.

Secrets (a password, an address that lets whoever knows it send) come from the environment or a file; no text of ours has them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.data import countries
from teiten.errors import UsageError

Span = tuple[int, int | None, int | None]
"""protocol number, first and last port; None where the protocol has none"""

CONFIDENCES: Final = ("sure", "likely", "possible")
CHANNELS: Final = ("stdout", "file", "webhook", "mail", "apprise")
WHENS: Final = ("rises", "new", "over")
TLS: Final = ("starttls", "tls", "none")
_PORT: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?/(tcp|udp)", re.ASCII | re.IGNORECASE)
_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that must not be shown: as written, or where it is found. Its text is never part of a message of ours."""

    name: str
    """the setting's"""
    plain: str | None = field(default=None, repr=False)
    variable: str | None = None
    path: Path | None = None

    def value(self) -> str:
        """The secret itself. UsageError where it is not there."""
        if self.plain is not None:
            return self.plain
        if self.variable is not None:
            found = os.environ.get(self.variable, "").strip()
            if not found:
                raise UsageError(
                    f"The environment has no {self.variable}, from which {self.name} is taken.", hint="Set it for this command."
                )
            return found
        assert self.path is not None
        try:
            found = self.path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(f"{self.path}, from which {self.name} is taken, cannot be read: {why}.") from None
        if not found:
            raise UsageError(f"{self.path}, from which {self.name} is taken, is empty.", hint="Write it on one line.")
        return found


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts go: one table [alerts.channel.NAME]."""

    name: str
    kind: str
    """one of `CHANNELS`"""
    language: str | None = None
    """`ja` or `en`; without it that of [alerts]"""
    path: Path | None = None
    """the file to which messages are added, a line of JSON each"""
    url: Secret | None = None
    """where messages are sent; for apprise its own address of a service"""
    key: Secret | None = None
    """signs messages: the header `X-Teiten-Signature` has the HMAC-SHA-256 of the body"""
    server: str = ""
    """the mail server's name"""
    port: int = 0
    """its port (587 with starttls, 465 with tls, 25 with none)"""
    tls: str = "starttls"
    """`starttls`, `tls` or `none`"""
    user: str = ""
    """who logs in there, where it asks for that"""
    password: Secret | None = None
    """with which password"""
    sender: str = ""
    """the mail's sender"""
    to: tuple[str, ...] = ()
    """who gets it: one address or several"""
    ca: Path | None = None
    """a file of certificates that are trusted in place of the machine's"""
    timeout: float = 10
    """seconds that are waited for an answer (10)"""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the user asked to be told: one table [[alerts.watch]]. Nothing stated: of everything."""

    name: str
    """how it is called in messages (made from the rest where it is left out)"""
    when: str = "rises"
    """`rises` (the default): above its usual; `new`: a port, or of a named port a country, or else an AS, that was not seen in
    the days before; `over`: more packets than a number"""
    ports: tuple[Span, ...] = ()
    """one or several: `"9530/tcp"`, `"5000-5010/tcp"`, `"icmp"`"""
    country: tuple[str, ...] = ()
    """country of the sources, one or several"""
    asn: tuple[int, ...] = ()
    """AS of the sources, one or several"""
    prefix: str | None = None
    """the sources themselves; asks the lake's events"""
    sensor: str | None = None
    """at that sensor alone"""
    group: str | None = None
    """at the sensors of that group alone"""
    over: float = 0
    """with `when = "over"`: the number of packets"""
    per: str = "day"
    """in an `hour` or in a `day` (the default)"""
    times: float | None = None
    """with `when = "rises"`: at least so many times its usual (else the threshold `detect_watch_times`)"""


@dataclass(frozen=True, slots=True)
class Alerts:
    """What is told of at once, to whom, and when not."""

    language: str | None = None
    """language of the messages; without it, that of the other settings"""
    least: str = "likely"
    """how sure a change must be: sure, likely, possible"""
    kinds: tuple[str, ...] = ()
    """kinds of change that are told (`burst`, `new_port`, ...); none: all of them, but changes of rank and the like of it"""
    leave: tuple[str, ...] = ()
    """kinds that are not told"""
    quiet: tuple[dt.time, dt.time] | None = None
    """times of the day, written `"23:00-07:00"`, in which nothing is sent; what is due then goes out together afterwards"""
    quiet_but: tuple[str, ...] = ("silent", "outage")
    """kinds that are sent in quiet hours too; `silent` is a sensor from which nothing arrives, `all` is everything"""
    together_minutes: int = 10
    """messages are so many minutes apart at least: what becomes due in between goes together into the next"""
    grows: float = 2
    """what was told is told again when it has grown to so many times that"""
    ended: bool = True
    """whether the end of what was told is told"""
    silent_hours: float | None = None
    """a sensor is told to be silent after so many hours; without it, when its own usual rate makes its silence improbable"""
    keep_trying_hours: int = 72
    """a message that a channel does not take is tried again, at growing distances, for so many hours"""
    heartbeat: Secret | None = None
    """an address that is asked for, or a file that is written, after each run that went well: what looks at it notices that
    `teiten alert` itself has stopped"""
    channels: tuple[Channel, ...] = ()
    watches: tuple[Watch, ...] = ()


_KEYS: Final = {*Alerts.__dataclass_fields__, "channel", "watch", "heartbeat_env", "heartbeat_file"} - {"channels", "watches"}
CHANNEL: Final[dict[str, tuple[str, ...]]] = {
    "stdout": (),
    "file": ("path",),
    "webhook": ("url", "url_env", "url_file", "key_env", "key_file", "ca", "timeout"),
    "mail": ("server", "port", "tls", "user", "password_env", "password_file", "from", "to", "ca", "timeout"),
    "apprise": ("url", "url_env", "url_file", "timeout"),
}
"""kind of channel -> the keys that its table may have"""
MEANS: Final = {
    "stdout": "to the standard output, as text",
    "file": "a line of JSON each at the end of a file",
    "webhook": "as JSON by HTTP POST",
    "mail": "by SMTP",
    "apprise": "to Slack, Mattermost, Teams, Matrix, ntfy and some hundred more through apprise (`pip install teiten[alerts]`)",
}
SPELT: Final = {"ports": "port", "sender": "from"}
"""how a field is spelt in teiten.toml where that is another word"""
_WATCH: Final = {"name", "when", "port", "country", "asn", "prefix", "sensor", "group", "over", "per", "times"}


def read(table: Mapping[str, Any], where: str, base: Path) -> Alerts:
    """[alerts], checked. `base`: the folder to which files are relative. UsageError."""
    _known(table, _KEYS, where)
    out: dict[str, Any] = {}
    if "language" in table:
        out["language"] = _one_of(table["language"], ("ja", "en"), f"{where}: language")
    if "least" in table:
        out["least"] = _one_of(table["least"], CONFIDENCES, f"{where}: least")
    for key in ("kinds", "leave", "quiet_but"):
        if key in table:
            out[key] = _texts(table[key], f"{where}: {key}")
    if "quiet" in table:
        out["quiet"] = _quiet(table["quiet"], f"{where}: quiet")
    if "together_minutes" in table:
        out["together_minutes"] = int(_number(table["together_minutes"], f"{where}: together_minutes", 0, 1440))
    if "grows" in table:
        out["grows"] = _number(table["grows"], f"{where}: grows", 1.1, 1000)
    if "ended" in table:
        if not isinstance(table["ended"], bool):
            raise UsageError(f"{where}: ended must be true or false, not {table['ended']!r}.")
        out["ended"] = table["ended"]
    if "silent_hours" in table:
        out["silent_hours"] = _number(table["silent_hours"], f"{where}: silent_hours", 0.1, 24 * 60)
    if "keep_trying_hours" in table:
        out["keep_trying_hours"] = int(_number(table["keep_trying_hours"], f"{where}: keep_trying_hours", 1, 24 * 30))
    out["heartbeat"] = secret(table, "heartbeat", where, base, files=True)
    out["channels"] = _channels(table.get("channel", {}), f"{where}, [alerts.channel", base)
    out["watches"] = _watches(table.get("watch", []), where)
    return Alerts(**out)


def _channels(tables: Any, where: str, base: Path) -> tuple[Channel, ...]:
    if not isinstance(tables, dict):
        raise UsageError(f"{where}] must be a table of channels, written [alerts.channel.NAME].")
    return tuple(_channel(name, table, f"{where}.{name}]", base) for name, table in tables.items())


def _channel(name: str, table: Any, where: str, base: Path) -> Channel:
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    kind = _one_of(table.get("kind"), CHANNELS, f"{where}: kind")
    _known(table, {"kind", "language", *CHANNEL[kind]}, where)
    out: dict[str, Any] = {"name": name, "kind": kind}
    if "language" in table:
        out["language"] = _one_of(table["language"], ("ja", "en"), f"{where}: language")
    for key in ("path", "ca"):
        if key in table:
            out[key] = base / Path(_text(table[key], f"{where}: {key}")).expanduser()
    if "timeout" in table:
        out["timeout"] = _number(table["timeout"], f"{where}: timeout", 0.1, 300)
    if kind == "file" and "path" not in out:
        raise UsageError(f"{where} has no path.", hint='Write path = "alerts.jsonl".')
    if kind in ("webhook", "apprise"):
        out["url"] = secret(table, "url", where, base)
        if out["url"] is None:
            raise UsageError(f"{where} has no url.", hint='Write url_env = "NAME", and its address into that variable.')
    if kind == "webhook":
        out["key"] = secret(table, "key", where, base)
    return Channel(**out, **(_mail(table, where, base) if kind == "mail" else {}))


def _mail(table: Mapping[str, Any], where: str, base: Path) -> dict[str, Any]:
    for key in ("server", "from", "to"):
        if not table.get(key):
            raise UsageError(f"{where} has no {key}.", hint="A mail has server, from and to.")
    to = table["to"]
    return {
        **mail_server(table, where, base),
        "sender": _address(table["from"], f"{where}: from"),
        "to": tuple(_address(one, f"{where}: to") for one in (to if isinstance(to, list) else [to])),
    }


def mail_server(table: Mapping[str, Any], where: str, base: Path) -> dict[str, Any]:
    """The mail server that a table names: server, port, tls, user, password. UsageError."""
    tls = _one_of(table.get("tls", "starttls"), TLS, f"{where}: tls")
    usual = {"starttls": 587, "tls": 465, "none": 25}[tls]
    user = _text(table.get("user", ""), f"{where}: user")
    password = secret(table, "password", where, base)
    if bool(user) != (password is not None):
        raise UsageError(f"{where} has a user without a password, or the other way round.", hint="Write user and password_env.")
    server = _text(table["server"], f"{where}: server")
    if user and tls == "none" and server not in ("localhost", "127.0.0.1", "::1"):
        raise UsageError(f"{where}: a password would go over the net in plain sight.", hint='Write tls = "starttls".')
    return {
        "server": server,
        "port": int(_number(table.get("port", usual), f"{where}: port", 1, 65535)),
        "tls": tls,
        "user": user,
        "password": password,
    }


def _address(value: Any, where: str) -> str:
    text = _text(value, where)
    if not re.fullmatch(r"[^@\r\n]+@[^@\s]+", text):
        raise UsageError(f"{where}: '{text}' is no mail address.", hint="Write it like desk@example.org.")
    return text


def secret(table: Mapping[str, Any], key: str, where: str, base: Path, *, files: bool = False) -> Secret | None:
    """What must not be shown, as a table says it: `key`, `key_env` or `key_file`.

    With `files`, key_file names the file that is meant itself. None where the table says nothing of it. UsageError."""
    given = [name for name in (key, f"{key}_env", f"{key}_file") if name in table]
    if not given:
        return None
    if len(given) > 1:
        raise UsageError(f"{where} has {' and '.join(given)}.", hint="Keep one of them.")
    text, name = _text(table[given[0]], f"{where}: {given[0]}"), f"{where}: {key}"
    if given[0] == f"{key}_file":
        path = base / Path(text).expanduser()
        return Secret(name, plain=str(path)) if files else Secret(name, path=path)
    if given[0] == f"{key}_env":
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
            # an address that was written here by mistake is a secret too
            raise UsageError(
                f"{where}: {key}_env is no name of a variable.", hint="Write the variable's name, not its content."
            )
        return Secret(name, variable=text)
    return Secret(name, plain=text)


def _watches(tables: Any, where: str) -> tuple[Watch, ...]:
    if not isinstance(tables, list):
        raise UsageError(f"{where}: watches are written [[alerts.watch]].")
    out: list[Watch] = []
    for number, table in enumerate(tables, 1):
        spot = f"{where}, [[alerts.watch]] {number}"
        if not isinstance(table, dict):
            raise UsageError(f"{spot} must be a table.")
        _known(table, _WATCH, spot)
        out.append(_watch(table, spot))
        if out[-1].name in [one.name for one in out[:-1]]:
            raise UsageError(f"{spot}: there is another '{out[-1].name}'.", hint='Give each a name = "..." of its own.')
    return tuple(out)


def _watch(table: Mapping[str, Any], where: str) -> Watch:
    when = _one_of(table.get("when", "over" if "over" in table else "rises"), WHENS, f"{where}: when")
    if (when == "over") != ("over" in table):
        raise UsageError(f'{where}: when = "over" needs over = NUMBER, and nothing else has it.', hint="Write over = 100.")
    if "per" in table and when != "over":
        raise UsageError(f"{where}: per belongs to over.", hint='Write over = 100, per = "hour".')
    if "times" in table and when != "rises":
        raise UsageError(f'{where}: times belongs to when = "rises".')
    ports = _listed(table.get("port", []))
    named = _listed(table.get("country", []))
    asn = _listed(table.get("asn", []))
    prefix = _prefix(table["prefix"], f"{where}: prefix") if "prefix" in table else None
    spans = tuple(span(one, f"{where}: port") for one in ports)
    if prefix and when == "new":
        raise UsageError(f'{where}: a prefix is watched with when = "rises" or over.')
    if prefix and (named or asn):
        raise UsageError(f"{where}: a prefix has its country and AS itself.", hint="Leave country and asn out.")
    made = {
        "when": when,
        "ports": spans,
        "country": tuple(_country(one, f"{where}: country") for one in named),
        "asn": tuple(int(_number(one, f"{where}: asn", 1, 2**32 - 1)) for one in asn),
        "prefix": prefix,
        "sensor": _text(table["sensor"], f"{where}: sensor") if "sensor" in table else None,
        "group": _text(table["group"], f"{where}: group") if "group" in table else None,
        "over": _number(table["over"], f"{where}: over", 1, 1e15) if "over" in table else 0,
        "per": _one_of(table.get("per", "day"), ("hour", "day"), f"{where}: per"),
        "times": _number(table["times"], f"{where}: times", 1, 1e6) if "times" in table else None,
    }
    parts = [*map(str, ports), *(str(one) for one in named), *(f"AS{one}" for one in asn)]
    parts += [str(table[key]) for key in ("prefix", "sensor", "group") if key in table]
    name = _text(table["name"], f"{where}: name") if "name" in table else " ".join([*parts, when])
    return Watch(name=name, **made)


def span(value: Any, where: str) -> Span:
    """'9530/tcp', '5000-5010/tcp', 'icmp' -> protocol, first, last. UsageError."""
    text = _text(value, where).lower()
    if text in ("icmp", "icmpv6"):
        return _PROTOCOLS[text], None, None
    found = _PORT.fullmatch(text)
    if found is None or not 0 < int(found[1]) <= int(found[2] or found[1]) < 65536:
        raise UsageError(f"{where}: '{text}' is no port.", hint="Write 9530/tcp, 5000-5010/tcp, 53/udp or icmp.")
    return _PROTOCOLS[found[3]], int(found[1]), int(found[2] or found[1])


def _country(value: Any, where: str) -> str:
    code = countries.find(_text(value, where))
    if code is None:
        raise UsageError(f"{where}: '{value}' is no country that I know.", hint="Write a code such as TW.")
    return code


def _prefix(value: Any, where: str) -> str:
    try:
        return str(ipaddress.ip_network(_text(value, where), strict=False))
    except ValueError:
        raise UsageError(f"{where}: '{value}' is no prefix.", hint="Write 192.0.2.0/24 or 2001:db8::/32.") from None


def _quiet(value: Any, where: str) -> tuple[dt.time, dt.time]:
    found = _CLOCK.fullmatch(_text(value, where))
    if found is None:
        raise UsageError(f"{where}: '{value}' is no time of the day.", hint='Write it like "23:00-07:00".')
    first, last = dt.time(int(found[1]), int(found[2])), dt.time(int(found[3]), int(found[4]))
    if first == last:
        raise UsageError(f"{where}: '{value}' is all of the day or nothing of it.", hint='Write it like "23:00-07:00".')
    return first, last


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _known(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(sorted(known))}.")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} must be a text, not {value!r}.")
    return value.strip()


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{where} must be a list of names, not {value!r}.")
    return tuple(_text(one, where) for one in value)


def _one_of(value: Any, known: tuple[str, ...], where: str) -> Any:
    if value not in known:
        raise UsageError(f"{where} must be one of {', '.join(known)}, not {value!r}.")
    return value


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{where} must be a number from {low:g} to {high:g}, not {value!r}.")
    return value
