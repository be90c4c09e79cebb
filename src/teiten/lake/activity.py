"""How much a batch's events are in each hour, and when its first and last came: what is known of watching without events.

An hour is one of UTC, counted from 1970. Activities of batches are put together by `merged`, in any order; of a silence of
an hour or more both ends stand in them, since it always spans an hour's edge. 24 bytes an hour are kept (`batches.activity`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

HOUR: Final = 3_600_000_000
"""microseconds"""
DTYPE: Final = np.dtype([("hour", "<i4"), ("first", "<u4"), ("last", "<u4"), ("events", "<u4"), ("packets", "<u8")])
"""hour: hours since 1970 in UTC; first, last: µs within it; events, packets: so many"""
NOTHING: Final = np.zeros(0, DTYPE)

Activity = npt.NDArray[np.void]
"""rows of `DTYPE` in order of their hours, each hour once"""


def of(times: npt.NDArray[Any], packets: npt.NDArray[Any] | int = 1) -> Activity:
    """The activity of events at those times (µs since 1970), of so many packets (each, or all of them the same number)."""
    if not len(times):
        return NOTHING
    hours = times // HOUR
    if len(times) > 1 and (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        times, hours = times[order], hours[order]
        packets = packets if isinstance(packets, int) else packets[order]
    begins = np.flatnonzero(np.concatenate([[True], hours[1:] != hours[:-1]]))
    ends = np.append(begins[1:], len(times))
    out = np.zeros(len(begins), DTYPE)
    out["hour"] = hours[begins]
    out["first"] = times[begins] - hours[begins] * HOUR
    out["last"] = times[ends - 1] - hours[begins] * HOUR
    out["events"] = ends - begins
    out["packets"] = (ends - begins) * packets if isinstance(packets, int) else np.add.reduceat(packets, begins)
    return out


def merged(activities: Iterable[Activity]) -> Activity:
    """Several as one."""
    rows = np.concatenate([NOTHING, *activities])
    if not len(rows):
        return rows
    rows = rows[np.argsort(rows["hour"], kind="stable")]
    begins = np.flatnonzero(np.concatenate([[True], rows["hour"][1:] != rows["hour"][:-1]]))
    out = rows[begins].copy()
    for name, join in (("first", np.minimum), ("last", np.maximum), ("events", np.add), ("packets", np.add)):
        out[name] = join.reduceat(rows[name], begins)
    return out


def packed(activity: Activity) -> bytes:
    """As it is kept."""
    return activity.tobytes()


def unpacked(kept: Iterable[bytes]) -> Activity:
    """The rows of some kept activities one after another: neither in order nor put together (see `merged`)."""
    return np.frombuffer(b"".join(kept), DTYPE)


def times(activity: Activity) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last time of each hour, in µs since 1970."""
    start = activity["hour"].astype(np.int64) * HOUR
    return start + activity["first"], start + activity["last"]
