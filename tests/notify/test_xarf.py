"""X-ARF 0.2 as mails, its mandatory fields; XARF 4 by the schemas that its own package carries."""

from __future__ import annotations

import base64
import json
import mailbox
from pathlib import Path

import pytest
from tests.notify import conftest as own

from teiten.notify import group, xarf
from teiten.notify.contacts import Contact
from teiten.settings import Settings

# the specification of X-ARF 0.2: mandatory, once each
MANDATORY = (
    "Reported-From",
    "Category",
    "Report-Type",
    "User-Agent",
    "Report-ID",
    "Date",
    "Source",
    "Source-Type",
    "Attachment",
    "Schema-URL",
)


def _letter() -> group.Letter:
    told = [own.host("8.8.8.8", n=2), own.host("2400:cb00::17"), own.host("9.9.9.9", rules={"telnet_without_mirai": 1.0})]
    return group.Letter(group.Group(Contact("abuse@example.net", "", "en", "UTC"), told), tuple(told), 1, 1, 0)


def test_a_mail_a_host_with_three_parts(once: Settings, tmp_path: Path) -> None:
    (tmp_path / "x.mbox").write_bytes(b"".join(xarf.mbox(_letter(), "n1", once, own.BEGIN)))
    box = mailbox.mbox(str(tmp_path / "x.mbox"))
    mails = list(box)
    box.close()
    assert len(mails) == 3
    for mail, host in zip(mails, _letter().hosts, strict=True):
        assert mail["X-XARF"] == "PLAIN" and mail["Auto-Submitted"] == "auto-generated" and mail["To"] == "abuse@example.net"
        words, report, log = mail.get_payload()
        assert host.address in words.get_payload()
        told = dict(line.split(": ", 1) for line in report.get_payload().strip().splitlines())
        fields = {key: json.loads(value) for key, value in told.items()}
        assert set(MANDATORY) <= set(fields) and all(fields.values())
        assert fields["Source"] == host.address and fields["Version"] == "0.2"
        assert fields["Source-Type"] == ("ipv6" if ":" in host.address else "ipv4")
        assert log.get_payload().strip().count("\n") + 1 == len(host.rows)
        assert fields["Report-ID"] in mail["Message-ID"]


@pytest.mark.full
def test_version_4_by_its_schemas(once: Settings) -> None:
    package = pytest.importorskip("xarf")
    schema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    folder = Path(package.__file__).parent / "schemas"
    known = {file: json.loads(file.read_text()) for file in folder.rglob("*.json")}
    resources = [(one["$id"], referencing.Resource.from_contents(one)) for one in known.values()]
    registry = referencing.Registry().with_resources(resources)
    types = {"botnet": "infrastructure-botnet.json", "port_scan": "connection-port-scan.json"}
    kinds = []
    for line in xarf.lines(_letter(), "n1", once):
        told = json.loads(line)
        validator = schema.Draft202012Validator(known[folder / "types" / types[told["type"]]], registry=registry)
        assert not list(validator.iter_errors(told)), told
        assert list(validator.iter_errors({**told, "source_port": 0})), "it can refuse"
        assert told["confidence"] < 1 and told["source_identifier"].encode() in base64.b64decode(told["evidence"][0]["payload"])
        kinds.append(told["type"])
    assert kinds == ["botnet", "botnet", "port_scan"]
