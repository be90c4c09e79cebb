"""Shodan: JSON lines of `shodan download`, or the answer of its host lookup: a banner a record."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from teiten.devices import evidence

NAME = "shodan"


def recognise(record: Mapping[str, Any]) -> bool:
    return "ip_str" in record and ("port" in record or isinstance(record.get("data"), list))


def rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row; of a host's answer one of each of its banners."""
    inner = record.get("data")
    if isinstance(inner, list):
        if not inner:
            raise evidence.UnusableError("a host without banners")
        for one in inner[:1000]:
            if not isinstance(one, Mapping):
                raise evidence.UnusableError("a banner that is no object")
            yield _row({**one, "ip_str": one.get("ip_str", record["ip_str"])})
        return
    yield _row(record)


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    http, ssl, ssh = (_object(record.get(name)) for name in ("http", "ssl", "ssh"))
    cert = _object(ssl.get("cert"))
    data = record.get("data")
    module = evidence.text(_object(record.get("_shodan")).get("module")) or ""
    return evidence.row(
        record["ip_str"], record.get("timestamp"), NAME, record.get("port"),
        protocol=17 if record.get("transport") == "udp" else 6,
        service=module.partition("-")[0] or None,
        title=http.get("title"),
        server=http.get("server") or evidence.header_of(data, "server"),
        realm=evidence.realm_of(evidence.header_of(data, "www-authenticate")),
        banner=None if http else data,
        cert_subject=evidence.distinguished(cert.get("subject")),
        cert_issuer=evidence.distinguished(cert.get("issuer")),
        cert_sha256=_object(cert.get("fingerprint")).get("sha256"),
        host_key=_key(ssh.get("key")),
        uuid=evidence.header_of(data, "usn"),
    )  # fmt: skip


def _key(key: object) -> str | None:
    """SHA-256 of a key as base64."""
    if not isinstance(key, str):
        return None
    try:
        data = base64.b64decode("".join(key[:8192].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return hashlib.sha256(data).hexdigest() if data else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
