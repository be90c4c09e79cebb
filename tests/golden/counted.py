"""Every figure of the quarterly report once more, in a few lines of polars each, from the truth alone.

A function for each CSV of the report: the truth -> the rows that must stand there (of the columns that it names). No code of
teiten is used. `KEYS` says by which columns rows are told apart.
"""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
from truth import AFTER, FIRST, QUARTER, sensor_name


@dataclass(frozen=True)
class Truth:
    """The packets, and who watched them: so many sensors with so many addresses each."""

    packets: pl.DataFrame
    sensors: int
    addresses: int

    @property
    def now(self) -> pl.DataFrame:
        return self.packets.filter(pl.col("day") >= QUARTER)

    @property
    def before(self) -> pl.DataFrame:
        return self.packets.filter(pl.col("day") < QUARTER)


EXPECTED: dict[str, tuple[tuple[str, ...], Callable[[Truth], pl.DataFrame]]] = {}
"""name of the CSV -> its keys, and what makes its rows"""
DAYS = pl.DataFrame({"day": pl.date_range(QUARTER, AFTER, closed="left", eager=True)})
REST = ~pl.col("research") & ~pl.col("spoofed")
HOSTS = pl.col("src").n_unique()


def expects(name: str, *keys: str) -> Callable[[Callable[[Truth], pl.DataFrame]], Callable[[Truth], pl.DataFrame]]:
    def add(make: Callable[[Truth], pl.DataFrame]) -> Callable[[Truth], pl.DataFrame]:
        EXPECTED[name] = (keys, make)
        return make

    return add


def when(condition: pl.Expr, what: pl.Expr = HOSTS) -> pl.Expr:
    """That count, of the packets of which the condition is true."""
    return pl.col("src").filter(condition).n_unique() if what is HOSTS else condition.sum()


# totals ---------------------------------------------------------------------------------------------------------------


@expects("quarter-totals", "start")
def totals(truth: Truth) -> pl.DataFrame:
    spans = {
        dt.date(2021, 4, 1): (truth.before, QUARTER, (QUARTER - FIRST).days),
        QUARTER: (truth.now, AFTER, (AFTER - QUARTER).days),
    }
    rows = []
    for start, (packets, end, watched) in spans.items():
        row = packets.select(
            packets=pl.len(), hosts=HOSTS, scanner_packets=pl.col("research").sum(), scanner_hosts=when(pl.col("research")),
            spoofed_packets=pl.col("spoofed").sum(), spoofed_hosts=when(pl.col("spoofed")),
            rest_packets=REST.sum(), rest_hosts=when(REST),
        ).to_dicts()[0]  # fmt: skip
        many = truth.sensors * truth.addresses
        rows.append({"start": start, "end": end, "days": (end - start).days, "observed_days": float(watched),
                     "addresses": float(many), "address_days": float(watched * many), "per_address": row["packets"] / many,
                     "per_address_day": row["packets"] / many / watched, **row})  # fmt: skip
    return pl.DataFrame(rows)


# days -----------------------------------------------------------------------------------------------------------------


def by_day(truth: Truth, **columns: pl.Expr) -> pl.DataFrame:
    """One row for each day of the quarter; a day without packets has zeros, since somebody watched."""
    return DAYS.join(truth.now.group_by("day").agg(**columns), on="day", how="left").fill_null(0)


@expects("quarter-days", "day")
def days(truth: Truth) -> pl.DataFrame:
    tcp, udp, spoofed = pl.col("protocol") == 6, pl.col("protocol") == 17, pl.col("spoofed")
    return by_day(
        truth, tcp_packets=tcp.sum(), tcp_hosts=when(tcp), tcp_hosts_spoofed=when(tcp & spoofed), udp_packets=udp.sum(),
        udp_hosts=when(udp), udp_hosts_spoofed=when(udp & spoofed), packets=pl.len(), hosts=HOSTS,
    )  # fmt: skip


def _days_of(name: str, protocol: int) -> None:
    @expects(f"quarter-days-{name}", "day")
    def days_of(truth: Truth) -> pl.DataFrame:
        one, out = pl.col("protocol") == protocol, {}
        for suffix, among in (("", one), ("_scanners", one & pl.col("research")), ("_spoofed", one & pl.col("spoofed"))):
            out[f"{name}_packets{suffix}"], out[f"{name}_hosts{suffix}"] = among.sum(), when(among)
        return by_day(truth, **out)


_days_of("tcp", 6)
_days_of("udp", 17)


@expects("quarter-rest", "day")
def rest(truth: Truth) -> pl.DataFrame:
    return by_day(truth, rest_packets=REST.sum(), rest_hosts=when(REST), packets=pl.len(), hosts=HOSTS)


# Mirai and Telnet -----------------------------------------------------------------------------------------------------

NARROW, TELNET = pl.col("mirai") == "narrow", pl.col("port").is_in([23, 2323]) & (pl.col("protocol") == 6)


@expects("quarter-mirai", "day", "country")
def mirai(truth: Truth) -> pl.DataFrame:
    marked = truth.now.filter(pl.col("mirai").is_not_null())
    return marked.group_by("day", "country").agg(hosts=when(NARROW), hosts_wide=HOSTS)


@expects("quarter-mirai-sets", "day", "home", "ports")
def mirai_sets(truth: Truth) -> pl.DataFrame:
    hosts = (
        truth.now.filter(NARROW).group_by("day", "src")
        .agg(pl.col("country").first(), ports=pl.col("port").unique().sort().cast(pl.String).str.join(","))
    )  # fmt: skip
    return hosts.group_by("day", "ports", home=(pl.col("country") == "JP").fill_null(value=False)).agg(hosts=pl.len())


@expects("quarter-mirai-home", "day")
def mirai_home(truth: Truth) -> pl.DataFrame:
    return truth.now.filter(NARROW & (pl.col("country") == "JP")).group_by("day").agg(hosts=HOSTS)


def telnet_hosts(truth: Truth) -> pl.DataFrame:
    """Sources and days with two packets or more at 23 or 2323, and none with the mark."""
    hosts = truth.now.group_by("day", "src").agg(
        pl.col("country").first(),
        marked=pl.col("mirai").is_not_null().any(),
        tries=TELNET.sum(),
        announced=pl.col("organisation").is_not_null().any(),
    )
    return hosts.filter((pl.col("tries") >= 2) & ~pl.col("marked") & ~pl.col("announced"))


@expects("quarter-telnet", "day")
def telnet(truth: Truth) -> pl.DataFrame:
    found = by_day(truth, mirai=when(NARROW), mirai_wide=when(pl.col("mirai").is_not_null()))
    tried = truth.now.filter(NARROW & TELNET).group_by("day").agg(mirai_telnet=HOSTS)
    others = telnet_hosts(truth).group_by("day").agg(telnet_without_mirai=pl.len())
    return found.join(tried, on="day", how="left").join(others, on="day", how="left").fill_null(0)


@expects("quarter-telnet-countries", "day", "country")
def telnet_countries(truth: Truth) -> pl.DataFrame:
    return telnet_hosts(truth).group_by("day", "country").agg(hosts=pl.len())


# research scanners ----------------------------------------------------------------------------------------------------

SCANS, KNOWN = pl.col("research"), pl.col("organisation").is_not_null()


@expects("quarter-scanners", "quarter")
def scanners(truth: Truth) -> pl.DataFrame:
    rows = []
    for quarter, packets, coverage in (("2021-Q2", truth.before, (QUARTER - FIRST).days / 91), ("2021-Q3", truth.now, 1.0)):
        row = packets.select(
            packets=pl.len(), scan_packets=SCANS.sum(), addresses=when(SCANS), share=SCANS.mean(), known_packets=KNOWN.sum(),
            known_addresses=when(KNOWN), unknown_packets=(SCANS & ~KNOWN).sum(), unknown_addresses=when(SCANS & ~KNOWN),
        )  # fmt: skip
        rows.append({"quarter": quarter, **row.to_dicts()[0], "coverage": coverage})
    return pl.DataFrame(rows)


@expects("quarter-scanners-days", "day", "part", "country")
def scanners_days(truth: Truth) -> pl.DataFrame:
    """The scanners here are from four countries, and from one that nobody knows."""
    part = (
        pl.when(~SCANS).then(pl.lit("rest")).when(pl.col("country").is_null()).then(pl.lit("unknown")).otherwise(pl.lit("top"))
    )
    return truth.now.group_by("day", part=part, country=pl.when(SCANS).then("country")).agg(packets=pl.len())


@expects("quarter-scanners-prefixes", "prefix")
def scanners_prefixes(truth: Truth) -> pl.DataFrame:
    octets = [(pl.col("src") // (1 << shift) % 256).cast(pl.String) for shift in (24, 16, 8)]
    scans = truth.now.filter(SCANS).with_columns(prefix=pl.concat_str([*octets, pl.lit("0/24")], separator="."))
    most = scans.group_by("prefix", "day").len().group_by("prefix").agg(days=pl.len(), most=pl.col("len").max())
    ports = (
        scans.filter("large")
        .group_by("prefix", "day")
        .agg(pl.col("port").n_unique())
        .group_by("prefix")
        .agg(ports=pl.col("port").max())
    )
    found = scans.group_by("prefix").agg(
        pl.col("country").first(),
        scanner=pl.col("organisation").first(),
        addresses=HOSTS,
        packets=pl.len(),
        share=pl.len() / len(scans),
    )
    found = found.join(most, on="prefix").join(ports, on="prefix", how="left")
    return found.with_columns(rank=pl.col("packets").rank("min", descending=True))


# sensors --------------------------------------------------------------------------------------------------------------


def home(truth: Truth, sensor: int) -> str:
    return "dark" if truth.addresses > 1 else "domestic" if sensor < (truth.sensors + 1) // 2 else "overseas"


def _months(truth: Truth, watched: str, mean: str, by: int) -> pl.DataFrame:
    named = truth.packets.with_columns(month=pl.col("day").dt.strftime("%Y-%m"))
    rows = []
    for month in ("2021-06", "2021-07", "2021-08", "2021-09"):
        first = max(FIRST, dt.date.fromisoformat(f"{month}-01"))
        days = ((first.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - first).days
        own = dict(named.filter(pl.col("month") == month).group_by("sensor").len().iter_rows())
        for group in dict.fromkeys(home(truth, s) for s in range(truth.sensors)):
            members = [s for s in range(truth.sensors) if home(truth, s) == group]
            for chosen in (members, *([s] for s in members)):
                packets, time = sum(own.get(s, 0) for s in chosen), float(days * len(chosen) * by)
                name = None if chosen is members else sensor_name(chosen[0])
                rows.append(
                    {"month": month, "group": group, "sensor": name, "packets": packets, watched: time, mean: packets / time}
                )
    return pl.DataFrame(rows)


@expects("sensors-months", "month", "group", "sensor")
def sensors_months(truth: Truth) -> pl.DataFrame:
    return _months(truth, "days_watched", "per_sensor_day", 1)


@expects("sensors-months-address", "month", "group", "sensor")
def sensors_months_address(truth: Truth) -> pl.DataFrame:
    return _months(truth, "address_days", "per_address_day", truth.addresses)


def top_ten(truth: Truth) -> pl.DataFrame:
    counts = truth.now.group_by("sensor", "protocol", "port").agg(packets=pl.len())
    whole = counts.with_columns(share_of=pl.col("packets").sum().over("sensor"))
    placed = whole.sort("sensor", "packets", "protocol", "port", descending=[False, True, False, False])
    return placed.with_columns(place=pl.int_range(1, pl.len() + 1).over("sensor")).filter(pl.col("place") <= 10)


@expects("sensors-ports", "sensor", "place")
def sensors_ports(truth: Truth) -> pl.DataFrame:
    names = {s: sensor_name(s) for s in range(truth.sensors)}
    return top_ten(truth).select(
        pl.col("sensor").replace_strict(names), "place", "protocol", "packets", "share_of", dst_port="port",
        share=pl.col("packets") / pl.col("share_of"),
    )  # fmt: skip


@expects("sensors-agreement", "sensor", "other_sensor")
def sensors_agreement(truth: Truth) -> pl.DataFrame:
    """Rank-biased overlap, p = 0.9, of lists of ten: (1-p)/p * sum of p^d * overlap(d)/d; and overlap(10)/10 * p^10 beyond."""
    lists = {
        s: list(zip(*part[["protocol", "port"]].get_columns(), strict=True)) for (s,), part in top_ten(truth).group_by("sensor")
    }
    rows = []
    for a in range(truth.sensors):
        for b in range(a + 1, truth.sensors):
            common = [len(set(lists[a][:d]) & set(lists[b][:d])) / d for d in range(1, 11)]
            rbo = 0.1 / 0.9 * sum(x * 0.9**d for d, x in enumerate(common, 1)) + common[-1] * 0.9**10
            rows.append({"sensor": sensor_name(a), "other_sensor": sensor_name(b), "rbo": rbo})
    return pl.DataFrame(rows)


@expects("sensors-scanners", "day", "scanner")
def sensors_scanners(truth: Truth) -> pl.DataFrame:
    """Japan's sources: announced ones by organisation, and those on no list that tried ten ports in the day."""
    sources = truth.now.filter(pl.col("country") == "JP")
    ports = (
        sources.filter(pl.col("port").is_not_null()).group_by("day", "src").agg(ports=pl.struct("protocol", "port").n_unique())
    )
    named = sources.join(ports, on=["day", "src"], how="left").with_columns(
        scanner=pl.coalesce("organisation", pl.when(pl.col("ports") >= 10).then(pl.lit("other")))
    )
    counted = named.filter(pl.col("scanner").is_not_null()).group_by("day", "scanner").agg(hosts=HOSTS, packets=pl.len())
    every = DAYS.join(
        pl.DataFrame({"scanner": [*counted["scanner"].unique().drop_nulls().to_list(), "other"]}).unique(), how="cross"
    )
    return every.join(counted, on=["day", "scanner"], how="left").with_columns(pl.col("hosts", "packets").fill_null(0))


@expects("sensors-spread", "dst_port", "protocol", "change", "sensor")
def sensors_spread(truth: Truth) -> pl.DataFrame:
    """Where a port rose or fell: by its packets a day at each sensor; of the sixty that changed most at some sensor."""
    sides = [dict_of(side.group_by("protocol", "port", "sensor").len()) for side in (truth.now, truth.before)]
    days, earlier = 92, (QUARTER - FIRST).days
    keys = {key[:2] for side in sides for key in side}
    groups = [home(truth, s) for s in range(truth.sensors)]
    by_key = {key: [(sides[0].get((*key, s), 0), sides[1].get((*key, s), 0)) for s in range(truth.sensors)] for key in keys}

    def most(key: tuple[int, int | None]) -> float:
        return max(abs(a - days / earlier * b) for a, b in by_key[key])

    rows = []
    for key in sorted(keys, key=lambda key: (-most(key), key[0], key[1] or 0))[:60]:
        moved = []
        for now, before in by_key[key]:
            scale, high, low = days / earlier, max(now / days, before / earlier), min(now / days, before / earlier)
            beyond = now - scale * before
            clear = abs(beyond) >= 50 and abs(beyond) > 3 * (now + scale**2 * before) ** 0.5 and high >= 1.5 * low
            moved.append((beyond > 0) - (beyond < 0) if clear else 0)
        for change, way in (("rose", 1), ("fell", -1)):
            showing = [s for s, m in enumerate(moved) if m == way]
            parts = {g: [moved[s] == way for s in range(truth.sensors) if groups[s] == g] for g in groups}
            part = {g: sum(own) / len(own) for g, own in parts.items()}
            full = [g for g in part if part[g] >= 0.67]
            where = "everywhere" if len(full) == len(part) else "one" if len(showing) == 1 else "several"
            if where == "several" and len(full) == 1 and all(x <= 0.33 for g, x in part.items() if g != full[0]):
                where = "group"
            for s, (now, before) in enumerate(by_key[key] if showing else ()):
                rows.append({"dst_port": key[1], "protocol": key[0], "change": change, "where": where,
                             "group": full[0] if where == "group" else None, "sensor": sensor_name(s), "packets": now,
                             "packets_before": before, "per_day": now / days, "per_day_before": before / earlier,
                             "moved": moved[s]})  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def dict_of(counted: pl.DataFrame) -> dict[tuple[int, int | None, int], int]:
    return {(protocol, port, sensor): n for protocol, port, sensor, n in counted.iter_rows()}


# ports and countries --------------------------------------------------------------------------------------------------


def ranked(truth: Truth, keys: list[str], among: pl.Expr) -> pl.DataFrame:
    now, before = (side.filter(among).group_by(keys).agg(pl.len()) for side in (truth.now, truth.before))
    both = now.rename({"len": "packets"}).join(
        before.rename({"len": "packets_before"}), on=keys, how="full", coalesce=True, nulls_equal=True
    )
    both = both.with_columns(pl.col("packets", "packets_before").fill_null(0).cast(pl.Int64))
    known, places = pl.all_horizontal(pl.col(keys[-1]).is_not_null()), {}
    for name, of in (("rank", "packets"), ("rank_before", "packets_before")):
        place = pl.when(known).then(of).rank("min", descending=True)
        places[name] = pl.when(known & (pl.col(of) > 0)).then(place)
    return both.with_columns(**places)


@expects("quarter-moves-ports", "dst_port", "protocol")
def moves_ports(truth: Truth) -> pl.DataFrame:
    rows = ranked(truth, ["protocol", "port"], pl.lit(value=True))
    return rows.select(
        "protocol", "packets", "packets_before", dst_port="port", difference=pl.col("packets") - pl.col("packets_before")
    )


@expects("quarter-moves-countries", "country")
def moves_countries(truth: Truth) -> pl.DataFrame:
    rows = ranked(truth, ["country"], pl.lit(value=True))
    return rows.select("country", "packets", "packets_before", difference=pl.col("packets") - pl.col("packets_before"))


def shares(truth: Truth, keys: list[str], among: pl.Expr) -> pl.DataFrame:
    """The ranking of both quarters with shares of all those packets."""
    rows = ranked(truth, keys, among)
    for name in ("", "_before"):
        whole = rows[f"packets{name}"].sum()
        rows = rows.with_columns(
            pl.lit(whole).alias(f"share_of{name}"), (pl.col(f"packets{name}") / whole).alias(f"share{name}")
        )
    return rows


@expects("quarter-ports", "dst_port", "protocol")
def ports(truth: Truth) -> pl.DataFrame:
    return shares(truth, ["protocol", "port"], pl.col("protocol").is_in([6, 17])).rename({"port": "dst_port"})


@expects("quarter-countries", "way", "country")
def countries(truth: Truth) -> pl.DataFrame:
    ways = {"all": pl.lit(value=True), "scanners": SCANS, "without": ~SCANS}
    return pl.concat([shares(truth, ["country"], among).with_columns(way=pl.lit(way)) for way, among in ways.items()])


# peaks ----------------------------------------------------------------------------------------------------------------


@expects("quarter-peaks", "number")
def peaks(truth: Truth) -> pl.DataFrame:
    """Days above the median of the 29 around them by 5 robust deviations, six times chance, 1.3 times as high; in a row: one.

    What came beyond the mean of the seven days before (outside peaks; else after) is of forged sources, of scanners, of a
    country, at a port.
    """
    found = []
    for course in ("tcp_packets", "tcp_hosts", "udp_packets", "udp_hosts"):
        protocol, measure = course.split("_")
        own = truth.now.filter(pl.col("protocol") == {"tcp": 6, "udp": 17}[protocol])
        values = counts(own, measure)
        usual = [statistics.median(values[max(0, i - 14) : i + 15]) for i in range(92)]
        spread = 5 * 1.4826 * statistics.median(abs(v - u) for v, u in zip(values, usual, strict=True))
        high = [i for i, (v, u) in enumerate(zip(values, usual, strict=True))
                if v - u > spread and v >= 1.3 * u and v - u > 6 * (v + u) ** 0.5]  # fmt: skip
        runs = [[i for _, i in run] for _, run in itertools.groupby(enumerate(high), key=lambda item: item[1] - item[0])]
        for run in runs:
            top = max(run, key=lambda i: (values[i], -i))
            free = [i for i in range(92) if i not in high]
            base = [i for i in free if i < run[0]][-7:]
            base += [i for i in free if i > run[-1]][: 7 - len(base)]

            def beyond(among: pl.DataFrame, measure: str = measure, top: int = top, base: list[int] = base) -> float:
                values = counts(among, measure)
                return values[top] - sum(values[i] for i in base) / len(base)

            row = {
                "course": course,
                "first": run[0],
                "last": run[-1],
                "day": top,
                "value": values[top],
                "usual": float(usual[top]),
            }
            for name in ("spoofed", "research"):
                row[f"{'scanner' if name == 'research' else name}_share"] = min(
                    1.0, max(0.0, beyond(own.filter(name)) / beyond(own))
                )
            if row["spoofed_share"] <= 0.5:
                honest = own.filter(~pl.col("spoofed"))
                for name, column in (("country", "country"), ("port", "port")):
                    parts = [(beyond(part), key) for (key,), part in honest.group_by(column)]
                    most, key = max(parts, key=lambda part: part[0])
                    row |= {
                        f"{name}_1": key if name == "country" else f"{key}/{protocol}",
                        f"{name}_1_share": most / beyond(honest),
                    }
            found.append(row)
    # (a stable order: peaks of one day stand as the courses do)
    found.sort(key=lambda row: row["day"])
    rows = [{"number": n, **row} for n, row in enumerate(found, 1)]
    rows = [{k: QUARTER + dt.timedelta(days=v) if k in ("first", "last", "day") else v for k, v in row.items()} for row in rows]
    return pl.DataFrame(rows, infer_schema_length=None)


def counts(packets: pl.DataFrame, measure: str) -> list[int]:
    """Packets, or hosts, of each day of the quarter."""
    told = packets.group_by("day").agg(pl.len() if measure == "packets" else HOSTS)
    return DAYS.join(told, on="day", how="left").fill_null(0).sort("day").to_series(1).to_list()
