"""Evidence in the lake of what stands behind addresses: the table `devices`. Rows are added, each once; none is changed.

A row is what one answer of one address said at one time: a title, a banner, a certificate, a UPnP description. What family of
devices it tells is no column of it: that is read from the signatures when it is asked for. A row of an id alone stands for one
that was forgotten or dropped, so that the same file does not bring it back; the id is a hash under the lake's key.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten.lake import _delta

_TIME: Final = pl.Datetime("us", "UTC")
_TEXT: Final = pl.String()

EVIDENCE: Final = (
    "title", "server", "realm", "banner", "cert_subject", "cert_issuer", "cert_sha256", "host_key", "manufacturer", "model",
    "uuid",
)  # fmt: skip
"""columns of what an answer said"""
IDENTITIES: Final = ("uuid", "host_key", "cert_sha256")
"""those of them that may tell one device from all others, the surest first"""
SCHEMA: Final[dict[str, pl.DataType]] = {
    "id": _TEXT,
    "src_ip": pl.Binary(),
    "time": _TIME,
    "origin": _TEXT,
    "protocol": pl.Int16(),
    "port": pl.Int32(),
    "service": _TEXT,
    **dict.fromkeys(EVIDENCE, _TEXT),
    "input": _TEXT,
    "added": _TIME,
}
REQUIRED: Final = ("id",)
GIVEN: Final = tuple(name for name in SCHEMA if name not in ("id", "added"))
"""columns of what `Lake.add_devices` takes"""
SHOWN: Final = tuple(name for name in SCHEMA if name not in ("id", "input", "added"))
"""columns of the view"""
FILES: Final = 32
"""files with few rows that may lie beside each other before they are put into one"""
SMALL: Final = 20_000

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "src_ip": ("address that answered", "応答したアドレス"),
    "time": ("when it answered", "応答した時刻"),
    "origin": (
        "where the evidence comes from: shodan, censys, zgrab2, nmap, upnp, survey",
        "証拠の出所(shodan、censys、zgrab2、nmap、upnp、survey)",
    ),
    "protocol": ("protocol of the port", "プロトコル番号"),
    "port": ("port that answered; null where it is not told", "応答したポート(わからなければ空)"),
    "service": ("what was spoken there: http, https, telnet, ssh, ftp, rtsp, upnp, ...", "応答したサービス"),
    "title": ("title of the HTTP page", "HTTPのページのタイトル"),
    "server": ("the header Server of HTTP, RTSP or SSDP", "Serverヘッダー(HTTP、RTSP、SSDP)"),
    "realm": ("realm that HTTP or RTSP asks a password for", "認証の領域名(realm)"),
    "banner": ("first text that the service said", "サービスが最初に返した文字列"),
    "cert_subject": ("subject of the TLS certificate", "TLS証明書のサブジェクト"),
    "cert_issuer": ("issuer of the TLS certificate", "TLS証明書の発行者"),
    "cert_sha256": ("SHA-256 of the TLS certificate", "TLS証明書のSHA-256"),
    "host_key": ("fingerprint of the SSH host key", "SSHホスト鍵のフィンガープリント"),
    "manufacturer": ("manufacturer in the UPnP description", "UPnP Descriptionの製造者"),
    "model": ("model in the UPnP description", "UPnP Descriptionの型名"),
    "uuid": ("UUID of the UPnP description", "UPnP DescriptionのUUID"),
}


def identify(row: Mapping[str, Any], key: int) -> str:
    """The id of what `GIVEN` says but for the input: 32 hexadecimal digits, the same for the same evidence."""
    told = [str(row.get(name)) if row.get(name) is not None else None for name in GIVEN if name not in ("src_ip", "input")]
    address = row["src_ip"] or b""
    text = json.dumps([address.hex(), *told], ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=key.to_bytes(8, "big")).hexdigest()


def read(files: Iterable[Path], columns: Iterable[str] = tuple(SCHEMA)) -> pl.DataFrame:
    """The rows of those files that still say something, in order of address and time."""
    wanted, paths = list(columns), list(files)
    if not paths:
        return pl.DataFrame(schema={name: SCHEMA[name] for name in wanted})
    found = pl.scan_parquet(paths, schema=SCHEMA, missing_columns="insert", extra_columns="ignore")
    rows = found.filter(pl.col("src_ip").is_not_null())
    return rows.sort("src_ip", "time", "port", "id", nulls_last=True).select(wanted).collect()


def known(files: Iterable[Path]) -> set[str]:
    """The ids of all rows, of those that were forgotten or dropped as well."""
    return {one for file in files for one in pl.read_parquet(file, columns=["id"])["id"]}


def add(table: _delta.Table, frame: pl.DataFrame) -> None:
    """Adds the rows (`SCHEMA`), whose ids the table has not, in one entry of its log. OSError and its like."""
    live = table.live()
    few = sorted(live.filter(pl.col("num_records") < SMALL)["path"]) if live.height else []
    if len(few) < FILES:
        few = []
    parts = [pl.read_parquet(table.path / name).select(list(SCHEMA)) for name in few]
    whole = pl.concat([*parts, frame.select(pl.col(n).cast(t) for n, t in SCHEMA.items())])
    # no bounds of addresses: what the log says of a file outlives the file
    table.commit([_delta.write_parquet(whole, table.path, f"{uuid.uuid4()}.parquet", ("time",))], few)
    table.sweep(few)


def emptied(frame: pl.DataFrame, gone: pl.Expr) -> pl.DataFrame:
    """The frame with nothing but the id left of those rows."""
    told = gone.fill_null(value=False)
    return frame.with_columns(pl.when(~told).then(pl.col(name)).alias(name) for name in frame.columns if name != "id")
