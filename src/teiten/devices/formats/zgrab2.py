"""ZGrab2: JSON lines, one an address, with what each module (http, tls, ssh, telnet, ftp, ...) got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from teiten.devices import evidence

NAME = "zgrab2"
_PORTS: Final = {"http": 80, "https": 443, "tls": 443, "ssh": 22, "telnet": 23, "ftp": 21, "banner": None, "rtsp": 554}


def recognise(record: Mapping[str, Any]) -> bool:
    return "ip" in record and isinstance(record.get("data"), Mapping)


def rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row of each module that got an answer. UnusableError where none did."""
    made = 0
    for name, scan in list(record["data"].items())[:64]:
        result = _object(_object(scan).get("result"))
        if not result or _object(scan).get("status") not in ("success", None):
            continue
        kind = str(_object(scan).get("protocol") or name)
        yield _row(record, name, kind, _object(scan), result)
        made += 1
    if not made:
        raise evidence.UnusableError("no answer")


def _row(record: Mapping[str, Any], name: str, kind: str, scan: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    response = _object(result.get("response"))
    headers = _object(response.get("headers"))
    log = _object(_object(_object(response.get("request")).get("tls_log")).get("handshake_log"))
    log = log or _object(result.get("handshake_log"))
    parsed = _object(_object(_object(log.get("server_certificates")).get("certificate")).get("parsed"))
    key = _object(_object(result.get("key_exchange")).get("server_host_key"))
    return evidence.row(
        record["ip"], scan.get("timestamp"), NAME, scan.get("port") or _PORTS.get(name, _PORTS.get(kind)), service=kind,
        title=evidence.title_of(response.get("body")),
        server=headers.get("server"),
        realm=evidence.realm_of(headers.get("www_authenticate")),
        banner=result.get("banner") or _object(result.get("server_id")).get("raw"),
        cert_subject=evidence.distinguished(parsed.get("subject_dn") or parsed.get("subject")),
        cert_issuer=evidence.distinguished(parsed.get("issuer_dn") or parsed.get("issuer")),
        cert_sha256=parsed.get("fingerprint_sha256"),
        host_key=key.get("fingerprint_sha256"),
    )  # fmt: skip


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
