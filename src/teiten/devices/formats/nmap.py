"""nmap's XML (-oX): a host an element, with what -sV and its scripts (http-title, ssl-cert, ssh-hostkey, ...) found."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final

from teiten.devices import evidence
from teiten.devices.survey import certificate
from teiten.devices.xml import Node

NAME = "nmap"
ELEMENTS = ("host",)
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,100000})-----END CERTIFICATE-----")
_LINE: Final = re.compile(r"^\s*(Manufacturer|Model Name|Server):\s*(.{1,300})$", re.MULTILINE)


def rows(host: Node, place: str) -> Iterator[dict[str, Any]]:
    """A row of each open port. UnusableError without one."""
    addresses = [a.attributes.get("addr") for a in host.all("address") if a.attributes.get("addrtype") in ("ipv4", "ipv6")]
    if not addresses:
        raise evidence.UnusableError("no address")
    when = host.attributes.get("endtime") or host.attributes.get("starttime")
    ports = host.first("ports")
    made = 0
    for port in ports.all("port") if ports else ():
        state = port.first("state")
        if state is not None and state.attributes.get("state") == "open":
            yield _row(addresses[0], when, port)
            made += 1
    if not made:
        raise evidence.UnusableError("no open port")


def _row(address: str | None, when: str | None, port: Node) -> dict[str, Any]:
    scripts = {one.attributes.get("id", ""): one for one in port.all("script")}
    service = port.first("service")
    about = service.attributes if service else {}
    cert = _certificate(scripts.get("ssl-cert"))
    name = about.get("name", "")
    return evidence.row(
        address, when, NAME, port.attributes.get("portid"),
        protocol=17 if port.attributes.get("protocol") == "udp" else 6,
        service=("https" if about.get("tunnel") == "ssl" and name.startswith("http") else name) or None,
        title=_title(scripts.get("http-title")),
        server=_output(scripts.get("http-server-header")) or _upnp(scripts.get("upnp-info"), "Server"),
        realm=evidence.realm_of(_auth(_output(scripts.get("http-auth")))),
        banner=_output(scripts.get("banner")) or _product(about),
        **cert,
        host_key=_host_key(scripts.get("ssh-hostkey")),
        manufacturer=_upnp(scripts.get("upnp-info"), "Manufacturer"),
        model=_upnp(scripts.get("upnp-info"), "Model Name"),
    )  # fmt: skip


def _output(script: Node | None) -> str | None:
    return evidence.text(script.attributes.get("output")) if script else None


def _title(script: Node | None) -> str | None:
    told = _elem(script, "title") or _output(script)
    if told and told.startswith(("Site doesn't have a title", "Did not follow redirect")):
        return None
    return told.split("\nRequested resource was", 1)[0] if told else None


def _auth(told: str | None) -> str | None:
    """http-auth writes `realm=X` without marks, to the line's end."""
    found = re.search(r"realm=([^\n]{1,300})", told) if told else None
    return f'realm="{found[1].strip()}"' if found else None


def _product(about: dict[str, str]) -> str | None:
    """What -sV took from the banner: its names, not the banner itself."""
    return " ".join(about[key] for key in ("product", "version", "extrainfo", "devicetype") if about.get(key)) or None


def _certificate(script: Node | None) -> dict[str, str | None]:
    """Subject, issuer, SHA-256: of the certificate itself, which nmap writes down whole; its own lists of a name's parts are
    sorted and older ones have MD5 and SHA-1 alone. Without it, what nmap says."""
    texts = [one.text for one in script.walk() if one.name == "elem" and one.attributes.get("key") == "pem"] if script else []
    found = _PEM.search(texts[0] or "") if texts else None
    der = b""
    if found:
        with contextlib.suppress(ValueError):
            der = base64.b64decode("".join(found[1].split()), validate=True)
    subject, issuer = certificate.names(der)
    return {
        "cert_subject": subject or _name(script, "subject"),
        "cert_issuer": issuer or _name(script, "issuer"),
        "cert_sha256": hashlib.sha256(der).hexdigest() if der else _elem(script, "sha256"),
    }


def _elem(script: Node | None, key: str) -> str | None:
    found = (
        next((one for one in script.walk() if one.name == "elem" and one.attributes.get("key") == key), None)
        if script
        else None
    )
    return evidence.text(found.text) if found else None


def _name(script: Node | None, which: str) -> str | None:
    """The subject or issuer: nmap gives each part an element under its long name."""
    table = (
        next((one for one in script.walk() if one.name == "table" and one.attributes.get("key") == which), None)
        if script
        else None
    )
    if table is None:
        return None
    short = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C"}
    parts = [(one.attributes.get("key", ""), one.text) for one in table.all("elem")]
    return evidence.distinguished({short.get(key, key): value for key, value in parts})


def _host_key(script: Node | None) -> str | None:
    """SHA-256 of the first host key, which nmap writes down whole (its own fingerprint is MD5)."""
    from teiten.devices.formats.shodan import _key

    return _key(_elem(script, "key"))


def _upnp(script: Node | None, name: str) -> str | None:
    told = _output(script)
    return next((found[2].strip() for found in _LINE.finditer(told) if found[1] == name), None) if told else None
