"""Kinds that say something of their own: who joins, ranks, rhythm, dynamic ranges, arrivals, runs of ports, few and many."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from teiten.data import regions
from teiten.detect import model
from teiten.detect.model import About, Detection, Story
from teiten.report.model import Paragraph
from teiten.report.words import _much
from teiten.report.words._speech import Speech

COUNTRIES: Final = 6
"""countries that join, beyond which their regions are named"""


def number(one: Detection, key: str) -> float | None:
    """A number of the reason; None where it has none of that name."""
    value = one.reason.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def spreading(speech: Speech, story: Story, one: Detection) -> list[Paragraph]:
    """台湾を中心に、ロシア、ベトナムなどへ広がっています; by regions where they are many. In the order in which they joined."""
    parts = [p for p in one.parts if p.what == "country" and p.key]
    if len(parts) < 2:
        return []
    # the first to join need not be the one that has most of it
    main = max(parts, key=lambda p: p.share)
    rest = [p.key for p in parts if p is not main]
    fields: dict[str, Any] = {"first": speech.land(main.key), "day": speech.date(one.day)}
    by = "" if one.day == story.day else "_by"
    if len(rest) <= COUNTRIES:
        text = [speech.linked(speech.words.listed(speech.land(code) for code in rest), story)]
        return [speech.turn(f"tell.spreading{by}", **fields, list=text)]
    mine = regions.table()
    named = list(dict.fromkeys(speech.say(f"region.{mine[c]}") for c in rest if c in mine))
    text = [speech.linked(speech.words.listed(named), story)]
    return [speech.turn(f"tell.spreading_far{by}", **fields, list=text, n=len(parts))]


def overtook(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """3日間のランキングでは、1433/tcpが445/tcpを上回り、2位となりました; or is about to."""
    if one is None:
        return []
    rank, other = number(one, "rank"), str(one.reason.get("other", ""))
    if rank is None or not other:
        return []
    port = _much.port_of(other)
    ranked = bool(one.about.ports)
    name = speech.ports_text([port]) if port is not None else speech.land(other or None)
    mine = speech.ports_text(one.about.ports) if ranked else speech.land(one.about.country)
    inside = ranked and one.about.country is not None
    what = "inside" if inside else "ports" if ranked else "countries"
    fields: dict[str, Any] = {
        "mine": [speech.linked(mine, story)],
        "other": name,
        "rank": speech.words.ordinal(round(rank)),
        "ahead": speech.words.ordinal(max(1, round(rank) - 1)),
        "land": speech.land(one.about.country or None) if inside else "",
    }
    return [speech.turn(f"tell.{one.kind}_{what}", **fields)]


def stands_out(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """国別のランキングでは、オランダ発の3306/tcpへのスキャンが際立っています."""
    if one is None:
        return [speech.turn("tell.stands_out_ended", thing=speech.thing(story.about, story))] if story.state == "ended" else []
    thing = speech.thing(one.about, story)
    if one.reason.get("few"):
        return [speech.turn("tell.relatively_high", thing=thing)]
    own, everywhere = number(one, "share"), number(one, "share_all")
    if speech.known.ports == one.about.ports and one.about.ports and own is not None and everywhere is not None:
        land = speech.land(one.about.country or None)
        shares = {"share": [speech.linked(speech.words.percent(own), story)], "share_all": speech.words.percent(everywhere)}
        return [speech.turn("tell.stands_out_within", **shares, land=land)]
    said = [speech.turn("tell.stands_out", thing=thing)]
    if own is not None and everywhere is not None and one.about.country is not None:
        percent = speech.words.percent
        land = speech.land(one.about.country or None)
        shares = {"share": [speech.linked(percent(own), story)], "share_all": percent(everywhere)}
        said.append(speech.turn("tell.stands_out_share", **shares, land=land))
    return said


def stand_out(speech: Speech, stories: Sequence[Story]) -> list[Paragraph]:
    """国別に見ると、9530/tcpへのスキャンは台湾発(30.6%)、ベトナム発(13.9%)で際立っています: one port in several countries."""
    shares = [(number(d, "share") or 0.0, story, d) for story in stories for d in story.detections[:1]]
    shares.sort(key=lambda item: -item[0])
    items = [
        [speech.linked(speech.say("tell.stands_out_item", land=speech.land(d.about.country or None), share=share), story)]
        for share, story, d in ((speech.words.percent(share), story, d) for share, story, d in shares)
    ]
    whole = speech.words.percent(max((number(d, "share_all") or 0.0 for _, _, d in shares), default=0.0))
    ports = stories[0].about.ports
    if speech.known.ports == ports:
        return [speech.turn("tell.stands_out_many_within", list=speech.row(items), share_all=whole)]
    thing = speech.thing(About(ports), None)
    return [speech.turn("tell.stands_out_many", thing=thing, list=speech.row(items), share_all=whole)]


def rhythm(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """時系列で見ると、日本発のスキャンは深夜から早朝の時間帯に低下しています."""
    if one is None:
        return []
    low, high = number(one, "low_from"), number(one, "low_to")
    thing = speech.thing(one.about, story)
    if one.kind == model.RHYTHM_LOST:
        return [speech.turn("tell.rhythm_lost", thing=thing)]
    if low is None or high is None:
        return [speech.turn("tell.rhythm", thing=thing)]
    clocks = {"low": _hour(speech, low), "high": _hour(speech, high)}
    local = one.reason.get("local")
    there = "there" if local and local != speech.zone.key else "here"
    return [speech.turn(f"tell.rhythm_{there}", thing=thing, **clocks)]


def _hour(speech: Speech, hour: float) -> str:
    n = round(hour) % 24
    return speech.words("date.hour", hour=str(n), hour2=f"{n:02d}")


def dynamic(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """発信元の多くが、ISPのダイナミック割り当てのアドレスとみられます."""
    if one is None:
        return []
    share = number(one, "share")
    within = (one.about.ports, one.about.country) == (speech.known.ports, speech.known.country)
    whose = [] if within else speech.thing(one.about, story)
    key = "dynamic_within" if within else "dynamic"
    if share is None:
        return [speech.turn(f"tell.{key}", thing=whose)]
    text = [speech.linked(speech.words.percent(min(1.0, share), 0), story)]
    return [speech.turn(f"tell.{key}_share", thing=whose, share=text)]


def arrivals(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """WebサーバへのDoSライクな着信は、引き続き間欠的に続いています. 毎秒1〜2パケット."""
    service = speech.service_of(story)
    about = one.about if one is not None else story.about
    fields: dict[str, Any] = {
        "service": [speech.linked(service, story)],
        "since": speech.date(_much.since(story, speech)),
        "when": speech.hours(one) if one is not None else "",
    }
    if story.state == "ended" or one is None:
        return [speech.turn("tell.arrivals_ended" if story.state == "ended" else "tell.arrivals_open", **fields)]
    begun = story.state in ("new", "once")
    intervals = moments(one)
    often = len(intervals) > 1
    key = ("again" if story.again else "new") if begun else ("often" if often else "open")
    said = [speech.turn(f"tell.arrivals_{key}", **fields)]
    if often and begun:
        text = speech.linked(speech.words.number(len(intervals)), story)
        said.append(speech.rich("tell.arrivals_times", n=[text]))
    if not begun and intervals and intervals[-1][1] is None and speech.local(intervals[-1][0]).date() == speech.day:
        clock = [speech.linked(speech.clock(intervals[-1][0]), story, intervals[-1][0])]
        said.append(speech.turn("tell.arrivals_on", clock=clock))
    rate = number(one, "rate")
    if rate is not None and rate > 0:
        text = speech.linked(speech.words.number(rate, 1 if rate < 10 else 0), story)
        said.append(speech.turn("tell.arrivals_rate", rate=[text]))
    if one.reason.get("equal") and len(about.ports) == 2:
        one_port, other = (speech.ports_text([p]) for p in about.ports)
        said.append(speech.turn("tell.arrivals_equal", one=[speech.linked(one_port, story)], other=other))
    if about.country is None:
        lands = [p for p in one.parts if p.what == "country" and p.key and p.share >= _much.MAIN]
        if lands:
            said.append(speech.turn("tell.arrivals_from", land=[speech.linked(speech.land(lands[0].key), story)]))
    elif about.country:
        said.append(speech.turn("tell.arrivals_from", land=[speech.linked(speech.land(about.country), story)]))
    return said


def backscatter(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    if one is None:
        return []
    when = [speech.linked(speech.hours(one), story)]
    said = [speech.turn("tell.backscatter", origin=speech.origin(one.about), when=when)]
    much = _much.packets(speech, story, one)
    return [*said, much] if much is not None else said


def port_run(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """オランダ発では、非常に多数の連続的なポート範囲への着信が観測されています."""
    key = "new" if story.state in ("new", "once") else "ended" if story.state == "ended" else "open"
    about = one.about if one is not None else story.about
    origin = [speech.linked(speech.say("tell.run_of_ports", origin=speech.origin(about)), story)]
    said = [speech.turn(f"tell.port_run_{key}", runs=origin)]
    if one is None:
        return said
    ports, first, last = (number(one, k) for k in ("ports", "first", "last"))
    if ports:
        text = [speech.linked(speech.words.number(round(ports)), story)]
        if first is not None and last is not None:
            said.append(speech.turn("tell.port_run_range", n=text, first=str(round(first)), last=str(round(last))))
        else:
            said.append(speech.turn("tell.port_run_ports", n=text))
    return said


def few_many(speech: Speech, story: Story, one: Detection | None) -> list[Paragraph]:
    """ロシア発では、ごく少数のホストを発信元に、非常に広範なポートへのスキャンが行われています."""
    key = "ended" if story.state == "ended" else "open" if story.state not in ("new", "once") else "new"
    about = one.about if one is not None else story.about
    kind = one.kind if one is not None else story.kind
    said = [speech.turn(f"tell.{kind}_{key}", topic=speech.topic(about, story))]
    if one is None or key == "ended":
        return said
    hosts, ports, each = number(one, "hosts") or one.hosts, number(one, "ports"), number(one, "each")
    if hosts and ports:
        text = [speech.linked(speech.count(hosts, "hosts"), story)]
        fields = {"each": speech.count(each)} if each else {}
        said.append(speech.turn(f"tell.{kind}_count{'_each' if each else ''}", hosts=text, n=round(ports), **fields))
    return said


def group_hosts(speech: Speech, story: Story, one: Detection) -> Paragraph | None:
    """同じ3ホストが、これらのポートをまとめて試みています."""
    hosts = number(one, "hosts")
    if not hosts:
        return None
    return speech.turn(f"tell.{one.kind}_hosts", hosts=[speech.linked(speech.count(hosts, "hosts"), story)])


def title(speech: Speech, story: Story, one: Detection | None) -> str:
    """A headline for these kinds."""
    about = one.about if one is not None else story.about
    kind = model.RHYTHM_LOST if one is not None and one.kind == model.RHYTHM_LOST else story.kind
    if kind == model.ARRIVALS:
        thing = speech.service_of(story)
    elif kind in (model.PORT_RUN, model.BACKSCATTER):
        thing = speech.say("tell.from_title", land=speech.land(about.country)) if about.country else ""
    elif kind in (model.OVERTOOK, model.CLOSING_IN):
        thing = speech.ports_text(about.ports) if about.ports else speech.land(about.country)
    elif kind in (model.FEW_MANY, model.MANY_FEW):
        thing = speech.name(about)
    else:
        thing = speech.short(about)
    state = "ended" if story.state == "ended" and f"tell.title_{kind}_ended" in speech.words else ""
    key = f"tell.title_{kind}_{state}" if state else f"tell.title_{kind}"
    return speech.sentence(key if key in speech.words else "tell.title_high", thing=thing, when="")


def moments(one: Detection) -> list[tuple[dt.datetime, dt.datetime | None]]:
    """The intervals that a reason tells of: beginnings, and ends or None."""
    found = one.reason.get("intervals")
    out = []
    for pair in found if isinstance(found, list) else []:
        if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str):
            start = dt.datetime.fromisoformat(pair[0])
            out.append((start, dt.datetime.fromisoformat(pair[1]) if isinstance(pair[1], str) else None))
    return out


OWN_WORDS: Final[dict[str, Callable[[Speech, Story, Detection | None], list[Paragraph]]]] = {
    model.OVERTOOK: overtook,
    model.CLOSING_IN: overtook,
    model.STANDS_OUT: stands_out,
    model.RHYTHM: rhythm,
    model.RHYTHM_LOST: rhythm,
    model.DYNAMIC: dynamic,
    model.ARRIVALS: arrivals,
    model.BACKSCATTER: backscatter,
    model.PORT_RUN: port_run,
    model.FEW_MANY: few_many,
    model.MANY_FEW: few_many,
}
