"""The API under words that nobody would write: no error of ours, and every answer as it is described (OpenAPI)."""

from __future__ import annotations

import http.client
import json
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from teiten import answering
from teiten.settings import Settings
from teiten.web.api import _shape

from .conftest import OWN, Client, served

EXAMPLES = int(os.environ.get("TEITEN_FUZZ_EXAMPLES", "40"))
"""of each address"""


@pytest.fixture(scope="module")
def open_door(chosen: Settings) -> Iterator[Client]:
    """A server without limits on requests: these are many."""
    with served(replace(chosen, api=answering.Api(requests_per_minute=0)), workers=2) as made:
        yield made


@pytest.mark.full
def test_schemathesis_finds_nothing(open_door: Client, figure: Callable[[int, str], None]) -> None:
    """Words that the description allows, and words that it does not: answers as described, refused where they mean nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from schemathesis import checks

        document = open_door.get("/api/v1/openapi.json").json()
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=f"http://127.0.0.1:{open_door.port}")
        wanted = [
            checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
            checks.response_schema_conformance, checks.response_headers_conformance, checks.negative_data_rejection,
            checks.unsupported_method,
        ]  # fmt: skip
        asked = 0
        failures: list[str] = []
        statuses: Counter[int] = Counter()
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in schemathesis.GenerationMode:
                if operation.path.endswith("/sql") and mode is schemathesis.GenerationMode.NEGATIVE:
                    continue  # a process for each, which may be busy: it has cases of its own (test_pages_sql_escapes.py)

                @seed(20191022)
                @settings(
                    max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )  # fmt: skip
                @given(case=operation.as_strategy(generation_mode=mode))
                def ask(case: Any) -> None:
                    nonlocal asked
                    asked += 1
                    answer = case.call(timeout=60)
                    statuses[answer.status_code // 100] += 1
                    case.validate_response(answer, checks=wanted)
                    assert OWN.encode() not in answer.content or "mask" in str(case.query)

                try:
                    ask()
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    failures.append(f"{operation.label} ({mode.value}): {told(error)}")
    assert not failures, "\n\n".join(failures)
    figure(
        24,
        f"schemathesis: {asked:,} requests to {len(document['paths'])} addresses: {statuses[2]:,} answered, {statuses[4]:,} "
        "refused, none above 499, each as described",
    )


def told(error: BaseException) -> str:
    """A failure, and those in it."""
    inside = getattr(error, "exceptions", ())
    return "; ".join([f"{type(error).__name__}: {str(error)[:600]}", *map(told, inside)])


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(codec="utf-8", categories=["Nd", "No", "Cc", "Cf", "Zs", "So"]), min_size=1, max_size=20),
    st.sampled_from([
        "\0", "a\0b", "%00", "1e309", "-1", "9" * 400, "0x17", "１２３", "٢٣", "NaN", "1,2," * 500, ",", ",,,", "'", "';--",
        "1' OR '1'='1", "a;b", "../../etc/passwd", "%2e%2e/%2e%2e", "[]", "{}", "[1,2]", "x" * 5000, "\r\nSet-Cookie: a=b",
        "<script>", "{events}", "{where}", "{0}", "%s", "$(id)", "`id`", "\N{RIGHT-TO-LEFT OVERRIDE}23", "23/tcp/udp",
        "0-65535/tcp", "65536", "8.8.8.8/-1", "8.8.8.8/33", "::/129", "fe80::1%eth0", "0.0.0.0/0", "::/0", "9999-12-31",
        "0001-01-01", "2019-02-30", "2019-W54", "2019-13", "2019-Q5", "2019-10-22T25:00", "2019-10-22T00:00+99:99",
        "9999-W52", "9999-12", "1" * 18, "99999999999999999.1.1", "1.1.1.1.1", "-1.-1.-1", "AS99999999999", "unknown",
        "不明", "日本", "United States of America", "\ud7ff", "\U0010ffff",
    ]),
)  # fmt: skip


@pytest.mark.full
def test_hostile_words_are_refused_or_answered(open_door: Client, figure: Callable[[int, str], None]) -> None:
    """In every word of every address, alone, twice, beside others, and in the path; and bytes that are no text."""
    found = _shape.found()
    names = sorted(_shape.words())
    asked = 0

    @seed(5)
    @settings(max_examples=EXAMPLES * len(found), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        nonlocal asked
        one = data.draw(st.sampled_from(found))
        path = one.whole
        for name, word in one.parts.items():
            value = data.draw(st.one_of(st.just(str(word.example)), HOSTILE))
            path = path.replace(f"{{{name}}}", quote(value, safe=data.draw(st.sampled_from(["", ";,%", "/%"]))) or "x")
        chosen = data.draw(st.lists(st.tuples(st.sampled_from([*names, "json", "nonsense"]), HOSTILE), max_size=4))
        query = "&".join(
            f"{name}={quote(value, safe=data.draw(st.sampled_from(['', ';,%&=', '%'])))}" for name, value in chosen
        )
        method = data.draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "DELETE", "OPTIONS"]))
        asked += 1
        status, kind, body = raw(open_door, method, f"{path}?{query}")
        assert status < 500, (method, path, query, status, body[:300])
        if status >= 400 and status != 405 and method == "GET":
            assert kind == "application/json" and set(json.loads(body)) == {"error", "hint"}, (path, query, body[:200])
        assert b"Traceback" not in body

    ask()
    for path in (b"/api/v1/rank/ports?port=%ff%fe", b"/api/v1/sources/%ff", b"/api/v1/events?sensor=\xff", b"/api/v1/%00"):
        assert raw(open_door, "GET", path.decode("latin-1"))[0] in (400, 404), path
    figure(
        24, f"hostile words: {asked:,} requests with NUL, huge numbers, digits of other scripts, repeated words: none above 499"
    )


FAR = ("999999999999999999", "9223372036854775", "0", "5", "00", "-1", "1e9", "%00", "%2e%2e", "٣", "1_0", "9" * 400)
"""places in an input where no event is"""
TIMES = ("253402300799999999", "-62135596800000000", "-62135596799999999", "9" * 23, "0", "-1", "٣", "1_0", "%00", "")
"""microseconds that no event has"""


def test_places_where_no_event_is(open_door: Client) -> None:
    """Beyond the end of an input and of time, and what is no number: told so, by a page or an answer."""
    asked = [f"/api/v1/events/{source}/{pos}{end}" for source in ("1", "99", *FAR) for pos in FAR for end in ("", "/raw")]
    asked += [
        f"/event/{time}.{source}.{pos}" for time in TIMES for source, pos in (("1", "1"), ("9223372036854775807", FAR[0]))
    ]
    asked += ["/event/1..1", "/event/1.1", "/event/%00", "/event/" + "9" * 5000, "/event/1.1.1.0", "/event/a%2fb"]
    for place in asked:
        status, _, body = raw(open_door, "GET", place)
        known = place.removesuffix("/raw") in ("/api/v1/events/1/0", "/api/v1/events/1/00")  # the first line of the log
        expected = (200,) if known else (404,) if place.startswith("/api/") else (400, 404)
        assert status in expected, (place, status, body[:200])
    for name in ("after", "before"):
        for time in TIMES:
            for page in ("/events", "/api/v1/events"):
                status, _, body = raw(open_door, "GET", f"{page}?period=week&{name}={time}.1.1")
                assert status < 500, (page, name, time, status, body[:200])


def raw(client: Client, method: str, target: str) -> tuple[int, str, bytes]:
    """An answer to exactly that request line, as far as it can be one."""
    target = "".join(c if " " < c < "\x7f" or c in "\xff" else quote(c) for c in target)
    with closing(http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)) as link:
        link._http_vsn_str = "HTTP/1.1"
        link.putrequest(method, "/", skip_accept_encoding=True)
        link._buffer[0] = f"{method} {target} HTTP/1.1".encode("latin-1")  # type: ignore[attr-defined]
        link.endheaders()
        answer = link.getresponse()
        return answer.status, answer.headers.get("content-type", ""), answer.read()
