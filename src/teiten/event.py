"""The columns of an event: name, type, unit and meaning, in English and Japanese; everything else is made from this.

One row is one packet, or one logged connection attempt. Names follow CAIDA's flowtuple. `null` means that the source
does not say. Documents, the lake's schema and the SQL views are all derived from `COLUMNS`; nothing heavy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["time", "text", "address", "bool", "bytes", "int16", "int32", "int64"]
"""time: microseconds since 1970 in UTC. address: 4 bytes (IPv4) or 16 bytes (IPv6), network order, in one column;
text at every edge. bytes: as they came, hexadecimal at every edge but Parquet. int16/32/64: signed, wide enough for the
field (Delta Lake knows no unsigned integers)."""

Tier = Literal["read", "marked", "enriched"]
"""read: what the source says. marked: what a rule sees in that one packet (`marks`). enriched: what data say of its source."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `unit` is empty where there is none; `required` columns are never null."""

    name: str
    kind: Kind
    unit: str
    en: str
    ja: str
    required: bool = False
    tier: Tier = "read"


COLUMNS: Final[tuple[Column, ...]] = (
    Column("time", "time", "µs, UTC", "when the sensor saw it", "センサーが観測した時刻", required=True),
    Column("sensor", "text", "", "the sensor's name", "センサー名", required=True),
    Column("src_ip", "address", "", "source address", "送信元アドレス", required=True),
    Column(
        "dst_ip", "address", "", "destination address; 0.0.0.0 or :: where the source does not say",
        "宛先アドレス(ログに書かれていなければ0.0.0.0か::)", required=True,
    ),
    Column("protocol", "int16", "IANA number", "protocol (1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6)", "プロトコル番号"),
    Column("src_port", "int32", "", "source port; null where there is none", "送信元ポート"),
    Column("dst_port", "int32", "", "destination port; null where there is none", "宛先ポート"),
    Column("icmp_type", "int16", "", "ICMP or ICMPv6 type", "ICMPタイプ"),
    Column("icmp_code", "int16", "", "ICMP or ICMPv6 code", "ICMPコード"),
    Column("ttl", "int16", "hops", "TTL, or IPv6 hop limit", "TTL(ホップリミット)"),
    Column("ip_id", "int32", "", "IPv4 identification", "IPv4の識別子"),
    Column("ip_len", "int32", "bytes", "IP total length (IPv6: 40 + payload length)", "IPパケット長"),
    Column("tcp_flags", "int16", "bits", "FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32 ECE 64 CWR 128 AE 256", "TCPフラグ"),
    Column("tcp_seq", "int64", "", "TCP sequence number", "TCPシーケンス番号"),
    Column("tcp_ack", "int64", "", "TCP acknowledgement number", "TCP確認応答番号"),
    Column("tcp_window", "int32", "", "TCP window as sent, unscaled", "TCPウィンドウ"),
    Column("tcp_opt_len", "int16", "bytes", "length of the TCP options", "TCPオプション長"),
    Column("ip_flags", "int16", "bits", "reserved 4, DF 2, MF 1", "IPフラグ"),
    Column("frag_offset", "int32", "bytes", "fragment offset", "フラグメントオフセット"),
    Column("payload_len", "int32", "bytes", "bytes above the transport header", "ペイロード長"),
    Column("payload", "bytes", "", "the first of those bytes, where asked for (setting `payload_bytes`)", "ペイロードの先頭"),
    Column("packets", "int64", "packets", "1 for a packet or a log line; more for a flow record", "パケット数", required=True),
    Column("bytes", "int64", "bytes", "bytes of a flow record", "バイト数"),
    Column("time_end", "time", "µs, UTC", "end of a flow record", "フローの終了時刻"),
    Column("source_id", "int64", "", "the input it came from (view `sources`)", "入力元の番号", required=True),
    Column("source_pos", "int64", "bytes", "byte offset in that input, uncompressed", "入力元でのバイト位置", required=True),
    Column("time_basis", "text", "", "stated, year inferred, boot inferred, received", "時刻の根拠", required=True),
    Column("action", "text", "", "drop, accept, reject, audit, as the log's prefix tells", "処置(drop・accept・reject・audit)"),
    Column("interface", "text", "", "where it came in", "受信インターフェース"),
    Column("inner_src_ip", "address", "", "source of the packet quoted in an ICMP error", "引用パケットの送信元"),
    Column("inner_dst_ip", "address", "", "destination of the quoted packet", "引用パケットの宛先"),
    Column("inner_protocol", "int16", "IANA number", "protocol of the quoted packet", "引用パケットのプロトコル"),
    Column("inner_src_port", "int32", "", "source port of the quoted packet", "引用パケットの送信元ポート"),
    Column("inner_dst_port", "int32", "", "destination port of the quoted packet", "引用パケットの宛先ポート"),
    Column(
        "mark_mirai", "bool", "", "SYN whose sequence number is its IPv4 destination, source port above 1024 (Mirai, NICTER)",
        "Miraiの特徴(宛先アドレスに等しいシーケンス番号のSYN、送信元ポートは1024より大きい)", tier="marked",
    ),
    Column(
        "mark_masscan", "bool", "", "SYN whose ip_id is the lower half of dst_ip ^ dst_port ^ tcp_seq (masscan)",
        "masscanの特徴(識別子が宛先アドレス・宛先ポート・シーケンス番号の排他的論理和の下位16ビットのSYN)", tier="marked",
    ),
    Column(
        "mark_zmap", "bool", "", "SYN, UDP or echo request over IPv4 whose ip_id is 54321 (ZMap before 4.1)",
        "4.1より前のZMapの特徴(識別子が54321のSYN・UDP・エコー要求)", tier="marked",
    ),
    Column(
        "kind", "text", "", "syn, tcp, udp, icmp, backscatter, other: what the packet is by itself",
        "種類(syn・tcp・udp・icmp・backscatter・other)", tier="marked",
    ),
    Column("country", "text", "ISO 3166 alpha-2", "country of the source; null = unknown", "送信元の国・地域", tier="enriched"),
    Column("asn", "int64", "", "autonomous system of the source", "送信元のAS番号", tier="enriched"),
    Column("as_name", "text", "", "name of that autonomous system", "送信元のAS名", tier="enriched"),
    Column("geo_db", "text", "", "which data answered country and AS", "国・ASの判定に使ったデータ", tier="enriched"),
)  # fmt: skip

NAMES: Final[tuple[str, ...]] = tuple(c.name for c in COLUMNS)
BY_NAME: Final[dict[str, Column]] = {c.name: c for c in COLUMNS}
READ_COLUMNS: Final[tuple[Column, ...]] = tuple(c for c in COLUMNS if c.tier == "read")
DECODED_COLUMNS: Final[tuple[Column, ...]] = tuple(c for c in COLUMNS if c.tier in ("read", "marked"))
"""what `decode` shows: all that needs no other data than the input"""
MARKS: Final[tuple[str, ...]] = tuple(c.name for c in COLUMNS if c.tier == "marked")

TIME_BASES: Final = ("stated", "year inferred", "boot inferred", "received")
KINDS: Final = ("syn", "tcp", "udp", "icmp", "backscatter", "other")
"""of `kind`, which is null where nothing can be said: TCP without flags, or no protocol"""
ACTIONS: Final = ("drop", "accept", "reject", "audit")
NOT_AN_ATTEMPT: Final = ("accept", "audit")
"""Actions that a report of dropped attempts leaves out (and counts apart)."""

TCP_FLAGS: Final[dict[str, int]] = {
    "FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128, "AE": 256,
}  # fmt: skip
IP_FLAGS: Final[dict[str, int]] = {"MF": 1, "DF": 2, "reserved": 4}
