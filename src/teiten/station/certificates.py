"""TLS of sensor and collector: the collector's own certificate where none is given, its fingerprint, contexts of both sides."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError, UsageError
from teiten.station.credentials import owned

_DAYS: Final = 3650
_PIN: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{2}(?::?[0-9a-fA-F]{2}){31})", re.ASCII)


def own(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """Certificate and key of a collector to which none were given; made by `openssl`, once, in that folder. TeitenError.

    It is signed by itself: sensors know it by its fingerprint, which `teiten collect add` tells.
    """
    certificate, key = folder / "collector.pem", folder / "collector.key"
    if certificate.exists() and key.exists():
        return certificate, key
    said = ",".join(_alternative(name) for name in (names or _here()))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = os.open(key.with_suffix(".key.new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.close(fresh)
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256",
                "-days", str(_DAYS), "-subj", "/CN=teiten collector", "-addext", f"subjectAltName={said}",
                "-keyout", str(key.with_suffix(".key.new")), "-out", str(certificate.with_suffix(".pem.new")),
            ],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=True,
        )  # fmt: skip
        for path in (folder, certificate.with_suffix(".pem.new"), key.with_suffix(".key.new")):
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            owned(handle, folder.parent)
            os.close(handle)
        certificate.with_suffix(".pem.new").replace(certificate)
        key.with_suffix(".key.new").replace(key)
    except FileNotFoundError:
        raise TeitenError(
            "The collector has no certificate, and `openssl`, which would make one, is not installed.",
            hint="Install openssl, or name a certificate and its key under [station.collect].",
        ) from None
    except subprocess.SubprocessError as error:
        why = getattr(error, "stderr", b"") or str(error).encode()
        raise TeitenError(f"openssl made no certificate: {why.decode(errors='replace').strip()[-300:]}") from None
    except OSError as error:
        raise TeitenError(f"The collector's certificate cannot be written to {folder}: {error.strerror}.") from None
    return certificate, key


def _alternative(name: str) -> str:
    with contextlib.suppress(ValueError):
        return f"IP:{ipaddress.ip_address(name)}"
    if not re.fullmatch(r"[A-Za-z0-9*][A-Za-z0-9.\-]{0,252}", name, re.ASCII):
        raise UsageError(f"'{name}' is no name of a host.")
    return f"DNS:{name}"


def _here() -> list[str]:
    name = socket.gethostname()
    return [*([name] if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.\-]*", name, re.ASCII) else []), "localhost", "127.0.0.1", "::1"]


def fingerprint(certificate: bytes) -> str:
    """`sha256:...` of a certificate in DER."""
    return "sha256:" + hashlib.sha256(certificate).hexdigest()


def fingerprint_of(path: Path) -> str:
    """That of the first certificate in a PEM file. TeitenError."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
        return fingerprint(
            ssl.PEM_cert_to_DER_cert(
                text[text.index("-----BEGIN CERTIFICATE") :].split("-----END")[0] + "-----END CERTIFICATE-----\n"
            )
        )
    except OSError as error:
        raise TeitenError(f"The certificate {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise TeitenError(f"{path} holds no certificate in PEM.") from None


def pins(value: Any, where: str) -> tuple[str, ...]:
    """A fingerprint, or a list of them, as they stand in a table. UsageError."""
    out = []
    for one in value if isinstance(value, list) else [value]:
        found = _PIN.fullmatch(one) if isinstance(one, str) else None
        if found is None:
            raise UsageError(f"{where} must be a fingerprint such as `teiten collect add` tells (sha256:...), not {one!r}.")
        out.append("sha256:" + found[1].replace(":", "").lower())
    return tuple(out)


def server(certificate: Path, key: Path) -> ssl.SSLContext:
    """The collector's side. TeitenError where they cannot be read or do not belong together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise TeitenError(f"The certificate {certificate} and key {key} cannot be used: {error.strerror or error}.") from None
    return context


def client(ca: Path | None, pinned: bool) -> ssl.SSLContext:
    """The sensor's side: trusts the machine's authorities, those of a file, or (pinned) nobody but the fingerprint it holds
    the certificate against once it has it. TeitenError."""
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise TeitenError(f"The certificates {ca} cannot be read: {error.strerror or error}.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
