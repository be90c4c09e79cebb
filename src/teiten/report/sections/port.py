"""A port at a glance: how much came, from how many, since when, when it rose, what the port is, how it stands today."""

from __future__ import annotations

from collections.abc import Sequence

from teiten.classify.rules import large_scanner
from teiten.periods import PeriodKind
from teiten.report import rises
from teiten.report.asked import port as asked
from teiten.report.context import Context
from teiten.report.model import Fact, Paragraph, Section
from teiten.report.sections import _points, _port

ID = "port"
ORDER = 10
KINDS: tuple[PeriodKind, ...] = ("span",)


def build(context: Context) -> Section:
    say = context.say
    told = [*_told(context), *_sight(context), *_rises(context), *_after(context)]
    points = _purpose(context)
    return Section(ID, say("port.title"), told, points=points, facts=_facts(context), notes=_notes(context))


def _told(context: Context) -> list[str]:
    """How much, and how much of research scanners."""
    say, words, found = context.say, context.words, context.answers.once(asked.parts)
    if not found.packets:
        return _nothing(context, found)
    said = [
        say(
            "port.total",
            **_port.names(context),
            hosts=_port.hosts(context, found.hosts, found.error),
            packets=context.packets(found.packets),
        )
    ]
    if found.rank is not None and found.all_packets and not context.answers.filters.country:
        share = words.percent(found.packets / found.all_packets)
        said.append(say("port.place", share=share, place=words.ordinal(found.rank), n=found.ports))
    return [words.joined(*said), *_scanners(context, found)]


def _scanners(context: Context, found: asked.Parts) -> list[str]:
    say, words = context.say, context.words
    if found.scanner_packets is None or found.scanner_hosts is None:
        return []
    if not found.scanner_packets:
        return [say("port.scanners_none")]
    share = words.percent(found.scanner_packets / (found.scanner_packets + found.packets))
    hosts, packets = words("count.hosts", n=found.scanner_hosts), context.packets(found.scanner_packets)
    return [say("port.scanners", **_port.names(context), hosts=hosts, packets=packets, share=share)]


def _nothing(context: Context, found: asked.Parts) -> list[str]:
    say = context.say
    if set(context.answers.filters.words) - {"port", "scanners"} or context.answers.filters.scanners != "out":
        return [say("port.nothing_chosen", **_port.names(context))]
    if not found.scanner_packets:
        return [say("port.nothing", **_port.names(context))]
    hosts = context.words("count.hosts", n=found.scanner_hosts or 0)
    said = say("port.nothing_scanners", hosts=hosts, packets=context.packets(found.scanner_packets))
    return [context.words.joined(say("port.nothing_but", **_port.names(context)), said)]


def _sight(context: Context) -> list[str]:
    """When the port was first seen in the lake; where it was not seen in the period, when it was seen at all."""
    say, words, found = context.say, context.words, context.answers.once(asked.sight)
    extent = context.answers.extent
    if found is None:
        return [say("port.never", begins=words.date(extent[0].date()))] if extent else []
    if not _port.seen(context):
        if found.last < context.period.first:
            return [say("port.seen_before", last=words.date(found.last))]
        return [say("port.seen_other", first=words.date(found.first), last=words.date(found.last))]
    if found.first == found.begins:
        return [say("port.first_always", begins=words.date(found.begins))]
    return [say("port.first", day=words.date(found.first), begins=words.date(found.begins))]


def _rises(context: Context) -> list[str]:
    """Each rise, and whether it is over."""
    if not _port.seen(context):
        return []
    found, course = context.answers.once(asked.risen), _port.course(context)
    if not found:
        usual, run = course.hosts[: max(course.first, len(course.days) - rises.RUN)], course.hosts[course.first :]
        enough = _observed(usual) >= rises.FEWEST and _observed(run) >= rises.RUN
        return [context.say("port.no_rise" if enough else "port.no_rule")]
    said = [told(context, rise) for rise in found]
    last = found[-1]
    if last.over:
        said.append(context.say("port.over", day=_port.day(context, last.end)))
    elif last.end == len(course.days):
        said.append(context.say("port.going"))
    return [context.words.joined(*said)]


def _observed(values: Sequence[int | None]) -> int:
    return sum(v is not None for v in values)


def told(context: Context, rise: rises.Rise) -> str:
    """One rise as a sentence."""
    course = _port.course(context)
    key = "port.rose_further" if rise.further else "port.rose" if rise.usual >= 1 else "port.rose_from_none"
    peak = context.words.number(course.hosts[rise.peak] or 0)
    day, peak_day = _port.day(context, rise.start), _port.day(context, rise.peak)
    return context.say(key, day=day, peak_day=peak_day, usual=_port.rate(context, rise.usual), peak=peak)


def _after(context: Context) -> list[str]:
    found = context.answers.once(asked.after)
    if found is None or not _port.seen(context) or found.hosts_now is None or found.hosts_then is None:
        return []
    span = context.words("duration.days_of", n=len(found.days))
    if not found.hosts_now:
        return [context.say("port.gone", span=span)]
    rate, then = _port.rate(context, found.hosts_now), _port.rate(context, found.hosts_then)
    return [context.say("port.now", span=span, rate=rate, then=then, n=found.days_then)]


def _purpose(context: Context) -> list[Paragraph]:
    """What the table of ports says of it."""
    key = _port.key(context)
    if key[1] is None:
        return [context.say("port.icmp")] if key[0] == 1 else []
    if context.port_entry(key) is None:
        return [context.say("port.unlisted")]
    return _points.purpose(context, key)


def _facts(context: Context) -> list[Fact]:
    say, words, found = context.say, context.words, context.answers.once(asked.parts)
    if not found.packets:
        return []
    course = _port.course(context)
    hosts = course.hosts[course.first :]
    observed = [v for v in hosts if v is not None]
    most, at = _port.highest(hosts)
    facts = [
        Fact(say("port.hosts"), context.estimate(found.hosts, found.error)),
        Fact(say("port.packets"), words.number(found.packets)),
        Fact(
            say("port.per_day"), _port.rate(context, sum(observed) / len(observed)), say("port.per_day_note", n=len(observed))
        ),
        Fact(say("port.most"), words.number(most), _port.day(context, at + course.first)),
    ]
    if found.scanner_packets is not None:
        share = words.percent(found.scanner_packets / (found.scanner_packets + found.packets))
        note = say("port.of_port", **_port.names(context), share=share) if found.scanner_packets else ""
        facts.append(Fact(say("port.scanner_packets"), words.number(found.scanner_packets), note))
    whole = say("totals.coverage_of", length=context.length)
    return [*facts, Fact(say("totals.coverage"), words.percent(context.answers.coverage.share), whole)]


def _notes(context: Context) -> list[Paragraph]:
    settings, side = context.settings, context.answers.filters.scanners
    if side != "out":
        return [context.say("port.scanners_only" if side == "only" else "port.scanners_kept")]
    numbers = {name: int(settings.threshold(f"large_scanner_{name}")) for name in ("ports", "packets", "floor")}
    numbers["observed"] = max(1, round(context.answers.per_address.addresses))
    numbers["needed"] = large_scanner.needed(settings, numbers["observed"])
    found = context.answers.once(asked.parts)
    estimated = context.estimated([found.error, _port.course(context).error])
    return [context.say("port.scanners_rule", **numbers), *([estimated] if estimated else [])]
