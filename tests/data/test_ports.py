"""The ports table holds to its schema, names its sources, and can be drawn."""

from __future__ import annotations

import pytest

from teiten.data import fonts, ports


@pytest.mark.parametrize("key", sorted(ports.table()))
def test_rows(key: str) -> None:
    row = ports.table()[key]
    assert row.key == key
    assert 0 < row.number < 65536
    assert row.target in ports.TARGETS
    assert row.source.text
    assert row.source.url == "" or row.source.url.startswith("https://")
    assert row.stands_for is None or row.stands_for in ports.table()
    for lang in ("en", "ja"):
        name = row.service(lang)
        assert name and name == name.strip() and len(name) < 30
        assert not fonts.covers(name)
    assert row.names["en"].isascii()


def test_order_and_sources() -> None:
    keys = list(ports.table())
    assert keys == sorted(keys, key=lambda k: (int(k.partition("/")[0]), k.partition("/")[2]))
    assert len(keys) >= 60


def test_find() -> None:
    found = ports.find(23, 6)
    assert found is not None and found.service("ja") == "Telnet"
    assert ports.find(23, "TCP") is found
    assert ports.find(52869, "tcp") is not None
    assert ports.find(23, 17) is None
    assert ports.find(None, 1) is None
    assert ports.find(23, None) is None
    assert ports.find(23, 300) is None
