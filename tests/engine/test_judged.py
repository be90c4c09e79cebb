"""Verdicts and notes in SQL: what holds, whom a prefix covers, joined to events only where a query asks."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from making import T0, fill

from teiten.engine import judged, open_session, questions
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters, parse
from teiten.errors import UsageError
from teiten.lake import Lake, verdict
from teiten.settings import Settings

DAY = dt.date(2026, 4, 1)
NEXT = DAY + dt.timedelta(days=1)
TOKYO = Settings("Asia/Tokyo", "flag")


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def announced(src: str, value: str | None, prefix_len: int | None = None, **more: Any) -> dict[str, Any]:
    packed = address(src)
    row = {"src_ip": packed, "prefix_len": prefix_len or 8 * len(packed), "day": DAY, "scope": "all", "value": value}
    return row | {"label": "announced_scanner", "rule": "by-prefix", "confidence": 1.0, "evidence": "{}", **more}


def judge(lake: Lake, rows: list[dict[str, Any]], zone: str = "Asia/Tokyo") -> None:
    schema = {name: verdict.SCHEMA[name] for name in verdict.GIVEN}
    full = [{**dict.fromkeys(schema), **row} for row in rows]
    frame = pl.DataFrame(full, schema=schema, orient="row")
    lake.replace_verdicts(sorted({DAY, NEXT, *frame["day"]}), zone, frame)


@pytest.fixture
def judged_lake(tmp_path: Path, once: Callable[[Callable[[Path], object], Path], Path]) -> Lake:
    """Two days of Tokyo: 203.0.113.0/26 and 2001:db8::/33 are a survey's, 198.18.0.1 another's, 8.8.8.8 large."""
    return Lake.open(once(_judged, tmp_path) / "lake")


def _judged(folder: Path) -> None:
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    hour = dt.timedelta(hours=1)
    sources = ("203.0.113.1", "203.0.113.63", "203.0.113.64", "2001:db8:7fff::1", "2001:db8:8000::1", "198.18.0.1", "8.8.8.8")
    rows = [{"time": T0 + 2 * hour, "src_ip": src, "packets": n + 1} for n, src in enumerate(sources)]
    # 16:00 UTC is the next day in Tokyo, of which nothing is judged
    fill(lake, [*rows, {"time": T0 + 16 * hour, "src_ip": "198.18.0.1"}])
    judge(
        lake,
        [
            announced("203.0.113.0", "NOTICE", 26),
            announced("2001:db8::", "NOTICE", 33),
            announced("198.18.0.1", "Other"),
            announced("8.8.8.8", None, label="large_scanner"),
            announced("203.0.113.64", None, label="port_scanner"),
        ],
    )


@pytest.fixture
def session(judged_lake: Lake) -> Iterator[Session]:
    with open_session(judged_lake, TOKYO) as found:
        yield found


def who(lake: Lake, settings: Settings = TOKYO) -> dict[str, str | None]:
    """Source -> organisation, on the first day; '*' for one without, '+' for a research scanner."""
    sql = "SELECT src_ip, scanner, research_scanner AS r FROM events WHERE day_start(time)::DATE = DATE '2026-04-01'"
    with open_session(lake, settings) as session:
        return {row["src_ip"]: (row["scanner"] or "") + "+" * row["r"] for row in session.query(sql)}


EVERYBODY = {
    "203.0.113.1": "NOTICE+", "203.0.113.63": "NOTICE+", "203.0.113.64": "", "2001:db8:7fff::1": "NOTICE+",
    "2001:db8:8000::1": "", "198.18.0.1": "Other+", "8.8.8.8": "+",
}  # fmt: skip


def test_sources_and_prefixes_are_joined_on_their_day(judged_lake: Lake, session: Session) -> None:
    assert who(judged_lake) == EVERYBODY
    later = session.query("SELECT scanner, research_scanner FROM events WHERE time >= TIMESTAMPTZ '2026-04-02 00:00:00+09:00'")
    assert later == [{"scanner": None, "research_scanner": False}]
    # the day of another zone is another day, of which nothing was judged
    assert set(who(judged_lake, Settings("UTC", "flag")).values()) == {""}


def test_joining_adds_and_loses_nothing(session: Session) -> None:
    assert session.query("SELECT count(*) AS n, sum(packets)::BIGINT AS p FROM events WHERE scanner IS NULL OR true") == [
        {"n": 8, "p": 29}
    ]
    assert session.query("SELECT count(*) AS n FROM raw_events WHERE research_scanner IS NOT NULL") == [{"n": 8}]


@pytest.mark.parametrize(
    ("correction", "changed"),
    [
        ({"src": "198.18.0.1", "label": "not_a_scanner"}, {"198.18.0.1": ""}),
        ({"src": "198.18.0.0/15", "label": "not_announced_scanner"}, {"198.18.0.1": ""}),
        ({"src": "203.0.113.1", "label": "not_a_scanner"}, {"203.0.113.1": ""}),  # an exception in a wider verdict
        ({"src": "8.8.8.0/24", "label": "not_a_scanner"}, {"8.8.8.8": ""}),
        ({"src": "8.8.8.8", "label": "not_announced_scanner"}, {}),
        ({"src": "8.8.8.0/24", "label": "announced_scanner", "value": "G"}, {"8.8.8.8": "G+"}),
        ({"src": "203.0.113.0/24", "label": "announced_scanner", "value": "X"},
         {"203.0.113.1": "X+", "203.0.113.63": "X+", "203.0.113.64": "X+"}),
        ({"src": "198.18.0.1", "label": "not_a_scanner", "day_from": NEXT}, {}),
        ({"src": "198.18.0.1", "label": "not_a_scanner", "day_to": DAY}, {"198.18.0.1": ""}),
        ({"src": "2001:db8::/32", "label": "announced_scanner", "value": "Y"},
         {"2001:db8:7fff::1": "Y+", "2001:db8:8000::1": "Y+"}),
    ],
)  # fmt: skip
def test_a_correction_wins(judged_lake: Lake, correction: dict[str, Any], changed: dict[str, str]) -> None:
    number = judged_lake.add_note("correction", **correction)
    assert who(judged_lake) == EVERYBODY | changed
    judged_lake.withdraw_note(number)
    assert who(judged_lake) == EVERYBODY


def test_the_latest_of_two_corrections_counts(judged_lake: Lake) -> None:
    judged_lake.add_note("correction", src="8.8.8.8", label="announced_scanner", value="first")
    second = judged_lake.add_note("correction", src="8.8.8.8", label="announced_scanner", value="second")
    assert who(judged_lake)["8.8.8.8"] == "second+"
    judged_lake.add_note("correction", src="8.8.8.8", label="announced_scanner", value="third", replaces=second)
    assert who(judged_lake)["8.8.8.8"] == "third+"


def test_the_views_hold_what_holds(judged_lake: Lake) -> None:
    gone = judged_lake.add_note("note", text="gone")
    judged_lake.withdraw_note(gone)
    number = judged_lake.add_note("correction", src="198.18.0.0/16", label="not_a_scanner", day_from=DAY, day_to=DAY)
    with open_session(judged_lake, TOKYO) as session:
        assert [row["id"] for row in session.query("SELECT * FROM notes")] == [number]
        rows = session.query("SELECT src_ip, prefix_len, label, value, rule, evidence FROM verdicts ORDER BY label, prefix_len")
        assert [(r["src_ip"], r["prefix_len"], r["label"]) for r in rows] == [
            ("203.0.113.0", 26, "announced_scanner"), ("2001:db8::", 33, "announced_scanner"),
            ("8.8.8.8", 32, "large_scanner"), ("198.18.0.0", 16, "not_a_scanner"), ("203.0.113.64", 32, "port_scanner"),
        ]  # fmt: skip
        assert (rows[3]["rule"], rows[3]["evidence"]) == ("correction", f'{{"note": "{number}"}}')


def test_prefixes_end_where_they_should(session: Session) -> None:
    chance = random.Random(3)
    networks = [
        ipaddress.ip_network((chance.randbytes(size), chance.randint(0, 8 * size)), strict=False)
        for size in (4, 16)
        for _ in range(60)
    ]
    networks += [ipaddress.ip_network(text) for text in ("0.0.0.0/0", "::/0", "255.255.255.255/32", "::1/128")]
    for network in networks:
        first, last = network[0].packed, network[-1].packed
        sql = "SELECT prefix_last($first, $n) AS last, in_prefix($last, $first, $n) AS yes, in_prefix($other, $first, $n) AS no"
        other = bytes(20 - len(first))  # of the other family
        row = session.query(sql, {"first": first, "last": last, "n": network.prefixlen, "other": other})[0]
        assert row == {"last": last, "yes": True, "no": False}, network


def test_no_verdicts_at_all(lake: Lake) -> None:
    fill(lake, [{}])
    with open_session(lake, TOKYO) as session:
        assert session.query("SELECT scanner, research_scanner FROM events") == [{"scanner": None, "research_scanner": False}]
        assert session.query("SELECT * FROM verdicts") == session.query("SELECT * FROM notes") == []


def test_an_empty_lake(lake: Lake) -> None:
    lake.add_note("correction", src="8.8.8.8", label="not_a_scanner")
    with open_session(lake, TOKYO) as session:
        assert session.query("SELECT *, scanner FROM events") == []
        assert session.query("SELECT * FROM verdicts") == []


NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT count(*) FROM events", NONE),
        ("SELECT dst_port FROM events", NONE),
        ("EXPLAIN ANALYZE SELECT dst_port FROM events", NONE),
        ("EXPLAIN SELECT * FROM events", judged.EVERY),
        ("SELECT *, rank() OVER (ORDER BY n) FROM (SELECT dst_port, count(*) AS n FROM events GROUP BY ALL)", NONE),
        ("WITH a AS (SELECT dst_port FROM raw_events) SELECT * FROM a", NONE),
        ("SELECT * FROM verdicts", NONE),
        ("SELECT 1 AS one FROM raw_events WHERE src_ip = $src LIMIT 1", NONE),
        ("SELECT Scanner FROM events", {"_scanners"}),
        ("SELECT count(*) FROM events WHERE NOT research_scanner", {"_scanners"}),
        ("SELECT Tool, count(*) FROM events WHERE NOT spoofed GROUP BY ALL", {"_tools", "_spoofed"}),
        ("SELECT count(*) FROM verdicts WHERE label = 'tool' AND value <> 'it''s spoofed'", NONE),
        ("SELECT tool, * FROM (SELECT tool, count(*) FROM events GROUP BY ALL)", {"_tools"}),
        ("SELECT * FROM events", judged.EVERY),
        ("SELECT e.* FROM Events e JOIN verdicts v ON true", judged.EVERY),
        ("SELECT a FROM (SELECT * FROM events)", judged.EVERY),
        ("FROM events", judged.EVERY),
        ("DESCRIBE events", judged.EVERY),
        ("SUMMARIZE events", judged.EVERY),
        ("SELECT COLUMNS('s.*') FROM events", judged.EVERY),
        ("PIVOT events ON action USING count(*)", judged.EVERY),
    ],
)
def test_who_asks(session: Session, sql: str, tables: set[str]) -> None:
    assert judged.asks(sql, session._tree) == tables


def test_who_does_not_ask_is_not_joined(session: Session) -> None:
    """Before and after a question that is."""
    plan = "SELECT dst_port, count(DISTINCT src_ip) FROM raw_events WHERE packets > 0 GROUP BY ALL"
    for _ in range(2):
        session.frame(plan)
        told = str(session._con.execute(f"EXPLAIN {plan}").fetchall())
        assert "Join" not in told
        session.frame("SELECT scanner FROM events")
        assert "Join" in str(session._con.execute("EXPLAIN SELECT scanner FROM events").fetchall())


def test_filters(judged_lake: Lake, session: Session) -> None:
    def sources(**texts: str) -> set[str]:
        wanted = parse(TOKYO, **texts)
        shown, raw = (" AND ".join(wanted.conditions(raw=raw)) for raw in (False, True))
        found = session.query(f"SELECT DISTINCT src_ip FROM events WHERE {shown}")
        inside = session.query(f"SELECT DISTINCT address_text(src_ip) AS src_ip FROM raw_events WHERE {raw}")
        assert {r["src_ip"] for r in found} == {r["src_ip"] for r in inside}
        return {r["src_ip"] for r in found}

    everybody = set(EVERYBODY)
    research = {src for src, told in EVERYBODY.items() if told.endswith("+")}
    assert sources(scanners="in") == sources() == everybody
    assert sources(scanners="only") == research
    # 198.18.0.1 came on the next day too, when it was nobody's
    assert sources(scanners="out") == everybody - research | {"198.18.0.1"}
    assert sources(scanner="notice") == {"203.0.113.1", "203.0.113.63", "2001:db8:7fff::1"}
    assert sources(scanner="NOTICE,Other", src="198.18.0.0/15") == {"198.18.0.1"}
    with pytest.raises(UsageError, match="in, out or only"):
        parse(TOKYO, scanners="maybe")


# tools, and forged sources ------------------------------------------------------------------------------------------------


def used(src: str, value: str, marked: int, **more: Any) -> dict[str, Any]:
    return announced(src, value, label="tool", rule="tool_x", evidence=f'{{"tried": 9, "marked": {marked}}}', **more)


@pytest.fixture
def tools(judged_lake: Lake) -> Lake:
    """203.0.113.1 uses two tools, 203.0.113.63 perhaps; two sources are forged; one tool is told of one sensor only."""
    judge(
        judged_lake,
        [
            used("203.0.113.1", "mirai", 3),
            used("203.0.113.1", "zmap", 8, confidence=0.9),
            used("203.0.113.63", "masscan", 5),
            used("203.0.113.63", "zmap", 5, confidence=0.9),
            used("8.8.8.8", "nmap", 5, scope="home"),
            announced("198.18.0.1", None, label="spoofed_flood"),
            announced("2001:db8:8000::1", None, label="spoofed_flood"),
        ],
    )
    return judged_lake


def taken_for(lake: Lake) -> dict[str, str]:
    """Source -> tool, '*' for forged, where anything is said of it on the first day."""
    sql = "SELECT src_ip, tool, spoofed FROM events WHERE day_start(time)::DATE = DATE '2026-04-01'"
    with open_session(lake, TOKYO) as session:
        rows = session.query(sql)
        assert len(rows) == 7
        return {row["src_ip"]: told for row in rows if (told := (row["tool"] or "") + "*" * row["spoofed"])}


TAKEN_FOR = {"203.0.113.1": "zmap", "203.0.113.63": "masscan", "198.18.0.1": "*", "2001:db8:8000::1": "*"}


def test_tools_and_forged_sources_are_joined_on_their_day(tools: Lake) -> None:
    assert taken_for(tools) == TAKEN_FOR
    with open_session(tools, TOKYO) as session:
        later = session.query("SELECT tool, spoofed FROM events WHERE time >= TIMESTAMPTZ '2026-04-02 00:00:00+09:00'")
        assert later == [{"tool": None, "spoofed": False}]
        # each by itself, in turn, and all of them
        assert session.query("SELECT count(*) AS n FROM events WHERE spoofed") == [{"n": 2}]
        assert session.query("SELECT count(*) AS n FROM events WHERE tool = 'zmap'") == [{"n": 1}]
        assert session.query("SELECT count(*) AS n FROM events WHERE research_scanner") == [{"n": 0}]
        assert session.frame("SELECT * FROM events").columns[-4:] == list(judged.JOINED)


@pytest.mark.parametrize(
    ("correction", "changed"),
    [
        ({"src": "203.0.113.1", "label": "tool", "value": "nmap"}, {"203.0.113.1": "nmap"}),
        ({"src": "203.0.113.0/24", "label": "not_tool"}, {"203.0.113.1": None, "203.0.113.63": None}),
        ({"src": "198.18.0.0/15", "label": "not_spoofed_flood"}, {"198.18.0.1": None}),
        ({"src": "8.8.8.8", "label": "spoofed_flood"}, {"8.8.8.8": "*"}),
        ({"src": "198.18.0.1", "label": "not_a_scanner"}, {}),
    ],
)
def test_a_correction_of_a_tool_wins(tools: Lake, correction: dict[str, Any], changed: dict[str, str | None]) -> None:
    number = tools.add_note("correction", **correction)
    want = {src: told for src, told in (TAKEN_FOR | changed).items() if told}
    assert taken_for(tools) == want
    tools.withdraw_note(number)
    assert taken_for(tools) == TAKEN_FOR


def test_filters_of_tools_and_kinds(tools: Lake) -> None:
    fill(tools, [{"tcp_flags": 2}, {"tcp_flags": 18}, {"tcp_flags": 4}])

    def packets(**texts: str) -> int:
        wanted = parse(TOKYO, **texts)
        shown, raw = (" AND ".join(wanted.conditions(raw=raw)) for raw in (False, True))
        with open_session(tools, TOKYO) as session:
            found = [session.query(f"SELECT count(*) AS n FROM {v} WHERE {w}")[0]["n"] for v, w in
                     (("events", shown), ("raw_events", raw))]  # fmt: skip
        assert found[0] == found[1]
        return int(found[0])

    assert packets() == 11
    assert packets(kind="backscatter") == 2 and packets(kind="SYN,backscatter") == 3 and packets(kind="unknown") == 8
    assert packets(tool="ZMap") == 1 and packets(tool="zmap,masscan") == 2 and packets(tool="unknown") == 9
    assert packets(spoofed="in") == 11 and packets(spoofed="out") == 9 and packets(spoofed="only") == 2
    for wrong in ({"kind": "scan"}, {"spoofed": "maybe"}):
        with pytest.raises(UsageError):
            parse(TOKYO, **wrong)


def test_tools_are_ranked_and_not_known_is_a_row(tools: Lake) -> None:
    with open_session(tools, TOKYO) as session:
        found = questions.rank(session, "tools")
        told = [(r["rank"], r["tool"], r["packets"], r["hosts"]) for r in found]
        assert told == [(1, "masscan", 2, 1), (2, "zmap", 1, 1), (None, None, 26, 5)]
        assert found.total == 29 and sum(r["share"] for r in found) == pytest.approx(1)
        assert [(r["tool"], r["packets"]) for r in session.query(found.sql)] == [(t[1], t[2]) for t in told]


def test_prefixes_are_ranked(tools: Lake) -> None:
    given = {"country": "JP", "asn": 64500, "as_name": "EXAMPLE"}
    fill(tools, [{"src_ip": "203.0.113.9", "packets": 50, **given}, {"src_ip": "2001:db8:7fff:9::", "packets": 40}])
    with open_session(tools, TOKYO) as session:
        found = questions.rank(session, "prefixes", n=3)
        told = [(r["rank"], r["prefix"], r["asn"], r["as_name"], r["packets"], r["hosts"]) for r in found]
        assert told == [
            (1, "203.0.113.0/24", 64500, "EXAMPLE", 56, 4), (2, "2001:db8:7fff::/48", None, None, 44, 2),
            (3, "8.8.8.0/24", None, None, 7, 1),
        ]  # fmt: skip
        assert [(r["prefix"], r["packets"]) for r in session.query(found.sql)] == [(t[1], t[4]) for t in told]
        first = questions.rank(session, "prefixes", by="hosts", n=1, before=(T0, T0 + dt.timedelta(hours=1)))
        assert (first[0]["prefix"], first[0]["hosts"], first[0]["hosts_before"]) == ("203.0.113.0/24", 4, 1)


def test_a_destination_as_a_number(tools: Lake) -> None:
    """The wider rule on Mirai, whatever the source port, as anyone can ask it."""
    number = int(ipaddress.ip_address("198.51.100.1"))
    rows = [{"tcp_seq": number, "src_port": port, "tcp_flags": 2} for port in (80, 1024, 40000)]
    fill(tools, [*rows, {"tcp_seq": 1, "tcp_flags": 2}, {"tcp_seq": 1, "dst_ip": "2001:db8::1", "tcp_flags": 2}])
    with open_session(tools, TOKYO) as session:
        wide = "SELECT count(*) AS n FROM {} WHERE kind = 'syn' AND tcp_seq = ipv4_number({})"
        assert session.query(wide.format("raw_events", "dst_ip")) == [{"n": 3}]
        assert session.query(wide.format("events", "address_bytes(dst_ip)")) == [{"n": 3}]
        assert session.query("SELECT ipv4_number(NULL::BLOB) AS a, ipv4_number(unhex('ffffffff')) AS b") == [
            {"a": None, "b": 0xFFFFFFFF}
        ]


def test_scanners_are_ranked_with_the_day_before(judged_lake: Lake) -> None:
    judge(judged_lake, [announced("203.0.113.0", "NOTICE", 26), announced("198.18.0.1", "Other", day=NEXT)])
    start, end = (dt.datetime(2026, 4, n, tzinfo=TOKYO.zone) for n in (1, 2))
    with open_session(judged_lake, TOKYO) as session:
        day = dt.timedelta(days=1)
        first = questions.rank(session, "scanners", start, end)
        assert [(r["rank"], r["scanner"], r["packets"], r["hosts"], r["share_of"]) for r in first] == [(1, "NOTICE", 3, 2, 28)]
        second = questions.rank(session, "scanners", start + day, end + day, before=(start, end))
        assert [(r["scanner"], r["packets"], r["share"], r["packets_before"]) for r in second] == [("Other", 1, 1.0, 0)]
        without = questions.rank(session, "sources", start, end, filters=Filters(scanners="out"))
        assert len(without) == 5
