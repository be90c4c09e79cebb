"""A report whose figures change becomes its next edition, and the older rows stay."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from tests.site.conftest import TODAY, Site, make

from teiten.site import check

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]


def test_editions(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "site"
    shutil.copytree(site.out, out)
    place = out / "en" / "reports" / "weekly-2026-W33"
    older = (place / "data" / "weekly-2026-w33-ports.csv").read_bytes()
    assert json.loads((place / "edition.json").read_text())["number"] == 1
    # other figures (here by another rule), a day later
    rules = dataclasses.replace(site.settings.publishing, digits=1)
    made = make(dataclasses.replace(site.settings, publishing=rules), out, TODAY + dt.timedelta(days=1))
    told = json.loads((place / "edition.json").read_text())
    assert (told["number"], told["made"], told["published"]) == (2, "2026-08-29", "2026-08-28")
    assert (place / "editions" / "1" / "data" / "weekly-2026-w33-ports.csv").read_bytes() == older
    assert "editions/1/data/" in (place / "index.html").read_text()
    assert list(check.check(out, made.plan.secret)) == []
    # the same again is the same edition
    make(made.settings, out, TODAY + dt.timedelta(days=2))
    assert json.loads((place / "edition.json").read_text()) == told


def test_old_reports_stay_when_newer_ones_are_made(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "site"
    shutil.copytree(site.out, out)
    kept = (out / "ja" / "reports" / "weekly-2026-W33" / "index.html").read_bytes()
    rules = dataclasses.replace(site.settings.publishing, reports=1, periods=("weekly",))
    made = make(dataclasses.replace(site.settings, publishing=rules), out)
    assert (out / "ja" / "reports" / "weekly-2026-W33" / "index.html").read_bytes() == kept
    assert "weekly-2026-W33/index.html" in (out / "ja" / "reports" / "index.html").read_text()
    assert list(check.check(out, made.plan.secret)) == []
