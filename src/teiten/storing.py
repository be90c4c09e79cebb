"""[store] of teiten.toml, and a lake's name that begins with s3://: where its folder here is, and what that folder mirrors."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError

NAME: Final = ".store.json"
"""the file of a mirror's folder that says of what it is one; no key or password is in it"""
_URL: Final = re.compile(r"s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?:/([^?#\s]*))?", re.ASCII)
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|GB|TB)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Store:
    """The object store of a lake named s3://BUCKET/NAME. Its keys come from the environment (AWS_ACCESS_KEY_ID, ...)."""

    endpoint: str | None = None
    """where it answers, `https://s3.example.org`; none: Amazon's, or AWS_ENDPOINT_URL"""
    region: str | None = None
    """its region; none: AWS_REGION, else us-east-1"""
    cache: str | None = None
    """the folder for what was fetched; none: the user's cache folder"""
    cache_size: str = "50GB"
    """bytes of events that stay here: beyond it what was asked longest ago goes, and is fetched again when it is wanted"""


KEYS: Final = tuple(Store.__dataclass_fields__)


def read(table: Any, where: str) -> Store:
    """[store], checked. UsageError."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table.")
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"{where} knows no setting '{key}'.", hint=f"It knows: {', '.join(sorted(KEYS))}.")
        if not isinstance(value, str) or not value:
            raise UsageError(f"{where}: {key} must be a text, not {value!r}.")
    found = Store(**table)
    if found.endpoint and not re.fullmatch(r"https?://[^/\s]+/?", found.endpoint):
        raise UsageError(f"{where}: endpoint '{found.endpoint}' is no address.", hint='Write it like "https://s3.example.org".')
    size_of(found.cache_size, f"{where}: cache_size")
    return found


def size_of(text: str, where: str) -> int:
    """Bytes of `50GB`. UsageError."""
    size = _SIZE.fullmatch(text)
    if size is None:
        raise UsageError(f"{where} '{text}' is no size.", hint="Write 500MB, 50GB or 2TB.")
    return int(float(size[1]) * {"MB": 10**6, "GB": 10**9, "TB": 10**12}[size[2]])


def is_remote(name: str | Path) -> bool:
    """Is it a lake on an object store? (A Path has one slash less.)"""
    return str(name).startswith(("s3:/", "s3a:/"))


def folder(name: str | Path, store: Store) -> Path:
    """The folder here that mirrors that lake, made with a note of what it is. UsageError for a name that is none."""
    text = re.sub(r"^s3a?:/+", "s3://", str(name)).rstrip("/")
    found = _URL.fullmatch(text)
    if found is None:
        raise UsageError(f"'{name}' names no lake on an object store.", hint="Write s3://BUCKET/NAME.")
    endpoint = (store.endpoint or os.environ.get("AWS_ENDPOINT_URL") or "").rstrip("/")
    what = {
        "url": text,
        "endpoint": endpoint,
        "region": store.region or os.environ.get("AWS_REGION") or "us-east-1",
        "cache_size": size_of(store.cache_size, "[store]: cache_size"),
    }
    base = Path(store.cache).expanduser() if store.cache else _caches()
    key = hashlib.sha256(f"{endpoint} {text}".encode()).hexdigest()[:12]
    path = base.absolute() / f"{found[1]}-{(found[2] or 'lake').rpartition('/')[2]}-{key}"
    told = json.dumps(what, sort_keys=True)
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (path / NAME).exists() or (path / NAME).read_text(encoding="utf-8") != told:
            new = path / f"{NAME}.{os.getpid()}"
            new.write_text(told, encoding="utf-8")
            new.replace(path / NAME)
    except OSError as error:
        raise UsageError(
            f"The folder {path} for what is fetched cannot be written: {error.strerror}.", hint="Set cache in [store]."
        ) from None
    return path


def _caches() -> Path:
    base = os.environ.get("TEITEN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "teiten" / "lakes"
