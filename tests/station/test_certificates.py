"""The collector's own certificate, its fingerprint, and who is trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from teiten.errors import TeitenError, UsageError
from teiten.station import certificates


def test_it_is_made_once(tmp_path: Path) -> None:
    made = certificates.own(tmp_path / "tls", ["collector.example", "192.0.2.1", "2001:db8::1"])
    pin = certificates.fingerprint_of(made[0])
    assert pin.startswith("sha256:") and made[1].stat().st_mode & 0o077 == 0
    assert certificates.own(tmp_path / "tls", ["another"]) == made and certificates.fingerprint_of(made[0]) == pin
    assert sorted(p.name for p in (tmp_path / "tls").iterdir()) == ["collector.key", "collector.pem"]
    shown = ssl._ssl._test_decode_cert(str(made[0]))  # type: ignore[attr-defined]
    assert ("DNS", "collector.example") in shown["subjectAltName"] and ("IP Address", "192.0.2.1") in shown["subjectAltName"]
    certificates.server(*made)
    for wrong in ((made[0], made[0]), (tmp_path / "none", made[1])):
        with pytest.raises(TeitenError):
            certificates.server(*wrong)
    with pytest.raises(UsageError):
        certificates.own(tmp_path / "other", ["a, b"])
    with pytest.raises(TeitenError, match="no certificate"):
        certificates.fingerprint_of(made[1])
    with pytest.raises(TeitenError):
        certificates.client(tmp_path / "none", False)


def test_without_openssl_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TeitenError, match="Install openssl"):
        certificates.own(tmp_path / "tls", [])


def test_pins() -> None:
    plain = "ab" * 32
    coloned = ":".join(["AB"] * 32)
    assert certificates.pins([plain, coloned, f"sha256:{plain}"], "x") == (f"sha256:{plain}",) * 3
    assert certificates.pins(plain, "x") == (f"sha256:{plain}",)
    for wrong in ("", "ab", 3, [3], plain + "a", "sha1:" + plain):
        with pytest.raises(UsageError, match="fingerprint"):
            certificates.pins(wrong, "x")
