"""Pages and addresses of payloads: groups, one group and what its hosts did besides; harmless, no own address anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.payloads import talks
from tests.web.conftest import Client, served

SPAN = "from=2026-11-01&to=2026-11-04"
OWN = (talks.OWN, talks.SECOND, talks.OWN.replace(".", "[.]"), "c6336417", "C6336417", "23.100.51.198")


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with served(talks.lake_of(tmp_path_factory.mktemp("heard")), workers=1) as made:
        yield made


def groups(heard: Client) -> dict[str, str]:
    """What a group tried -> its hash."""
    rows = heard.get(f"/api/v1/payloads?{SPAN}&n=100").json()
    return {row["exploits"].partition(" ")[0] or row["sample"]: row["hash"] for row in rows}


def rows_of(text: str, part: str) -> list[list[str]]:
    """The cells of a part's table."""
    inside = re.search(rf'<section[^>]*id="{part}".*?</section>', text, re.DOTALL)
    assert inside, part
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", inside[0], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]


def harmless(text: str) -> None:
    for own in OWN:
        assert own not in text, own
    assert "<script>alert" not in text and "\x1b" not in text
    assert not re.search(r'href="https?://(?!127)', text)
    assert "http://evil.example" not in text and "http://192.0.2.9" not in text


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_of_payloads(heard: Client, lang: str) -> None:
    answer = heard.get(f"/payloads?{SPAN}&lang={lang}")
    assert answer.status == 200
    harmless(answer.text)
    found = {row[0]: row[1:] for row in rows_of(answer.text, "groups")}
    assert found["CVE-2017-17215 Huawei HG532 SOAP"][:2] == ["6", "6"]
    assert found["CVE-2014-8361 Realtek SDK miniigd SOAP"][:3] == ["10", "10", "10"]
    tried = {(row[0], row[1]): row[2] for row in rows_of(answer.text, "logins")}
    assert tried["root", "xc3511"] == "10" and tried["admin", "1234"] == "1"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_of_a_group(heard: Client, lang: str) -> None:
    """The same attacker went for 81, 52869 and 37215."""
    camera = groups(heard)["EDB-41471"]
    answer = heard.get(f"/payload/{camera[:16]}?{SPAN}&lang={lang}&port=81/tcp")
    assert answer.status == 200
    harmless(answer.text)
    besides = {row[0]: row for row in rows_of(answer.text, "besides")}
    assert besides["52869/tcp"][2] == "10" and besides["37215/tcp"][2] == "6" and besides["37215/tcp"][3].startswith("60.0")
    others = {row[0]: row[1] for row in rows_of(answer.text, "groups")}
    assert others["CVE-2017-17215 Huawei HG532 SOAP"] == "6"
    assert len(rows_of(answer.text, "senders")) == 11
    assert "hxxp://192[.]0[.]2[.]9/jaws" in answer.text


def test_every_group_has_a_page_that_is_harmless(heard: Client) -> None:
    for name, group in groups(heard).items():
        answer = heard.get(f"/payload/{group}?{SPAN}")
        assert answer.status == 200, name
        harmless(answer.text)


@pytest.mark.parametrize("path", ["/payload/nothing", "/payload/00000000", f"/payload/{'0' * 64}", "/payload/.."])
def test_what_is_no_group(heard: Client, path: str) -> None:
    answer = heard.get(f"{path}?{SPAN}")
    assert 400 <= answer.status < 500 and "Traceback" not in answer.text


def test_ports_and_sources_say_what_was_said_there(heard: Client) -> None:
    port, source = heard.get(f"/port/52869/tcp?{SPAN}").text, heard.get(f"/source/8.8.4.1?{SPAN}").text
    for text in (port, source):
        harmless(text)
    assert [row[0] for row in rows_of(port, "said")[1:]] == ["CVE-2014-8361 Realtek SDK miniigd SOAP"]
    assert len(rows_of(source, "said")) == 4
    # a group's page is about all of its hosts, wherever one comes from
    way = re.search(r'href="(/payload/[^"]+)"', source)
    assert way and "src=" not in way[1] and "from=2026-11-01" in way[1]
    assert 'id="said"' not in heard.get(f"/port/9999/tcp?{SPAN}").text


@pytest.mark.parametrize("form", ["json", "csv", "jsonl"])
def test_addresses_of_the_api(heard: Client, form: str) -> None:
    answer = heard.get(f"/api/v1/payloads?{SPAN}&port=37215/tcp&format={form}")
    assert answer.status == 200
    harmless(answer.text)
    assert "CVE-2017-17215" in answer.text and "CVE-2014-8361" not in answer.text
    tried = heard.get(f"/api/v1/credentials?{SPAN}&n=1").json()
    assert [(row["user"], row["password"], row["hosts"]) for row in tried] == [("admin", "admin", 10)]
