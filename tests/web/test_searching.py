"""The search: one thing leads there, several are listed with why, none gets suggestions; in both languages."""

from __future__ import annotations

import pytest

from teiten import lang, settings
from teiten.classify import watchlists
from teiten.web import searching
from teiten.web.searching import Seen

from .conftest import Client

SEEN = Seen({4134: "Chinanet", 15169: "Google LLC", 23: "Odd Net"}, ("home", "tokyo-1"), {"7c0e11aa": "Telnet from Taiwan"})


@pytest.fixture(scope="module")
def lists() -> watchlists.Watchlists:
    return watchlists.load()


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("8.8.8.8", ["/source/8.8.8.8"]),
        ("2001:DB8::1", ["/source/2001:db8::1"]),
        ("8.8.8.9/24", ["/source/8.8.8.0/24"]),
        ("AS 4134", ["/asn/4134"]),
        ("23/tcp", ["/port/23/tcp"]),
        ("\uff12\uff13/\uff34\uff23\uff30", ["/port/23/tcp"]),
        ("23", ["/port/23/tcp", "/port/23/udp", "/asn/23"]),
        ("icmp", ["/port/icmp"]),
        ("chinanet", ["/asn/4134"]),
        ("TOKYO", ["/sensor/tokyo-1"]),
        ("7c0e11aa", ["/story/7c0e11aa"]),
        ("\u53f0\u6e7e", ["/country/TW"]),
        ("Shodan", ["/scanner/Shodan"]),
        ("99999", []),
        ("'; DROP", []),
    ],
)
def test_what_is_meant(lists: watchlists.Watchlists, text: str, paths: list[str]) -> None:
    chosen = settings.load(zone="UTC")
    assert [hit.path for hit in searching.hits(text, lang.words("ja"), chosen, lists, SEEN)] == paths


def test_services_are_found_in_both_languages(lists: watchlists.Watchlists) -> None:
    chosen = settings.load(zone="UTC")
    for text in ("telnet", "Telnet"):
        found = searching.hits(text, lang.words("en"), chosen, lists, SEEN)
        assert "/port/23/tcp" in [hit.path for hit in found if hit.why == "service"]
        assert "/story/7c0e11aa" in [hit.path for hit in found if hit.why == "story"]


def test_what_is_spelt_alike_is_offered(lists: watchlists.Watchlists) -> None:
    near = searching.close("Germny", lang.words("en"), settings.load(zone="UTC"), lists, SEEN)
    assert "/country/DE" in [hit.path for hit in near]


def test_pages(client: Client) -> None:
    assert client.get("/search?q=8.8.8.8&lang=ja").status == 303
    several = client.get("/search?q=23&lang=en").text
    assert "/port/23/tcp?" in several and "a port" in several
    nothing = client.get("/search?q=zzzzqqqq&lang=en").text
    assert "/search?lang=en&amp;q=23%2Ftcp" in nothing
