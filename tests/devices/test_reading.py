"""Results of other scanners become rows of evidence: every record accounted for, each row once, nothing raises."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from teiten.devices import reading
from teiten.lake import Lake
from teiten.readers import _input

SHA = hashlib.sha256(b"certificate").hexdigest()
KEY = base64.b64encode(b"host key").decode()
SHODAN = {
    "ip_str": "203.0.113.5", "port": 80, "timestamp": "2021-05-25T03:15:00.123456", "transport": "tcp",
    "_shodan": {"module": "http-simple-new"}, "http": {"title": "NETSurveillance WEB", "server": "uc-httpd 1.0.0"},
    "data": 'HTTP/1.1 401 No\r\nServer: uc-httpd 1.0.0\r\nWWW-Authenticate: Basic realm="DVR 1"\r\n\r\n',
}  # fmt: skip
SHODAN_TLS = {
    "ip_str": "203.0.113.5", "port": 443, "timestamp": "2021-05-25T03:16:00",
    "ssl": {"cert": {"subject": {"CN": "router.asus.com", "O": "ASUS"}, "issuer": {"CN": "x"}, "fingerprint": {"sha256": SHA}}},
}  # fmt: skip
SHODAN_SSH = {
    "ip_str": "2001:db8::5",
    "port": 22,
    "timestamp": "2021-05-25T03:17:00",
    "data": "SSH-2.0-ROSSSH",
    "ssh": {"key": KEY},
}
CENSYS = {
    "ip": "203.0.113.6", "last_updated_at": "2021-05-25T04:00:00Z",
    "services": [
        {"port": 443, "transport_protocol": "TCP", "service_name": "HTTP", "observed_at": "2021-05-25T04:00:01.123456789Z",
         "http": {"response": {"html_title": "FortiGate", "headers": {"Server": ["xxxx"], "WWW_Authenticate": ["Basic"]}}},
         "tls": {"certificates": {"leaf_data": {"subject_dn": "CN=FGT60E1", "issuer_dn": "O=Fortinet", "fingerprint": SHA}}}},
        {"port": 1900, "transport_protocol": "UDP", "service_name": "UPNP",
         "upnp": {"devices": [{"manufacturer": "Logitec", "model_name": "LAN-W300N",
                               "udn": "uuid:12345678-1234-1234-1234-123456789ABC"}]}},
    ],
}  # fmt: skip
ZGRAB = {
    "ip": "203.0.113.7",
    "data": {
        "http": {"status": "success", "protocol": "http", "timestamp": "2021-05-25T13:00:00+09:00", "result": {"response": {
            "headers": {"server": ["App-webs/"], "www_authenticate": ['Digest realm="DS-2CD1"']},
            "body": "<html><TITLE>\n index\n</title>"}}},
        "ssh": {"status": "success", "protocol": "ssh", "timestamp": "2021-05-25T13:00:02+09:00", "result": {
            "server_id": {"raw": "SSH-2.0-dropbear_2016"}, "key_exchange": {"server_host_key": {"fingerprint_sha256": SHA}}}},
        "telnet": {"status": "connection-timeout", "protocol": "telnet", "timestamp": "2021-05-25T13:00:02+09:00"},
    },
}  # fmt: skip
NMAP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<?xml-stylesheet href="file:///usr/bin/../share/nmap/nmap.xsl" type="text/xsl"?>
<nmaprun scanner="nmap"><host starttime="1621911600" endtime="1621911660"><status state="up"/>
<address addr="203.0.113.8" addrtype="ipv4"/><address addr="00:11:22:33:44:55" addrtype="mac"/>
<ports><port protocol="tcp" portid="443"><state state="open"/><service name="http" product="nginx" tunnel="ssl"/>
<script id="http-title" output="Vigor&#xa;Requested resource was /"><elem key="title">Vigor Login Page</elem></script>
<script id="ssl-cert" output="x"><table key="subject"><elem key="commonName">Vigor Router</elem></table>
<table key="issuer"><elem key="organizationName">DrayTek</elem></table></script></port>
<port protocol="tcp" portid="22"><state state="closed"/></port></ports></host>
<host endtime="1621911660"><address addr="203.0.113.9" addrtype="ipv4"/></host></nmaprun>
"""
UPNP = """<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><manufacturer>Logitec</manufacturer>
<modelName>LAN-W300N/R</modelName><UDN>uuid:12345678-1234-1234-1234-123456789ABC</UDN><deviceList><device>
<manufacturer>Logitec</manufacturer><modelName>LAN-W300N/R</modelName><UDN>uuid:22345678-1234-1234-1234-123456789ABC</UDN>
</device></deviceList></device></root>"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "Asia/Tokyo")


def lines(*records: Any) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def stored(lake: Lake, path: Path, form: str = "auto") -> reading.Tally:
    return reading.store(lake, _input.of(path), form)


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def by(lake: Lake, **where: Any) -> dict[str, Any]:
    found = lake.devices().filter(*(pl.col(name) == value for name, value in where.items())).to_dicts()
    assert len(found) == 1, found
    return {name: value for name, value in found[0].items() if value is not None and name not in ("id", "added", "src_ip")}


def test_shodan(lake: Lake, tmp_path: Path) -> None:
    tally = stored(lake, write(tmp_path, "s.jsonl", lines(SHODAN, SHODAN_TLS, SHODAN_SSH)))
    assert (tally.records, tally.made, tally.rows, tally.new) == (3, 3, 3, 3)
    one = by(lake, port=80)
    assert (one["title"], one["server"], one["realm"], one["service"]) == (
        "NETSurveillance WEB",
        "uc-httpd 1.0.0",
        "DVR 1",
        "http",
    )
    assert by(lake, port=443)["cert_subject"] == "CN=router.asus.com, O=ASUS" and by(lake, port=443)["cert_sha256"] == SHA
    assert by(lake, port=22)["host_key"] == hashlib.sha256(b"host key").hexdigest()


def test_censys_alone_in_a_search_and_laid_out_on_lines(lake: Lake, tmp_path: Path) -> None:
    for name, text in (
        ("a.json", lines(CENSYS)),
        ("b.json", json.dumps({"code": 200, "result": CENSYS}, indent=2)),
        ("c.json", json.dumps([CENSYS], indent=1)),
        ("d.json", lines({"result": {"hits": [CENSYS, CENSYS]}})),
    ):
        tally = stored(lake, write(tmp_path, name, text))
        assert tally.made == tally.records == (2 if name == "d.json" else 1), name
        assert tally.new == (2 if name == "a.json" else 0), name
    one = by(lake, port=1900)
    assert one["uuid"] == "12345678-1234-1234-1234-123456789abc" and one["manufacturer"] == "Logitec" and one["protocol"] == 17
    assert by(lake, port=443)["cert_issuer"] == "O=Fortinet" and by(lake, port=443)["title"] == "FortiGate"


def test_zgrab2(lake: Lake, tmp_path: Path) -> None:
    tally = stored(
        lake, write(tmp_path, "z.jsonl", lines(ZGRAB, {"ip": "203.0.113.1", "data": {"http": {"status": "unknown-error"}}}))
    )
    assert (tally.records, tally.made, tally.rows, tally.ignored["no answer"]) == (2, 1, 2, 1)
    one = by(lake, port=80)
    assert (one["title"], one["server"], one["realm"]) == ("index", "App-webs/", "DS-2CD1")
    assert one["time"].isoformat() == "2021-05-25T04:00:00+00:00"
    assert by(lake, port=22)["host_key"] == SHA


def test_nmap(lake: Lake, tmp_path: Path) -> None:
    tally = stored(lake, write(tmp_path, "n.xml", NMAP))
    assert (tally.records, tally.made, tally.rows, tally.ignored["no open port"]) == (2, 1, 1, 1)
    one = by(lake, port=443)
    assert (one["title"], one["cert_subject"], one["cert_issuer"], one["service"]) == (
        "Vigor Login Page", "CN=Vigor Router", "O=DrayTek", "https",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pem", "sha256"),
    [
        ("-----BEGIN CERTIFICATE-----&#xa;bm90IGRlcg==&#xa;-----END CERTIFICATE-----", hashlib.sha256(b"not der").hexdigest()),
        ("-----BEGIN CERTIFICATE-----bm90IGRlc-----END CERTIFICATE-----", None),
        ("-----BEGIN CERTIFICATE-----<x/>", None),
        ("", None),
    ],
)
def test_nmaps_certificate_is_hashed_and_read_where_it_is_one(lake: Lake, tmp_path: Path, pem: str, sha256: str | None) -> None:
    """Its names are those of the certificate (tests/conformance/test_survey_beside_nmap.py); here it is none."""
    told = NMAP.replace("</table></script>", f'</table><elem key="pem">{pem}</elem></script>')
    stored(lake, write(tmp_path, "n.xml", told))
    one = by(lake, port=443)
    assert (one.get("cert_sha256"), one["cert_subject"], one["cert_issuer"]) == (sha256, "CN=Vigor Router", "O=DrayTek")


@pytest.mark.parametrize(
    ("name", "port", "good"),
    [
        ("203.0.113.9_52869_20210525T031500Z.xml", 52869, True),
        ("203.0.113.9.xml", None, True),
        ("2001-db8--7_1900.xml", 1900, True),
        ("description.xml", None, False),
        ("203.0.113.999.xml", None, False),
    ],
)
def test_upnp_descriptions(lake: Lake, tmp_path: Path, name: str, port: int | None, good: bool) -> None:
    tally = stored(lake, write(tmp_path, name, UPNP))
    assert tally.records == 1 and tally.made == good and tally.rows == good
    if good:
        one = lake.devices().to_dicts()[0]
        assert one["uuid"] == "12345678-1234-1234-1234-123456789abc" and one["port"] == port
    else:
        assert tally.rejected == {"no address in the file's name": 1}


def test_the_same_again_is_there_already_however_it_is_packed(lake: Lake, tmp_path: Path) -> None:
    text = lines(SHODAN, CENSYS, ZGRAB).encode()
    assert stored(lake, write(tmp_path, "a.json", text)).new == 5
    assert stored(lake, write(tmp_path, "a.json.gz", gzip.compress(text))).new == 0
    assert stored(lake, write(tmp_path, "a.json.bz2", bz2.compress(text))).new == 0
    assert stored(lake, write(tmp_path, "twice.json", text + text)).new == 0
    assert len(lake.devices()) == 5


def test_bad_records_are_counted_with_their_places(lake: Lake, tmp_path: Path) -> None:
    text = lines(SHODAN) + "garbage\n" + "[" * 100_000 + "\n" + lines(
        {**SHODAN, "ip_str": "300.1.1.1"}, {**SHODAN, "timestamp": "yesterday"}, {**SHODAN, "timestamp": "2999-01-01T00:00:00"},
        {**SHODAN, "port": 99_999}, {"what": "is this"}, 7, None, "x", {**SHODAN, "ip_str": None}, {**CENSYS, "services": [3]},
        {**SHODAN, "http": "no", "ssl": 3, "data": 4, "_shodan": [], "port": 81},
    )  # fmt: skip
    tally = stored(lake, write(tmp_path, "bad.jsonl", text))
    assert tally.made == 2 and tally.records == 14 and tally.rejected.total() == 12
    assert tally.rejected["no address"] == 2 and tally.rejected["no JSON"] == 2 and tally.rejected["a time that cannot be"] == 1
    assert "line 2: no JSON" in tally.places and "line 4: no address" in tally.places


def test_a_line_without_an_end_to_it_is_one_that_is_too_long(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE", 1 << 20)
    tally = stored(lake, write(tmp_path, "long.jsonl", "x" * (3 << 20) + "\n" + lines(SHODAN) + "{\n" * 2000))
    assert tally.made == 1 and tally.rejected["too long"] == 1 and tally.rejected["no JSON"] == tally.records - 2


def test_what_is_no_result_at_all(lake: Lake, tmp_path: Path) -> None:
    for name, data in (("e", b""), ("n", b"\0" * 5000), ("h", b"<html><body>hi</body></html>"), ("p", b"\x89PNG\r\n" * 99)):
        tally = stored(lake, write(tmp_path, name, data))
        assert not tally.made and tally.records == tally.rejected.total() and (tally.records or name == "e")
    assert lake.devices().is_empty()


def test_texts_are_bounded_and_are_text(lake: Lake, tmp_path: Path) -> None:
    odd = {**SHODAN, "http": {"title": "a\0b\ud800" + "x" * 5000}, "port": 8080}
    stored(lake, write(tmp_path, "odd.jsonl", lines(odd)))
    title = by(lake, port=8080)["title"]
    assert (len(title) == 1000 and title.startswith("ab?")) or title.startswith("ab\ufffd")


def test_damaged_results_never_raise(lake: Lake, tmp_path: Path) -> None:
    """Every record with bytes changed, cut, doubled: counted, nothing raises."""
    rng = random.Random(7)
    whole = [lines(SHODAN, CENSYS, ZGRAB).encode(), NMAP.encode(), UPNP.encode()]
    for number in range(150):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 12)):
            at = rng.randrange(len(data))
            data[at : at + rng.choice((0, 1, 1, 8))] = rng.randbytes(rng.choice((0, 1, 1, 5)))
        path = write(tmp_path, "203.0.113.77.xml", bytes(data))
        tally = reading.Tally("x")
        found = list(reading.rows(_input.of(path), tally))
        tally.check()
        assert len(found) == tally.rows, number
