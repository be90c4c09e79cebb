"""Names of certificates are read from DER; what is damaged says nothing, and never raises."""

from __future__ import annotations

import random
import ssl
import subprocess
from pathlib import Path

import pytest

from teiten.devices.survey.certificate import names


@pytest.fixture(scope="module")
def der(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder: Path = tmp_path_factory.mktemp("certificate")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "k",
         "-out", folder / "c", "-utf8", "-subj", "/C=JP/O=ロジテック/OU=R&D/CN=router.example", "-days", "1"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not here")
    return ssl.PEM_cert_to_DER_cert((folder / "c").read_text())


def test_names(der: bytes) -> None:
    assert names(der) == ("C=JP, O=ロジテック, OU=R&D, CN=router.example",) * 2


def test_damaged_ones_never_raise(der: bytes) -> None:
    rng = random.Random(3)
    for n in range(2000):
        data = bytearray(der)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        names(bytes(data[: rng.randrange(len(data)) if n % 3 == 0 else len(data)]))
    assert names(b"") == (None, None) and names(b"\x30\x84\xff\xff\xff\xff") == (None, None)
