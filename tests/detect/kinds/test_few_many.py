"""A handful of hosts that try very many ports: where that is new, and where they are most of their country."""

from __future__ import annotations

import datetime as dt

from tests.detect.kinds.tables import DAY, Tables, verdict, view

from teiten.classify.few_many import FEW_HOSTS, MIXED
from teiten.detect.kinds import few_many


def test_a_handful() -> None:
    new = [
        verdict(DAY - dt.timedelta(days=d), "many_ports", n, "RU", packets=200, ports=150 + n)
        for n in range(4)
        for d in (0, 1, 2)
    ]
    old = [verdict(DAY - dt.timedelta(days=d), "many_ports", 9, "US", packets=200, ports=150) for d in range(29)]
    asked = Tables(verdicts_=[*new, *old], patterns={"RU": FEW_HOSTS, "US": FEW_HOSTS})
    [one] = few_many.find(view(asked), [])
    assert (one.about.country, one.hosts, one.packets, one.sources, one.end) == ("RU", 4.0, 800.0, "few", None)
    assert one.reason["ports"] == 153 and one.reason["hosts_of_country"] == 50 and one.reason["days"] == 26
    asked.patterns["RU"] = MIXED
    assert not few_many.find(view(asked), [])


def test_who_announces_it_is_not_told() -> None:
    rows = [
        verdict(DAY, label, n, "US", packets=200, ports=150) for n in range(4) for label in ("many_ports", "announced_scanner")
    ]
    assert not few_many.find(view(Tables(verdicts_=rows, patterns={"US": FEW_HOSTS})), [])
    assert not few_many.find(view(None), [])
