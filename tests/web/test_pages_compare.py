"""Only me? Published figures are read as hostile text, set beside our own, and what it comes to is said carefully."""

from __future__ import annotations

import html
import http.client
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from teiten.errors import UsageError
from teiten.settings import Settings
from teiten.web import elsewhere

from .conftest import Client, lake_of, served

TOKYO = ZoneInfo("Asia/Tokyo")
HEAD = "source,period,thing,name,rank,share,count,unit,url\n"
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "published.csv"


def own(*counts: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Rows of a ranking of TCP ports: port, packets, hosts."""
    return [
        {"rank": at, "protocol": 6, "dst_port": port, "packets": packets, "hosts": hosts}
        for at, (port, packets, hosts) in enumerate(counts, 1)
    ]


def published(*names: str, share: str = "") -> elsewhere.Published:
    text = HEAD + "".join(f"X,2019-10,port,{name},{at},{share},,,\n" for at, name in enumerate(names, 1))
    (found,), bad = elsewhere.read(text, TOKYO)
    assert bad == []
    return found


def test_a_text_is_read_line_by_line() -> None:
    text = f"""\ufeff# a remark
{HEAD}A,2022-Q3,port,23/TCP,2,,,packets,https://example.org/
A,2022-Q3,port,ICMP,1,12.5%,,,

A,2022-Q3,country,china,1,,"1,234",hosts,javascript:alert(1)
B,2022-09-15,port,TCP#445,,,5,,
B,2022-09-15,port,udp/53,,,7,,
"""
    sets, bad = elsewhere.read(text, TOKYO)
    assert bad == []
    assert [(one.source, one.period.name, one.thing, one.unit, one.url) for one in sets] == [
        ("A", "2022-Q3", "port", "packets", "https://example.org/"), ("A", "2022-Q3", "country", "hosts", ""),
        ("B", "2022-09-15", "port", "packets", ""),
    ]  # fmt: skip
    assert [(line.key, line.rank, line.share) for line in sets[0].lines] == [((1, None), 1, 0.125), ((6, 23), 2, None)]
    assert (sets[1].lines[0].key, sets[1].lines[0].count) == ("CN", 1234.0)
    assert [(line.key, line.rank) for line in sets[2].lines] == [((17, 53), 1), ((6, 445), 2)], "ranks follow from counts"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (",2022-Q3,port,23/tcp,1,,,,", "source"),
        ("A,never,port,23/tcp,1,,,,", "period"),
        ("A,2022-13,port,23/tcp,1,,,,", "period"),
        ("A,2022-Q3,asn,23/tcp,1,,,,", "thing"),
        ("A,2022-Q3,port,99999/tcp,1,,,,", "name"),
        ("A,2022-Q3,port,0,1,,,,", "name"),
        ("A,2022-Q3,country,Atlantis,1,,,,", "name"),
        ("A,2022-Q3,port,23/tcp,,,,,", "figure"),
        ("A,2022-Q3,port,23/tcp,0,,,,", "figure"),
        ("A,2022-Q3,port,23/tcp,1,120%,,,", "figure"),
        ("A,2022-Q3,port,23/tcp,,,nan,,", "figure"),
        ("A,2022-Q3,port,23/tcp,,,-1,,", "figure"),
        ("A,2022-Q3,port,23/tcp,1,,,bananas,", "unit"),
        ("A,2022-Q3,port", "name"),
        (f"{'A' * 201},2022-Q3,port,23/tcp,1,,,,", "long"),
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_counted(line: str, why: str) -> None:
    sets, bad = elsewhere.read(f"{HEAD}{line}\nA,2022-Q3,port,80/tcp,1,,,,\nA,2022-Q3,port,80/TCP,2,,,,\n", TOKYO)
    assert [(one.number, one.why) for one in bad] == [(2, why), (4, "twice")]
    assert len(sets) == 1


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "name,rank\n23/tcp,1\n", "source,period,thing,name\nA,2022,port,1\n", "x" * 70_000]
)
def test_what_is_no_such_csv_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        elsewhere.read(text, TOKYO)


def test_hostile_texts_are_read_or_counted() -> None:
    for text in ("\0\0\0", '"' * 999, "a," * 9999, "\x1b[31m,\n" * 99, "\ud800,x\n", HEAD + '"open\n' * 99, HEAD + "," * 5000):
        try:
            sets, _ = elsewhere.read(text, TOKYO)
            assert sets == []
        except UsageError:
            pass
    _, bad = elsewhere.read(HEAD + "A,2022-Q3,port,1/tcp,1,,,,\n" * 2400, TOKYO)
    assert len(bad) == 2399


def test_rankings_beside_each_other() -> None:
    ours = own((23, 500, 400), (445, 200, 150), (22, 100, 90), (9530, 90, 2), (80, 10, 9))
    found = elsewhere.compare(published("23/tcp", "445/tcp", "80/tcp", "22/tcp", share="0.25"), ours, 900, 700)
    told = {row.key[1]: row for row in found.rows}
    assert (found.places, found.shared, found.looks) == (4, 3, "partly")
    assert [(row.key[1], row.theirs, row.own, row.side) for row in found.rows] == [
        (23, 1, 1, "both"), (445, 2, 2, "both"), (80, 3, 5, "theirs"), (22, 4, 3, "both"), (9530, None, 4, "ours"),
    ]  # fmt: skip
    assert told[9530].hosts == 2 and not told[9530].apart
    assert told[23].apart and not told[445].apart, "200 of 900 may well be a quarter, 500 may not"


def test_what_it_looks_like() -> None:
    ports = [23, 445, 22, 80, 8080, 443, 3389, 1433, 5555, 81]
    ours = own(*((port, 1000 - 10 * at, 50) for at, port in enumerate(ports)))
    names = [f"{port}/tcp" for port in ports]
    assert elsewhere.compare(published(*names), ours, 10_000, 500).looks == "alike"
    assert elsewhere.compare(published(*names[::-1]), ours, 10_000, 500).looks == "partly"
    assert elsewhere.compare(published(*(f"{n}/udp" for n in range(1, 11))), ours, 10_000, 500).looks == "apart"
    assert elsewhere.compare(published(*names[:3]), ours, 10_000, 500).looks == "few"
    assert elsewhere.compare(published(*names), [], 0, 0).looks == "few"


def test_ports_without_a_protocol_are_tcp_and_udp_together() -> None:
    rows = [*own((53, 10, 5)), {"rank": 2, "protocol": 17, "dst_port": 53, "packets": 7, "hosts": 6}]
    rows += [
        {"rank": 3, "protocol": 1, "dst_port": None, "packets": 5, "hosts": 1},
        {"rank": None, "protocol": None, "dst_port": None},
    ]
    found = elsewhere.compare(published("53", "icmp"), rows, 22, 11)
    assert [(row.key, row.packets, row.hosts) for row in found.rows] == [((None, 53), 17, 6), ((1, None), 5, 1)]


def test_chance_is_counted_exactly() -> None:
    """Against all orders of five things."""
    orders = list(itertools.permutations(range(5)))
    taus = {order: elsewhere.kendall(order) for order in orders}
    for order in orders[::7]:
        tau, chance = taus[order]
        assert chance == pytest.approx(sum(other >= tau - 1e-9 for other, _ in taus.values()) / len(orders))
    assert taus[tuple(range(5))] == (1.0, pytest.approx(1 / 120))


def test_shares_lie_between() -> None:
    low, high = elsewhere.wilson(0.5, 100)
    assert (round(low, 3), round(high, 3)) == (0.404, 0.596), "Wilson's interval of 50 of 100"
    assert elsewhere.wilson(0.0, 10)[0] == 0.0 and elsewhere.wilson(1.0, 10)[1] == pytest.approx(1.0)
    assert elsewhere.wilson(0.3, 0) == (0.0, 1.0)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Settings]]:
    chosen = lake_of(tmp_path_factory.mktemp("compare"))
    with served(chosen, workers=1) as client:
        yield client, chosen


def send(client: Client, text: str) -> tuple[int, str, str]:
    """Status, text and address of what answers the form."""
    word = html.unescape(re.findall(r'name="word" value="([^"]+)"', client.get("/compare?lang=en").text)[0])
    link = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    link.request(
        "POST",
        "/compare?lang=en",
        urlencode({"csv": text, "word": word}),
        {"content-type": "application/x-www-form-urlencoded"},
    )
    answer = link.getresponse()
    out = answer.status, answer.read().decode(), answer.getheader("location") or ""
    link.close()
    return out


def test_from_the_form_to_the_answer(station: tuple[Client, Settings]) -> None:
    client, chosen = station
    assert "None were given yet." in client.get("/compare?lang=en").text
    assert client.get("/api/v1/compare").json() == []
    lines = [f"<b>X</b>,2019-10,port,{name},{at},,,," for at, name in enumerate(("23/tcp", "445/tcp", "80/tcp", "22/tcp"), 1)]
    status, _, where = send(client, HEAD + "\n".join(lines))
    assert status == 303 and "set=" in where
    text = client.get(where).text
    assert "3 of the first 4 of &lt;b&gt;X&lt;/b&gt; are among the first 4 here" in text and "<b>X" not in text
    assert "<svg" in text and "22/tcp" in text
    rows = client.get(f"/api/v1/compare?{where.partition('?')[2]}").json()
    assert [(row["thing"], row["rank_theirs"], row["rank"], row["packets"], row["side"]) for row in rows] == [
        ("23/tcp", 1, 1, 144, "both"), ("445/tcp", 2, 2, 96, "both"), ("80/tcp", 3, 3, 48, "both"),
        ("22/tcp", 4, None, 0, "theirs"),
    ]  # fmt: skip
    assert "うちだけか" in client.get(where.replace("lang=en", "lang=ja")).text
    for wrong in ("/compare?set=x", f"{where}&own=never"):
        assert client.get(wrong).status == 400
    # lines that are none are told, those that are one are kept; a file that somebody put there is read as well
    status, text, _ = send(client, f"{HEAD}Y,2019-10,country,US,1,,,,\n<script>,2019-10,port,x,1,,,,\n")
    assert status == 200 and "1 figures were taken; 1 lines could not be." in text
    status, text, _ = send(client, f"{HEAD}Z,2019-10,country,Atlantis,1,,,,\n")
    assert status == 400
    place = elsewhere.folder(chosen.lake)
    assert len(list(place.iterdir())) == 2
    (place / "own.csv").write_bytes(b"\xff\xfe\x00not a csv")
    (place / "guide.csv").write_bytes(GUIDE.read_bytes())
    text = client.get("/compare?lang=en").text
    assert "own.csv: 1 lines could not be taken." in text and "Q3 2022" in text
    assert send(client, "nothing")[0] == 400


def test_the_guides_example_is_whole() -> None:
    sets, bad = elsewhere.read(GUIDE.read_text(encoding="utf-8"), TOKYO)
    assert bad == [] and [len(one.lines) for one in sets] == [10, 10]
