"""Checks of a live station: does it run, does anything arrive, what was lost, is the lake current; rights, buffers, tasks."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import teiten
from teiten.doctor._base import Patient, Result, State, ago, clock, many, percent
from teiten.station import made, standing
from teiten.station.standing import Standing

ORDER = 15
SILENT = dt.timedelta(hours=1)
"""without anything for longer, an input is to be looked at"""
LATE_LOOK, LATE_WRONG = dt.timedelta(minutes=2), dt.timedelta(minutes=15)
"""the lake is a minute behind at most where all is well"""
UNHEARD, SKEWED = dt.timedelta(minutes=15), 5.0
"""a sensor is silent from then on (it says that it is alive every minute); its clock is wrong by more seconds than that"""
LITTLE = 500_000_000
"""bytes free on the spool's disk below which it is nearly full"""
_TIME_ERROR, _UNSYNCED = 5, 0x40
_LOST = {
    "dropped_kernel": "lost by the kernel",
    "dropped_queue": "found the queue full",
    "lost_estimated": "went with a truncated log (estimated)",
    "refused": "refused",
}


def _standing(p: Patient) -> Standing | None:
    return standing.read(p.settings.station.spool, p.now.timestamp())


def _since(length: dt.timedelta) -> str:
    """As `ago`, and of less than two minutes the seconds."""
    seconds = length.total_seconds()
    return f"{max(0, seconds):.0f} s" if seconds < 120 else ago(length)


def _start(p: Patient) -> str:
    named = f" --config {p.settings.file}" if p.settings.file else ""
    return f"systemctl start teiten-watch, or: teiten watch{named}"


def check_station(p: Patient) -> Result | None:
    """Does the station run that is configured, or was started here once?"""
    found, wanted = _standing(p), len(p.settings.station.inputs)
    if found is None:
        if not wanted:
            return None
        return Result("wrong", f"{many(wanted, 'input')} in [station], and no station has run here yet", _start(p))
    said = dt.datetime.fromtimestamp(float(found.said["at"]), dt.UTC)
    if found.runs:
        began = dt.datetime.fromtimestamp(float(found.said["began"]), dt.UTC)
        seen = f"runs since {clock(began, p.settings.zone)}, teiten {found.said['program']}, process {found.said['pid']}"
        if found.said["program"] != teiten.__version__:
            mend = f"This is {teiten.__version__}: systemctl restart teiten-watch, so that the station is, too."
            return Result("look", seen, mend)
        return Result("ok", seen)
    how = "ended" if found.said.get("ended") else "gave its last sign of life"
    state: State = "wrong" if wanted or not found.said.get("ended") else "look"
    return Result(state, f"does not run: it {how} at {clock(said, p.settings.zone)}, {_since(p.now - said)} ago", _start(p))


def check_inputs(p: Patient) -> list[Result] | None:
    """Does something arrive from each input, and since when not?"""
    found = _standing(p)
    if found is None or not found.runs:
        return None
    return [_input(p, name, one, found) for name, one in found.part("inputs").items()]


def _input(p: Patient, name: str, one: Mapping[str, Any], found: Standing) -> Result:
    state, received = one.get("state", {}), sum(feed.get("received", 0) for feed in one["feeds"].values())
    since = dt.datetime.fromtimestamp(float(found.said["began"]), dt.UTC)
    seen = f"{name} ({one['kind']}): {received:,} since the station began"
    if records := int(state.get("records", 0)):
        seen += f", and {many(records, 'record')} of sensors"
    if one.get("trouble"):
        return Result("wrong", f"{name} ({one['kind']}) does not run: {one['trouble']}", "It is tried again every minute.")
    if full := next((feed["trouble"] for feed in one["feeds"].values() if feed.get("trouble")), None):
        mend = "Make room; it goes on by itself, and senders that can wait do so."
        return Result("wrong", f"{name}: the disk takes nothing: {full}", mend)
    last = one.get("last") or state.get("last")
    heard = dt.datetime.fromtimestamp(float(last), dt.UTC) if last else None
    seen += f", the last {_since(p.now - heard)} ago" if heard else ""
    if state.get("waits"):
        return Result("look", f"{seen}; it waits: {state['waits']}", "Check the name, and that something writes there.")
    strangers = int(state.get("strangers", 0))
    if strangers and not received:
        mend = "Name them under peers of this input, or give it a sensor for all."
        return Result("wrong", f"{name}: {many(strangers, 'message')} came from peers that it does not know", mend)
    if not one.get("ended") and p.now - (heard or since) > SILENT:
        mend = f"Does the sender still send, and to here? {_where(one)}"
        return Result("look", seen if heard else f"{seen}, nothing for {ago(p.now - since)}", mend)
    return Result("ok", seen)


def _where(one: Mapping[str, Any]) -> str:
    """What shows whether anything comes to that kind of input at all."""
    listen = str(one.get("state", {}).get("listen", ""))
    if listen:
        port = listen.rpartition(":")[2]
        return f"tcpdump -ni any port {port} shows it; a firewall before it (nft list ruleset) may hold it back."
    return "Its own log and the clock of its last line tell."


def check_losses(p: Patient) -> list[Result] | None:
    """What came to the inputs and did not get into the spool: since the station began, and in the day before."""
    found = _standing(p)
    if found is None:
        return None
    total, lost = 0, dict.fromkeys(_LOST, 0)
    for one in found.part("inputs").values():
        for feed in one["feeds"].values():
            total += feed.get("received", 0) + feed.get("dropped_kernel", 0)
            for key in lost:
                lost[key] += feed.get(key, 0)
    results = [_lost("since the station began", total, lost)] if total else []
    if p.kept is not None:
        from teiten.engine.losses import losses

        sensors = [row["sensor"] for row in p.kept.query("SELECT DISTINCT sensor FROM raw_events")]
        day = losses(p.kept, p.now - dt.timedelta(days=1), p.now, sensors)
        if day.sent:
            results.append(
                _lost("in the last 24 hours", day.sent, {key: getattr(day, key) for key in (*_LOST, "dropped_spool")})
            )
    return results or None


def _lost(when: str, total: int, lost: Mapping[str, int]) -> Result:
    words = {**_LOST, "dropped_spool": "went before the lake had it"}
    told = ", ".join(f"{n:,} {words[key]} ({percent(n, total)})" for key, n in lost.items() if n)
    if not told:
        return Result("ok", f"nothing lost of {total:,} {when}")
    gone = (lost["dropped_kernel"] + lost["dropped_queue"] + lost.get("dropped_spool", 0)) / total
    mend = "A larger buffer (the check `buffers`), a quicker disk, or fewer senders; each report says the number."
    return Result("wrong" if gone > 0.01 else "look", f"of {total:,} {when} {told}", mend)


def check_buffers(p: Patient) -> Result | None:
    """What the kernel holds for a UDP input while the station is busy, against what it asked for."""
    found = _standing(p)
    if found is None:
        return None
    small = {
        name: (int(one["state"]["buffer"]), int(one["state"]["buffer_wanted"]))
        for name, one in found.part("inputs").items()
        if one.get("state", {}).get("buffer_wanted")
    }
    if not small:
        return None
    name, (has, wanted) = min(small.items(), key=lambda item: item[1][0] / max(1, item[1][1]))
    seen = f"{name}: the kernel holds {has:,} bytes of {wanted:,} that it was asked for"
    if has >= wanted:
        return Result("ok", seen)
    line = f"net.core.rmem_max={wanted}"
    mend = f"sysctl -w {line} (for good: echo {line} > /etc/sysctl.d/60-teiten.conf), then start the station anew."
    return Result("look", seen, mend)


def check_current(p: Patient) -> Result | None:
    """How far the lake is behind what came in."""
    found = _standing(p)
    if found is None or not found.runs or found.said.get("maker") is None:
        return None
    last, maker = made.read(p.settings.station.spool), found.part("maker")
    if maker.get("trouble"):
        mend = "The station's log says why: journalctl -u teiten-watch. Nothing is lost: the spool has it."
        return Result("wrong", f"what makes the lake does not run: {maker['trouble']}", mend)
    if last is None:
        return Result("look", "nothing was made of what came in yet", "Wait a minute, and ask again.")
    age = p.now - dt.datetime.fromtimestamp(last.at, dt.UTC)
    seen = f"made {_since(age)} ago, in {last.took:.1f} s; {last.behind:,} bytes are not in it yet"
    if last.trouble:
        return Result(
            "wrong", f"it cannot be made current: {last.trouble}", "teiten lake check; nothing is lost: the spool has it."
        )
    if age > LATE_LOOK:
        state: State = "wrong" if age > LATE_WRONG else "look"
        return Result(state, seen, "Another command may be writing for long (ps), or the machine is too slow for what comes.")
    return Result("ok", seen)


def check_spool(p: Patient) -> Result | None:
    """Room for what comes in, and is the evidence whole?"""
    spool, budget = p.settings.station.spool, p.settings.station.disk
    if not spool.is_dir():
        return None
    free, kept = shutil.disk_usage(spool).free, standing.kept(spool)
    used = kept.get("used", 0)
    seen = f"{spool}: {used:,} bytes of {budget:,} (disk under [station]); the disk has room for {free:,}"
    if damaged := kept.get("damaged"):
        mend = "It stays in the lake as it was made. teiten spool verify says what is wrong with it."
        return Result("wrong", f"{seen}; damaged: {', '.join(damaged[:3])}", mend)
    if kept.get("full"):
        mend = "Raise disk under [station], or let the lake catch up (the check `current`): what is not in it never goes."
        return Result("wrong", f"{seen}; intake waits: {kept['full']}", mend)
    if free < LITTLE:
        return Result("wrong", seen, "Make room: when it is full, intake waits, and what cannot wait is lost (and counted).")
    if budget - used > free:
        return Result("look", seen, "The disk is full before the spool's budget is: lower disk under [station], or make room.")
    if used > budget * 4 // 5 and (oldest := kept.get("next")):
        since = dt.datetime.fromtimestamp(float(oldest), dt.UTC)
        mend = "Evidence that is in the lake goes soon; raise disk under [station] to keep it for longer."
        return Result("look", f"{seen}; the oldest is of {clock(since, p.settings.zone)}", mend)
    return Result("ok", seen)


def check_remote_sensors(p: Patient) -> list[Result] | None:
    """Of a collector: is each sensor heard, how far is it behind, and is its clock right?"""
    found = _standing(p)
    state = found.part("inputs").get("collect", {}).get("state", {}) if found is not None and found.runs else {}
    return [_sensor(p, name, one) for name, one in sorted(state.get("_sensors", {}).items())] or None


def _sensor(p: Patient, name: str, one: Mapping[str, Any]) -> Result:
    age = p.now - dt.datetime.fromtimestamp(float(one.get("last") or 0), dt.UTC)
    behind, skew = int(one.get("behind") or 0), one.get("skew")
    seen = f"{name}: heard {_since(age)} ago" if one.get("last") else f"{name}: never heard"
    seen += f", {many(behind, 'record')} behind" if behind else ""
    if age > UNHEARD:
        mend = "Does it run, and reach this collector? There: teiten doctor. What it takes in meanwhile it sends later."
        return Result("wrong", seen, mend)
    if skew is not None and abs(float(skew)) > SKEWED:
        mend = "Its times are told as they are: set its clock right (timedatectl set-ntp true)."
        return Result("look", f"{seen}; its clock is {abs(float(skew)):,.1f} s {'behind' if skew > 0 else 'ahead'}", mend)
    return Result("ok", seen)


def check_rights(p: Patient) -> list[Result] | None:
    """As whom the station runs, and who can read what came in."""
    found, spool = _standing(p), p.settings.station.spool
    if found is None:
        return None
    return list(_rights(found, spool)) or [Result("ok", f"{spool} is its owner's and group's alone")]


def _rights(found: Standing, spool: Path) -> Iterator[Result]:
    if found.runs and found.said.get("uid") == 0:
        mend = "Run it as a user of its own: packaging/systemd has units that do; only capture needs a capability."
        yield Result("look", "the station runs as root", mend)
    open_to = [path for path in (spool, spool / "streams", *spool.glob("streams/*/*.data")) if _readable_by_others(path)]
    if open_to and _readable_by_others(spool):
        yield Result("look", f"everybody on this machine can read what came in: {open_to[0]}", f"chmod -R o= {spool}")


def _readable_by_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o004)
    except OSError:
        return False


def check_tasks(p: Patient) -> list[Result] | None:
    """Did the station's tasks end well when they last ran?"""
    found = _standing(p)
    if found is None or not found.part("tasks"):
        return None
    tasks = found.part("tasks")
    bad = [(name, one) for name, one in tasks.items() if one["failures"]]
    if not bad:
        ran = [one["ended"] for one in tasks.values() if one["ended"]]
        last = f", the last ended {_ago(p, max(ran))}" if ran else ""
        return [Result("ok", f"{many(len(tasks), 'task')}, none failed{last}")]
    return [
        Result(
            "wrong",
            f"{name} (teiten {one['command']}) failed {one['failures']} times in a row, the last time {_ago(p, one['ended'])}"
            + (f": {one['said'][-1]}" if one.get("said") else ""),
            f"Try it by hand: teiten {one['command']}",
        )
        for name, one in bad
    ]


def _ago(p: Patient, moment: float) -> str:
    return f"{_since(p.now - dt.datetime.fromtimestamp(moment, dt.UTC))} ago"


def check_synchronised(p: Patient) -> Result | None:
    """Does something keep this machine's clock right? A station's receive times are the clock's."""
    if not p.settings.station.inputs and _standing(p) is None:
        return None
    known = _kernel_clock()
    if known is None:
        return None
    synced, error = known
    if synced:
        return Result("ok", f"the kernel's clock is kept right, within {error / 1e6:.3g} s")
    mend = "Run a time service: timedatectl set-ntp true, or apt install chrony (in a container the host's counts)."
    return Result("look", "nothing keeps this machine's clock right", mend)


def _kernel_clock() -> tuple[bool, int] | None:
    """What adjtimex(2) says: is the clock kept right, and within how many microseconds; None where it cannot be asked."""

    class Timex(ctypes.Structure):
        _fields_ = (
            ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
            ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 256),
        )  # fmt: skip

    try:
        asked = Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return None
    if state < 0 or os.name != "posix":
        return None
    return state != _TIME_ERROR and not asked.status & _UNSYNCED, int(asked.maxerror)
