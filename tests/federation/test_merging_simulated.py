"""The whole way: twelve simulated households, each with a lake of its own; three lie; the ranking is that of the truth."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import pytest

from teiten import intake, settings, simulate
from teiten.federation import differing, exporting, form, keys, store
from teiten.federation.keys import Member, Members, Signer
from teiten.federation.merging import Merged
from teiten.lake import Lake
from teiten.site.plan import addresses

from .conftest import FEDERATION, NOW, ZONE, Lie, both, crowd, deny, inflate, invent, stored

FIRST = dt.date(2026, 10, 1)
DAYS = 2
LIES: dict[int, Lie] = {
    4: both(inflate("port", "8080/6", 100), crowd(60_000)),
    11: both(deny("23/6"), invent("31337/6", 900)),
    9: both(inflate("port", "8080/6", 100), invent("31337/6", 5000)),
}


def household(folder: Path, n: int) -> tuple[bytes, Signer, Counter[str]]:
    """Simulated, taken in, exported: the contribution, its key, and the packets that its lake holds, by port."""
    simulate.run("home", n, FIRST, DAYS, 1800, folder)
    text = (folder / "teiten.toml").read_text()
    (folder / "teiten.toml").write_text(f'{text}\n[federation]\nname = "{FEDERATION}"\nmember = "home-{n:02d}"\n')
    found = settings.load(config=folder / "teiten.toml", lake=folder / "lake")
    lake = Lake.open_or_create(found.lake, ZONE)
    assert not intake.ingest(lake, [str(path) for path in sorted((folder / "logs").iterdir())], found).failed
    signer = keys.make(place=folder / "key")
    with exporting.chain(found.federating) as (_, links):
        draft = exporting.draft(lake, found, signer, links, NOW.date())
        _, data, _ = exporting.sealed(found, signer, draft, links, NOW, addresses(lake, found))
    if n in LIES:
        whole = form.opened(form.parse(data, "x"), signer.public)
        rows = LIES[n](list(whole.rows.iter_rows()))
        data = form.write(whole.head, form.body_of(rows), signer)
    return data, signer, true(folder)


def true(folder: Path) -> Counter[str]:
    """Packets by port, as the router's log has them: a plain look at its lines, without a reader of ours."""
    text = "".join(path.read_text(errors="replace") for path in (folder / "logs").iterdir())
    numbers = {"TCP": 6, "UDP": 17}
    return Counter(f"{port}/{numbers[name]}" for name, port in re.findall(r"PROTO=(TCP|UDP) SPT=\d+ DPT=(\d+)", text))


@pytest.mark.full
@pytest.mark.timeout(900)
def test_twelve_households_of_which_three_lie(tmp_path: Path, own_data: Path) -> None:
    files, members, truth = [], [], Counter[str]()
    for n in range(1, 13):
        data, signer, own = household(tmp_path / f"{n:02d}", n)
        files.append(data)
        members.append(Member(f"home-{n:02d}", (), (keys.Key(signer.public),)))
        truth += own
    listed = Members(FEDERATION, ZONE, tuple(members))
    assert {one.state for one in stored(tmp_path / "store", listed, files)} == {"accepted"}
    merged = Merged(store.load(tmp_path / "store"), FIRST, FIRST + dt.timedelta(days=DAYS - 1))
    table = merged.table("port")
    assert [table.keys[n] for n in table.ranked[:3]] == [key for key, _ in truth.most_common(3)]
    assert "31337/6" not in [table.keys[n] for n in table.ranked]
    found = differing.outliers(merged)
    assert {"home-04", "home-11", "home-09"} <= {one.member for one in found}
    assert len({one.member for one in found}) <= 4
