"""Builds the package's data sets of countries and AS numbers: src/teiten/data/geo/.

The data come as npm packages of the project ip-location-db; npm only fetches them, nothing of node is run:

    cd $(mktemp -d) && npm pack @ip-location-db/dbip-country @ip-location-db/asn
    .venv/bin/python tools/build_geo.py dbip-country FILE.tgz
    .venv/bin/python tools/build_geo.py asn FILE.tgz

A package's version ends in the day and hour of its data (2.3.2026060120: 2026-06-01). The older data set of the same
kind in the folder is replaced. Licences: both CC BY 4.0; the texts are kept beside the data.

The project has said (README of 2026) that its npm packages end and that later data come as CSV files with its releases:
`teiten geo import` takes those as they are.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from teiten.enrich import _table, datasets

CC_BY = "CC BY 4.0"
DB_IP = ("IP Geolocation by DB-IP", "https://db-ip.com")
PACKAGES = {
    "dbip-country": {"kind": "country", "name": "dbip-lite", "source": "DB-IP Lite country", "links": [DB_IP]},
    "asn": {
        "kind": "asn",
        "name": "asn",
        "source": "RouteViews, NRO and DB-IP Lite AS numbers, merged by ip-location-db",
        "links": [("RouteViews", "https://www.routeviews.org"), DB_IP, ("NRO", "https://www.nro.net")],
    },
}


def rows(package: tarfile.TarFile, name: str) -> Iterator[list[str]]:
    """The lines of one CSV file of the package."""
    member = package.extractfile(f"package/{name}")
    assert member is not None
    return csv.reader(io.TextIOWrapper(member, encoding="utf-8", newline=""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds a data set of the package from an npm package of ip-location-db.")
    parser.add_argument("package", choices=sorted(PACKAGES))
    parser.add_argument("tgz", type=Path)
    args = parser.parse_args()
    what = PACKAGES[args.package]
    kind = what["kind"]
    out = datasets.package_folder()
    with tarfile.open(args.tgz) as package:
        version = json.load(package.extractfile("package/package.json"))["version"]  # type: ignore[arg-type]
        year, month, day = re.search(r"(\d{4})(\d\d)(\d\d)\d\d$", version).groups()  # type: ignore[union-attr]
        both = {f: list(rows(package, f"{args.package}-ipv{f}-num.csv")) for f in (4, 6)}
        licences = {m.name: package.extractfile(m).read() for m in package if re.search(r"LICENSE|MODIFIC", m.name)}  # type: ignore[union-attr]
    if kind == "country":
        found = sorted({row[2] for lines in both.values() for row in lines})
        codes = {text: i for i, text in enumerate(found, 1)}
        names = {i: text for text, i in codes.items()}
    else:
        names = {int(row[2]): row[3] for lines in both.values() for row in reversed(lines)}
        codes = {str(number): number for number in names}
    tables = tuple(_table.build(f, ((int(r[0]), int(r[1]), codes[r[2]]) for r in lines)) for f, lines in both.items())
    for old in out.glob(f"{kind}-*"):
        shutil.rmtree(old)
    made = datasets.write(
        out,
        kind=kind,
        name=what["name"],
        date=dt.date(int(year), int(month), int(day)),
        licence=CC_BY,
        source=f"{what['source']} (npm package @ip-location-db/{args.package} {version})",
        links=what["links"],
        tables=tables,
        names=names,
    )
    for name, text in licences.items():
        (made.folder / Path(name).name).write_bytes(text)
    for path in sorted(made.folder.iterdir()):
        print(f"{path.stat().st_size:9,} bytes  {path}")


if __name__ == "__main__":
    main()
