"""Censys: hosts of its API version 2 (a view, or the hits of a search), one JSON object each or lists of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from teiten.devices import evidence

NAME = "censys"


def recognise(record: Mapping[str, Any]) -> bool:
    return "ip" in record and isinstance(record.get("services"), list)


def rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row of each service; several of one that describes several devices by UPnP."""
    services = record["services"]
    if not services:
        raise evidence.UnusableError("a host without services")
    for one in services[:2000]:
        if not isinstance(one, Mapping):
            raise evidence.UnusableError("a service that is no object")
        yield from _service(record, one)


def _service(record: Mapping[str, Any], service: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    response = _object(_object(service.get("http")).get("response"))
    headers = {str(k).lower().replace("-", "_"): v for k, v in _object(response.get("headers")).items()}
    tls = _object(_object(service.get("tls")).get("certificates"))
    leaf, ssh = _object(tls.get("leaf_data")), _object(service.get("ssh"))
    banner = next((b for name in ("telnet", "ftp") if (b := _object(service.get(name)).get("banner"))), None)
    told = {
        "protocol": 17 if str(service.get("transport_protocol", "")).upper() in ("UDP", "QUIC") else 6,
        "service": str(service.get("service_name") or "").lower() or None,
        "title": response.get("html_title") or evidence.title_of(response.get("body")),
        "server": headers.get("server"),
        "realm": evidence.realm_of(headers.get("www_authenticate")),
        "banner": banner or _object(ssh.get("endpoint_id")).get("raw") or (None if response else service.get("banner")),
        "cert_subject": evidence.distinguished(leaf.get("subject_dn") or leaf.get("subject")),
        "cert_issuer": evidence.distinguished(leaf.get("issuer_dn") or leaf.get("issuer")),
        "cert_sha256": leaf.get("fingerprint") or tls.get("leaf_fp_sha_256"),
        "host_key": _object(ssh.get("server_host_key")).get("fingerprint_sha256"),
    }
    when = service.get("observed_at") or record.get("last_updated_at")
    upnp = service.get("upnp")
    found = upnp.get("devices") if isinstance(upnp, Mapping) else None
    for device in (found if isinstance(found, list) else [])[:32] or [{}]:
        one = _object(device)
        yield evidence.row(
            record["ip"], when, NAME, service.get("port"), **told,
            manufacturer=one.get("manufacturer"), model=one.get("model_name"), uuid=one.get("udn"),
        )  # fmt: skip


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
