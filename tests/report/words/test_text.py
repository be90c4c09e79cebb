"""Every kind of story, as it stands on any day, about anything, in both languages: nothing that a reader would stumble over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pytest
from tests.report.words import made, reading

from teiten.detect import model
from teiten.detect.model import About, Detection, Part, State, Story
from teiten.report.words import advice, background, plain, ranks, tell, together

CODES = ("ja", "en")
ABOUTS = (
    About(((6, 1433),)),
    About(((6, 23),), "NL"),
    About(((6, 25), (6, 465), (6, 587)), "US"),
    About(tuple((6, 8000 + n) for n in range(7)), "CN"),
    About(tuple((6, 8000 + n) for n in range(9)), sensor="jp01"),
    About(((1, None),), "JP"),
    About((), "RU"),
    About((), ""),
    About((), None, 4134),
    About(((17, 53),), "DE", 0, group="domestic"),
    About(),
)
REASONS: dict[str, dict[str, Any]] = {
    model.OVERTOOK: {"other": "445/6", "rank": 2}, model.CLOSING_IN: {"other": "445/6", "rank": 3},
    model.RHYTHM: {"low_from": 0, "low_to": 7, "local": "Asia/Tokyo"}, model.DYNAMIC: {"share": 0.9134},
    model.ARRIVALS: {"rate": 1.46, "equal": True, "intervals": [["2019-10-22T01:00:00+00:00", None]]},
    model.PORT_RUN: {"ports": 23100, "first": 20000, "last": 51139}, model.FEW_MANY: {"hosts": 1, "ports": 1890},
    model.MANY_FEW: {"hosts": 51200, "ports": 1}, model.STANDS_OUT: {"share": 0.31234, "share_all": 0.0212},
    model.OWN_FALL: {"factor": 0.355}, model.CLOCK_STEP: {"seconds": 86399}, model.PORT_GROUP: {"hosts": 1},
    model.CAMPAIGN: {"hosts": 1200}, model.WATCH: {"name": "cameras"},
}  # fmt: skip
PARTS: Sequence[tuple[Part, ...]] = (
    (),
    (Part("country", "CN", 900, 0.56), Part("country", "DE", 700, 0.46), Part("port", "23/6", 900, 0.9)),
    tuple(
        Part("country", code, 100, 0.1 + n / 50) for n, code in enumerate(("TR", "TW", "ID", "RU", "VN", "BR", "KR", "IR", ""))
    ),
    (Part("asn", "4134", 800, 0.61), Part("sensor", "jp01", 990, 0.99)),
)
AMOUNTS: Sequence[dict[str, Any]] = (
    {"packets": 1.0, "usual": 0.0, "hosts": 1.0, "sources": "few"},
    {"packets": 12345.0, "usual": 3.0, "hosts": 4567.0, "sources": "many", "times": 4115.0, "measure": "hosts"},
    {"packets": 5.4, "usual": 12.25, "times": 0.44},
)


def detections() -> Iterator[Detection]:
    """Each kind about each thing; hours, parts and amounts in turns."""
    spans = [(0, 24), (5, 6), (2, 5), (-5, None), (16, None)]
    n = 0
    for kind in model.MEANINGS:
        for about in ABOUTS:
            start, end = spans[n % len(spans)]
            amounts = AMOUNTS[n % len(AMOUNTS)]
            hours = made.at(22, start), None if end is None else made.at(22, end), made.at(22, max(0, start))
            told: dict[str, Any] = {"confidence": ("sure", "likely", "possible")[n % 3], **amounts}
            yield Detection(
                kind, about, made.DAY, *hours, parts=PARTS[n % len(PARTS)], reason=REASONS.get(kind, {}), score=float(n % 8),
                **told,
            )  # fmt: skip
            n += 1


def stories() -> Iterator[Story]:
    """As each may stand on the day."""
    n = 0
    for one in detections():
        for state in get_args(State)[:-1]:
            n += 1
            first = made.at(22) if state in ("new", "once") and n % 2 else made.at(17, n % 20)
            shown = () if state in ("high", "ended") and n % 3 == 0 else (one,)
            times = (None, 0.004, 0.31, 3.2, 88.0, 2400.0)[n % 6]
            yield Story(
                one.id, one.kind, one.about, made.DAY, state, first, detections=shown, times=times, peak=times and times * 2,
                peak_day=dt.date(2019, 9, 30), rank=(None, 1, 4, 12)[n % 4], rank_before=(None, 2, 4, 1)[n % 4], again=n % 2,
            )  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_nothing_to_stumble_over(code: str) -> None:
    speech = made.speech(code, sensors=2, watched=True)
    found: list[str] = []
    for n, one in enumerate(stories()):
        speaker = speech.knowing(About(one.about.ports)) if n % 5 == 4 else speech
        told = tell(speaker, one)
        beside = [*ranks(speaker, [one]), *background(speaker, [one])]
        for sentence in (*told.sentences, *told.doubts, *beside):
            found += [f"{one.kind} {one.state}: {fault}" for fault in reading.faults(plain(sentence), code)]
        stop = "。" if code == "ja" else "."
        for text in (told.title + stop, told.sure + stop if told.sure else told.title + stop):
            found += [f"{one.kind} {one.state}: {fault}" for fault in reading.faults(text, code)]
        speech.turns["background"] = 0
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("code", CODES)
def test_advice_reads_alike(code: str) -> None:
    speech = made.speech(code)
    for one in stories():
        for text in advice(speech, [one], long=True):
            assert not reading.faults(plain(text), code)


@pytest.mark.parametrize("code", CODES)
def test_one_port_in_several_countries_is_one_sentence(code: str) -> None:
    some = [
        made.story("new", made.found(model.STANDS_OUT, (9530,), land, reason={"share": share, "share_all": 0.0391}))
        for land, share in (("VN", 0.139), ("TW", 0.306), ("KR", 0.25))
    ]
    speech = made.speech(code)
    first, known = together(speech, some), together(speech.knowing(About(((6, 9530),))), some)
    for told, named in ((first, True), (known, False)):
        text = " ".join(plain(s) for s in told.sentences)
        assert text.index("30.6") < text.index("25.0") < text.index("13.9") and "3.9" in text
        assert ("9530/tcp" in text) is named and not reading.faults(text, code), text


STUMBLES = {
    "ja": (
        "9001/tcpへのスキャンがが増加しました。", "スキャンのの増加です。", "1234パケットです。", "the usualです。",
        "{thing}が増加しました。", "増加しました",
    ),
    "en": (
        "The the scans rose.", "Only 1 hosts sent them.", "and 1 more ports.", "It brought 12345 packets.", "Scans rose .",
        "Scansが増加.", "tell.rising", "small letters.", "About 3.1415 times.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in STUMBLES.items() for text in texts])
def test_the_reader_stumbles(code: str, text: str) -> None:
    assert reading.faults(text, code), "these checks can fail"
