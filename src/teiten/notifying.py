"""[notify] of teiten.toml as values: who tells operators of infected hosts, of which, how often, over which mail server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.alerting import Secret, mail_server
from teiten.errors import UsageError
from teiten.stationing import seconds, size, text

RULES: Final[dict[str, str]] = {
    "tool_mirai": "infected",
    "mirai_wide": "suspected",
    "telnet_without_mirai": "scanned",
}
"""rules whose sources operators may be told of -> what a letter claims: 'infected' (a mark that an infected device leaves),
'suspected' (the same mark, by a wider count than the published one), 'scanned' (what it did, and no more)"""
ATTACHED: Final = ("csv", "shadowserver")
DAY: Final = 86_400
CSV_LEAST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Notifying:
    """Whom `teiten notify` tells of what, and how."""

    name: str = ""
    """who tells: an organisation or a person, as letters sign"""
    mail: str = ""
    """the address that letters come from, and that answers go to"""
    reference: str = ""
    """a page that says who you are and how you observe; letters name it"""
    contacts: Path | None = None
    """a CSV of contacts: `prefix` or `asn`, `mail`, and where known `name`, `language`, `zone`"""
    rdap: Path | None = None
    """a saved answer of RDAP (JSON), or a folder of them: abuse contacts of networks and AS numbers"""
    language: str | None = None
    """language of letters to contacts that state none (`ja`, `en`); without it, Japanese for `.jp`, else English"""
    rules: tuple[str, ...] = ("tool_mirai",)
    """rules by whose verdicts a host is told of: tool_mirai, mirai_wide, telnet_without_mirai"""
    least: float = 0.9
    """how sure a verdict must be (0 to 1)"""
    again: float = 7 * DAY
    """a contact is not told of the same host again within this time unless another rule speaks of it, written `7d`"""
    unseen: float = 7 * DAY
    """a host is counted as unseen since it was told where so long after it nothing more speaks of it, written `7d`"""
    attach: tuple[str, ...] = ("csv",)
    """tables that are attached to a letter: `csv` (local times and UTC), `shadowserver` (its columns)"""
    most_bytes: int = 2_000_000
    """bytes of tables attached to one letter, at most; what does not fit goes into further letters, written `2MB`"""
    most_letters: int = 10
    """letters to one contact at once, at most; hosts beyond them are counted in the letter and are told the next time"""
    server: str = ""
    """the mail server that `teiten notify send` hands letters to; without it nothing can be sent"""
    port: int = 0
    """its port (587 with starttls, 465 with tls, 25 with none)"""
    tls: str = "starttls"
    """`starttls`, `tls` or `none`"""
    user: str = ""
    """who logs in there, where it asks for that"""
    password: Secret | None = field(default=None)
    """with which password: `password_env` names the variable, `password_file` the file that has it"""
    ca: Path | None = None
    """a file of certificates that are trusted in place of the machine's"""
    timeout: float = 30
    """seconds that are waited for the server's answer"""


_SERVER: Final = ("server", "port", "tls", "user", "password_env", "password_file", "ca", "timeout")
KEYS: Final = frozenset(Notifying.__dataclass_fields__) - {"password"} | set(_SERVER)


def read(table: Any, where: str, base: Path) -> Notifying:
    """[notify], checked. `base`: the folder to which files are relative. UsageError."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    for key in table:
        if key not in KEYS:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(sorted(KEYS))}.")
    out: dict[str, Any] = {}
    for key in ("name", "reference"):
        if key in table:
            out[key] = _line(table[key], f"{where}: {key}")
    if "mail" in table:
        out["mail"] = _line(table["mail"], f"{where}: mail")
        if out["mail"].count("@") != 1 or " " in out["mail"] or not out["mail"].isascii():
            raise UsageError(f"{where}: '{out['mail']}' is no mail address.", hint="Write it like desk@example.org.")
    for key in ("contacts", "rdap", "ca"):
        if key in table:
            out[key] = base / Path(text(table[key], f"{where}: {key}")).expanduser()
    if "language" in table:
        if table["language"] not in ("ja", "en"):
            raise UsageError(f"{where}: language must be ja or en, not {table['language']!r}.")
        out["language"] = table["language"]
    for key, known in (("rules", tuple(RULES)), ("attach", ATTACHED)):
        if key in table:
            out[key] = _chosen(table[key], known, f"{where}: {key}", empty=key == "attach")
    if "least" in table:
        out["least"] = _number(table["least"], f"{where}: least", 0, 1)
    for key in ("again", "unseen"):
        if key in table:
            out[key] = seconds(table[key], f"{where}: {key}", 0 if key == "again" else DAY, 3660 * DAY)
    if "most_bytes" in table:
        found = table["most_bytes"]
        out["most_bytes"] = (
            found if isinstance(found, int) and not isinstance(found, bool) else size(found, f"{where}: most_bytes")
        )
        if not CSV_LEAST <= out["most_bytes"] <= 50_000_000:
            raise UsageError(f"{where}: most_bytes lies between 10 kB and 50 MB, and {found!r} does not.")
    if "most_letters" in table:
        out["most_letters"] = int(_number(table["most_letters"], f"{where}: most_letters", 1, 1000))
    if "server" in table:
        out.update(mail_server(table, where, base))
    elif beside := [key for key in _SERVER if key in table and key != "ca"]:
        raise UsageError(f"{where}: {beside[0]} belongs to a server.", hint='Write server = "mail.example.org".')
    if "timeout" in table:
        out["timeout"] = _number(table["timeout"], f"{where}: timeout", 0.1, 600)
    return Notifying(**out)


def _line(value: Any, where: str) -> str:
    """A text of one line. UsageError."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > 300:
        raise UsageError(f"{where} must be a text of one line, not {value!r}.")
    return value.strip()


def _chosen(value: Any, known: tuple[str, ...], where: str, *, empty: bool) -> tuple[str, ...]:
    if not isinstance(value, list) or not (value or empty) or any(one not in known for one in value):
        raise UsageError(f"{where} must be a list of some of {', '.join(known)}, not {value!r}.")
    return tuple(dict.fromkeys(value))


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{where} must be a number from {low:g} to {high:g}, not {value!r}.")
    return float(value)
