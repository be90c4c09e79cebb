"""What the sections on sensors share: what sensors and their groups are called, ports as TSUBAME writes them, rates."""

from __future__ import annotations

from collections.abc import Iterable

from teiten.report.answers import Key
from teiten.report.asked.sensors import Watcher, grouped, watchers
from teiten.report.context import Context, protocol_name
from teiten.report.naming import port_text
from teiten.settings import PORT_STYLES

HOME, ABROAD = "domestic", "overseas"


def group(context: Context, name: str | None) -> str:
    """国内, Domestic; a group of another name is called by it; sensors without one are the others."""
    if name is None:
        named = any(one.group for one in context.answers.once(watchers))
        return context.say("sensors.group_none") if named else ""
    key = f"sensors.group_{name}"
    return context.words(key) if key in context.words else name


def label(context: Context, one: Watcher) -> str:
    """国内センサー1, as TSUBAME's tables have it; センサー1 where there are no groups."""
    name = group(context, one.group)
    if not name:
        return context.say("sensors.plain", number=str(one.number))
    return context.sentence("sensors.named", group=name, number=str(one.number))


def members(context: Context, name: str | None, count: int) -> str:
    """国内センサー(5台)."""
    called = group(context, name)
    return context.say("sensors.members", group=called, n=count) if called else context.words("count.sensors", n=count)


def short(context: Context, name: str | None, count: int) -> str:
    """国内(5台): for a chart."""
    return context.sentence("sensors.short", group=group(context, name) or context.say("sensors.sensor"), n=count)


def names(context: Context) -> str:
    """Which sensor is which, by the names in teiten.toml."""
    said = []
    for _, own in grouped(context.answers.once(watchers)):
        if len(own) == 1:
            said.append(context.say("sensors.name_one", sensor=label(context, own[0]), name=own[0].name))
        else:
            listed = context.words.listed(one.name for one in own)
            said.append(context.say("sensors.name_from", sensor=label(context, own[0]), list=listed))
    return context.say("sensors.names", list=context.words("number.semicolon").join(said))


def port(context: Context, key: Key) -> str:
    """23/TCP, as TSUBAME's tables have it, whatever the other tables' style; TCP#23 where that is asked for."""
    style = context.settings.port_style
    protocol, number = key
    if number is None:
        return context.port(key)
    return port_text(number, protocol_name(protocol), style if style == PORT_STYLES[2] else PORT_STYLES[1])


def rate(context: Context, value: float | None) -> str:
    """342, 12.3, 0.12; a dash where nobody was watching."""
    if value is None:
        return "–"
    return context.words.number(value, 0 if value >= 100 else 1 if value >= 10 or not value else 2)


def cell(value: float | None) -> float | None:
    """A rate for a CSV."""
    return None if value is None else round(value, 6)


def some(context: Context, items: Iterable[str], most: int = 6) -> str:
    """The first of them in words, and how many more there are."""
    found = list(items)
    if len(found) > most:
        found = [*found[: most - 1], context.say("thing.more", n=len(found) - most + 1)]
    return context.words.listed(found)
