"""Checks of what the firewall logs: are dropped packets logged at all, are they all logged, with what fields?"""

from __future__ import annotations

from teiten.doctor._base import Patient, Result, percent

ORDER = 50
ENOUGH = 50
"""minutes (or hours) with the same count from which a limit is suspected"""
_ACTIONS = """
SELECT coalesce(action, '') AS action, count(*) AS n FROM raw_events
WHERE {window} AND (interface IS NULL OR interface <> '')
  AND source_id IN (SELECT source_id FROM sources WHERE format = 'netfilter')
GROUP BY ALL ORDER BY n DESC"""


def check_dropped(p: Patient) -> Result | None:
    """Are dropped packets in the log, or only those that were let in?"""
    counts = {row["action"]: row["n"] for row in p.ask(_ACTIONS)}
    whole = sum(counts.values())
    if not whole:
        return None
    stopped = counts.get("drop", 0) + counts.get("reject", 0)
    let_in = counts.get("accept", 0) + counts.get("audit", 0)
    if stopped:
        return Result("ok", f"{percent(stopped, whole)} of the records say that the packet was dropped or rejected")
    if let_in == whole:
        return Result(
            "wrong",
            "the log holds only packets that were let in: reports leave those out",
            "Turn on the log of dropped packets (ASUS: Firewall, Logged packets type: Dropped; OpenWrt: option log 1).",
        )
    return Result(
        "look",
        f"no record says what became of the packet ({percent(counts.get('', 0), whole)} without a word for it); "
        "all of them count as attempts",
        'Let the rule\'s prefix say it: --log-prefix "DROP ".',
    )


_PER = """
SELECT n, count(*) AS times FROM (
  SELECT {unit}, count(*) AS n FROM raw_events
  WHERE {window} AND coalesce(action, 'drop') IN ('drop', 'reject') AND (interface IS NULL OR interface <> '')
    AND source_id IN (SELECT source_id FROM sources WHERE format = 'netfilter')
  GROUP BY ALL)
GROUP BY n ORDER BY n"""


def check_limit(p: Patient) -> Result | None:
    """Do suspiciously many minutes (hours) have the same number of records, as a LOG rule with a limit makes them?"""
    if p.extent is None:
        return None
    for unit, name in (("epoch_us(time) // 60000000", "minute"), ("epoch_us(time) // 3600000000", "hour")):
        times = {row["n"]: row["times"] for row in p.ask(_PER.replace("{unit}", unit))}
        found = limited(times)
        if found is not None:
            return Result(
                "look",
                f"{times[found]:,} {name}s have exactly {found} records: the LOG rule may have a limit ({found}/{name}), "
                "and what it left out is nowhere",
                f"Look for `-m limit --limit {found}/{name}` (UFW: 3/min) and raise it, if the disk can bear it.",
            )
    return Result("ok", "no sign of a limit on the number of records")


def limited(times: dict[int, int]) -> int | None:
    """The count at which too many minutes stand (count -> how many minutes); None where chance would make such a picture.

    Chance makes numbers of minutes that fall ever faster beyond their most common count: n(k) <= n(k-1)^2 / n(k-2). Three times
    as many as that, and three times as many as have one more, is a limit's work.
    """
    for k, many in sorted(times.items(), key=lambda item: -item[1]):
        before, earlier = times.get(k - 1, 0), times.get(k - 2, 0)
        likely = before * before / earlier if earlier else before
        if k >= 3 and many >= ENOUGH and many >= 3 * times.get(k + 1, 0) and many >= 3 * likely:
            return k
    return None


def check_sequence(p: Patient) -> Result | None:
    """Do TCP records carry sequence numbers? Without them some things cannot be told."""
    rows = p.ask("SELECT count(*) AS n, count(tcp_seq) AS with_seq FROM raw_events WHERE {window} AND protocol = 6")
    if not rows or not rows[0]["n"]:
        return None
    whole, there = rows[0]["n"], rows[0]["with_seq"]
    if there >= 0.99 * whole:
        return Result("ok", "TCP records carry sequence numbers")
    return Result(
        "look",
        f"{percent(whole - there, whole)} of the TCP records have no sequence number: Mirai's and masscan's marks are not seen",
        "Add --log-tcp-sequence to the LOG rule, where the router lets you (it costs some 25 bytes a line).",
    )
