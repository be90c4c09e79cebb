"""The log of a dark prefix tells of the same packets as its capture, field by field, through two readers of the program."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
import pytest

from teiten import settings as configuration
from teiten import simulate
from teiten.errors import UsageError
from teiten.readers import capture, netfilter
from teiten.readers._base import ReadOptions
from teiten.readers._input import inputs

START = dt.date(2026, 4, 1)
NOT_SAID = {"tcp_opt_len", "payload_len", "payload", "interface", "action", "source_id", "source_pos", "ip_flags", "bytes"}
"""what one of the two says in its own way, or not at all"""


@pytest.fixture(scope="module", params=[("telescope", None), ("telescope", "2001:db8:38::/64"), ("sensors", None)], ids=str)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> simulate.Summary:
    scenario, prefix = request.param
    out = tmp_path_factory.mktemp("both") / "out"
    return simulate.run(scenario, 2, START, 1, 20_000, out, n_sensors=3, prefix=prefix, kinds=("pcap", "log"))


def events(summary: simulate.Summary, suffix: str) -> pl.DataFrame:
    """All events of the files of one kind, in the order of file and packet."""
    return pl.concat(list(_events(summary, suffix)))


def _events(summary: simulate.Summary, suffix: str) -> Iterator[pl.DataFrame]:
    chosen = configuration.load(config=summary.config)
    reader = capture if suffix == ".pcap" else netfilter
    for path in sorted(p for p in summary.paths if suffix in p.name):
        for source in inputs([str(path)], chosen.reading):
            for chunk in reader.read(source, ReadOptions(zone=chosen.zone)):
                assert not chunk.rejected
                yield chunk.events.with_columns(pl.lit(path.stem[:4]).alias("of"))


def test_every_line_is_a_packet_of_the_capture(both: simulate.Summary) -> None:
    packets, lines = events(both, ".pcap"), events(both, ".log")
    assert lines.height == both.lines and packets.height == both.events
    names = [n for n in packets.columns if n not in NOT_SAID]
    # what the kernel takes for a martian has no line: told by the truth
    told = pl.concat([pl.read_parquet(p) for p in sorted((both.truth.parent).glob("packets-*.parquet"))])
    packets = packets.filter(told["log_pos"].is_not_null())
    # of a quoted TCP packet that is cut after its ports the kernel says nothing
    cut = packets["inner_src_port"].is_not_null() & lines["inner_src_port"].is_null()
    assert (packets.filter(cut)["icmp_type"] == 11).all() and cut.sum() < 0.02 * both.events
    for name in names:
        some = ~cut if name in ("inner_src_port", "inner_dst_port") else pl.Series([True]).new_from_index(0, len(cut))
        assert packets.filter(some)[name].to_list() == lines.filter(some)[name].to_list(), name
    assert told["log_pos"].drop_nulls().to_list() == lines["source_pos"].to_list()
    assert told["source_pos"].to_list() == events(both, ".pcap")["source_pos"].to_list()
    # only an IPv4 prefix is flooded from forged addresses
    assert (told["log_pos"].null_count() > 0) == ("spoofed-flood" in told["cause"].cast(pl.String).unique().to_list())
    assert told["log_pos"].null_count() < 0.01 * both.events


def test_the_bytes_of_options_and_payload_agree(both: simulate.Summary) -> None:
    packets, lines = events(both, ".pcap"), events(both, ".log")
    key = ["time", "src_ip", "src_port", "tcp_seq", "ip_id"]
    merged = packets.join(lines, on=key, nulls_equal=True, suffix="_log")
    for name in ("tcp_opt_len", "payload_len"):
        told = merged.filter(pl.col(f"{name}_log").is_not_null())
        assert told.height and told[name].to_list() == told[f"{name}_log"].to_list()


def test_a_kind_that_a_scenario_cannot_write() -> None:
    with pytest.raises(UsageError, match="cannot write 'csv'"):
        simulate.run("telescope", 1, START, 1, 100, "nowhere", kinds=("csv",))
