"""What a payload would fetch, run and log in with, drawn out of its words; the words are never run.

A payload's text is read as it stands and as the target would have read it: percent signs, plus signs, SOAP's entities,
`${IFS}`, echo's \\x2f, base64 that is piped into a shell. Every repetition in a pattern has a bound: no text makes one slow.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

MOST: Final = 1 << 16
"""bytes of a payload that are looked at"""
_FOUND: Final = 64
"""of each kind, at most"""
_URL: Final = re.compile(r"\b(?:https?|t?ftps?|ldaps?|rmi|dns|iiop|ws{1,2})://[^\s'\"<>`;|&(){}\\]{1,400}", re.IGNORECASE)
_HOST: Final = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9][a-z0-9\-]{0,62}(?:\.[a-z0-9][a-z0-9\-]{0,62}){1,6})"
_END: Final = r"[^\s;|&`]{1,100}"
_FETCH: Final = re.compile(
    r"\b(?:wget|curl|fetch|lwp-download)(?: {1,3}-{1,2}[a-z\-]{1,20}){0,6} {1,3}"
    rf"({_HOST}(?::\d{{1,5}})?/[^\s'\"<>`;|&()]{{0,300}})",
    re.IGNORECASE,
)
_TFTP: Final = re.compile(
    rf"\btftp\b[^\n;|&`]{{0,80}}?"
    rf"(?:-r {{1,3}}({_END}) {{1,3}}({_HOST})|({_HOST})[^\n;|&`]{{0,20}}?-c {{1,3}}get {{1,3}}({_END}))",
    re.IGNORECASE,
)
_FTPGET: Final = re.compile(
    rf"\bftpget\b(?: {{1,3}}-[a-z](?: {{1,3}}[\w.]{{1,40}})?){{0,6}} {{1,3}}({_HOST}) {{1,3}}{_END}(?: {{1,3}}({_END}))?",
    re.IGNORECASE,
)
_BUSYBOX: Final = re.compile(
    rf"\bwget\b[^\n;|&`]{{0,20}}?-g {{1,3}}({_HOST}(?::\d{{1,5}})?)[^\n;|&`]{{0,120}}?-r {{1,3}}(/?[^\s;|&`<>()'\"]{{1,100}})",
    re.IGNORECASE,
)
"""wget as Realtek's and Huawei's firmware has it: -g HOST -l FILE -r PATH"""
_PLUS: Final = re.compile(r"\b(?:wget|curl|tftp|chmod|busybox|rm|cd)\+", re.IGNORECASE)
_TCP: Final = re.compile(rf"/dev/(tcp|udp)/({_HOST})/(\d{{1,5}})")
_NC: Final = re.compile(rf"\bnc(?:at)?(?: {{1,3}}-[a-z]{{1,6}}){{0,4}} {{1,3}}({_HOST}) {{1,3}}(\d{{1,5}})", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{24,4000}={0,2}")
_ESCAPED: Final = re.compile(r"(?:\\x[0-9a-fA-F]{2}){4,}")
_BASIC: Final = re.compile(rb"^Authorization: {0,3}Basic {1,3}([A-Za-z0-9+/=]{4,400})\r?$", re.IGNORECASE | re.MULTILINE)
_FORM: Final = re.compile(
    rb"(?:^|[&?\s\"{,;])\"?(?:user(?:name)?|login|usr|account|log|psd_user|name)\"?[=:]\"?([^&\s\",;}]{0,100})[^\n]{0,200}?"
    rb"[&\s\",;]\"?(?:pass(?:word|wd)?|pwd|psd|pw)\"?[=:]\"?([^&\s\",;}]{0,100})",
    re.IGNORECASE,
)
_SIP: Final = re.compile(
    rb"^Authorization: {0,3}Digest [^\r\n]{0,200}?username=\"([^\"\r\n]{0,100})\"", re.IGNORECASE | re.MULTILINE
)
_FTP: Final = re.compile(rb"^USER {1,3}([^\r\n]{0,100})\r?\nPASS {1,3}([^\r\n]{0,100})", re.IGNORECASE | re.MULTILINE)
_VERBS: Final = frozenset((
    "wget", "curl", "tftp", "ftpget", "busybox", "chmod", "chown", "sh", "bash", "ash", "rm", "cd", "cp", "mv", "cat", "echo",
    "printf", "kill", "killall", "pkill", "nc", "ncat", "ps", "uname", "id", "whoami", "ls", "mount", "dd", "iptables",
    "crontab", "nohup", "perl", "python", "python3", "php", "powershell", "cmd", "certutil", "bitsadmin", "enable", "system",
    "shell", "linuxshell", "su", "sudo", "reboot", "export", "eval", "exec", "touch", "mkdir", "passwd", "useradd", "ssh",
    "scp", "setenforce", "ulimit", "history", "unset", "sleep", "xmrig", "docker", "base64",
))  # fmt: skip
_PARTS: Final = re.compile(r"[;\n|&`]+|\$\(|\)")
_TELNET: Final = ("telnet",)
_AFTER: Final = frozenset(("enable", "system", "shell", "linuxshell", "sh", "development", "config terminal"))
"""what bots type once they believe to be in"""


@dataclass(frozen=True, slots=True)
class Download:
    """Something that would have been fetched: an address, and by which means."""

    url: str
    means: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was found, each thing once, in order. Texts as they were sent: show them by `shown`."""

    downloads: tuple[Download, ...] = ()
    commands: tuple[str, ...] = ()
    credentials: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    """there may be more: of each kind only the first are told, and of a payload its beginning"""


@dataclass(slots=True)
class _Found:
    downloads: dict[Download, None] = field(default_factory=dict)
    commands: dict[str, None] = field(default_factory=dict)
    credentials: dict[tuple[str, str], None] = field(default_factory=dict)


def of(messages: Sequence[bytes], service: str = "") -> Drawn:
    """What one connection's messages hold; service: what was spoken (`telnet`: names and passwords are lines)."""
    found = _Found()
    cut = any(len(one) > MOST for one in messages)
    if service in _TELNET:
        _logins(found, messages)
    for message in messages:
        data = message[:MOST]
        _credentials(found, data)
        for text in readings(data):
            _downloads(found, text)
            _commands(found, text)
    cut = cut or max(len(found.downloads), len(found.commands), len(found.credentials)) > _FOUND
    return Drawn(tuple(found.downloads)[:_FOUND], tuple(found.commands)[:_FOUND], tuple(found.credentials)[:_FOUND], cut)


def credentials(data: bytes) -> tuple[tuple[str, str], ...]:
    """Names and passwords that stand in one payload."""
    found = _Found()
    _credentials(found, data[:MOST])
    return tuple(found.credentials)[:_FOUND]


def typed(data: bytes) -> tuple[tuple[str, str], ...]:
    """Names and passwords by turns, a line each, as they are typed where telnet asks for them."""
    found = _Found()
    _logins(found, [line for line in re.split(rb"\r\n|\r\0|\n|\r|\0", _options(data[:MOST])) if line.strip()])
    return tuple(found.credentials)


def readings(data: bytes) -> list[str]:
    """A payload as text, as its target would read it, and what is written in it once more."""
    text = data.decode("latin-1")
    for _ in range(3):
        before = text
        if "%" in text:
            text = unquote_to_bytes(text.encode("latin-1")).decode("latin-1")
        if "&" in text:
            text = html.unescape(text).encode("latin-1", "replace").decode("latin-1")
        text = text.replace("${IFS}", " ").replace("$IFS", " ")
        text = _ESCAPED.sub(lambda run: bytes.fromhex(run[0].replace("\\x", "")).decode("latin-1"), text)
        if text == before:
            break
    out = {text: None}
    if _PLUS.search(text):  # a query: its plus signs are spaces, and nothing of it is read with them
        out = {text.replace("+", " "): None}
    for reading in list(out):
        for inner in _inside(reading):
            out[inner] = None
    return list(out)


def _inside(text: str) -> Iterable[str]:
    """What is written in base64, where it is text itself."""
    if "base64" in text.lower() or "powershell" in text.lower():
        for found in list(_BASE64.finditer(text))[:8]:
            whole = found[0][: len(found[0]) // 4 * 4] if not found[0].endswith("=") else found[0]
            try:
                inner = base64.b64decode(whole, validate=True)
            except (binascii.Error, ValueError):
                continue
            if inner[1::2].count(0) > len(inner) // 3:  # PowerShell's UTF-16
                inner = inner[::2]
            if inner and sum(9 <= byte < 127 for byte in inner) > 0.95 * len(inner):
                yield inner.decode("latin-1")


def _downloads(found: _Found, text: str) -> None:
    for one in _URL.finditer(text):
        url = one[0].rstrip(".,:'\"")
        found.downloads[Download(url, url.partition(":")[0].lower())] = None
    for one in _FETCH.finditer(text):
        found.downloads[Download(f"http://{one[1]}", "http")] = None
    for one in _BUSYBOX.finditer(text):
        found.downloads[Download(f"http://{one[1]}/{one[2].lstrip('/')}", "http")] = None
    for one in _TFTP.finditer(text):
        name, host = (one[1], one[2]) if one[1] else (one[4], one[3])
        found.downloads[Download(f"tftp://{host}/{name}", "tftp")] = None
    for one in _FTPGET.finditer(text):
        found.downloads[Download(f"ftp://{one[1]}/{one[2] or ''}", "ftp")] = None
    for one in _TCP.finditer(text):
        found.downloads[Download(f"{one[1]}://{one[2]}:{one[3]}", one[1])] = None
    for one in _NC.finditer(text):
        found.downloads[Download(f"tcp://{one[1]}:{one[2]}", "tcp")] = None


def _commands(found: _Found, text: str) -> None:
    """Stretches between ; | & ` $( ) and line ends that begin with a word of a shell."""
    for part in _PARTS.split(text[:MOST]):
        begin = _begin(part)
        if begin is not None and len(found.commands) <= _FOUND:
            found.commands[begin] = None


def _begin(part: str) -> str | None:
    """From the first word of a shell on: `/bin/busybox wget ...`; what stands before it is the request's."""
    words = part.split()
    for place, word in enumerate(words[:12]):
        bare = word.rpartition("/")[2].strip("'\"\\").lower()
        if bare in _VERBS or word.startswith("./"):
            # a name alone may be any word; with words behind it, or first in its stretch, it is a command
            if place == 0 or (place < len(words) - 1 and "=" in words[place - 1]) or words[place - 1].endswith((":", "=")):
                return " ".join(words[place:])[:500]
            return None
        if place == 0 and ("=" in word or ":" in word):
            tail = re.split(r"[=:]", word)[-1].rpartition("/")[2].lower()
            if tail in _VERBS and len(words) > 1:
                return " ".join([tail, *words[1:]])[:500]
    return None


def _credentials(found: _Found, data: bytes) -> None:
    for one in _BASIC.finditer(data):
        try:
            user, colon, password = base64.b64decode(one[1], validate=True).partition(b":")
        except (binascii.Error, ValueError):
            continue
        if colon:
            found.credentials[_text(user), _text(password)] = None
    for pattern in (_FORM, _FTP):
        for one in pattern.finditer(data):
            found.credentials[_text(unquote_to_bytes(one[1])), _text(unquote_to_bytes(one[2]))] = None
    for one in _SIP.finditer(data):
        found.credentials[_text(one[1]), ""] = None
    words = data.split(b"\r\n") if data[:1] == b"*" else []  # Redis: *2 $4 AUTH $8 password
    for place, word in enumerate(words):
        if word.upper() == b"AUTH" and place + 2 < len(words):
            found.credentials["", _text(words[place + 2])] = None


def _logins(found: _Found, messages: Sequence[bytes]) -> None:
    """Telnet: names and passwords by turns, three times at most; options between them are no text."""
    lines = [_text(_options(one)).strip("\r\n\0 ") for one in messages[:6]]
    for user, password in zip(lines[::2], lines[1::2], strict=False):
        if user.lower() in _AFTER or "busybox" in user:
            break  # who believes to be in has no more passwords
        if user or password:
            found.credentials[user, password] = None


def _options(data: bytes) -> bytes:
    """Without telnet's options: IAC, a command, an option after 251 to 254; a subnegotiation whole. IAC IAC is a byte ff."""
    out, at = bytearray(), 0
    while at < len(data):
        if data[at] != 0xFF or at + 1 >= len(data):
            out.append(data[at])
            at += 1
            continue
        command = data[at + 1]
        if command == 0xFF:
            out.append(0xFF)
        if command == 250:
            end = data.find(b"\xff\xf0", at)
            at = len(data) if end < 0 else end + 2
        else:
            at += 3 if 251 <= command <= 254 else 2
    return bytes(out)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
