"""What others use the API with: the sample dashboard for Grafana, the notebook, a client of ISC's API, the guide's commands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client

ROOT = Path(__file__).resolve().parents[2]
BOARD = json.loads((ROOT / "examples" / "grafana" / "teiten.json").read_text(encoding="utf-8"))


def test_every_panel_of_the_dashboard_asks_what_is_answered(client: Client) -> None:
    said = {
        "${__from:date:iso}": "2019-10-20T15:00:00.000Z",
        "${__to:date:iso}": "2019-10-22T15:00:00.000Z",
        "${scanners}": "out",
    }
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            url = target["url"]
            for name, value in said.items():
                url = url.replace(name, value)
            assert "${" not in url and target["url_options"]["method"] == "GET"
            answer = client.get(url)
            assert answer.status == 200, (panel["title"], answer.text[:200])
            rows = answer.json()
            assert rows or panel["title"] in ("When nothing was observed", "What changed"), panel["title"]
            for row in rows[:1]:
                assert {column["selector"] for column in target["columns"]} <= set(row), panel["title"]


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """As far as it can be told without Grafana: what its model of a dashboard asks for."""
    assert {"title", "uid", "panels", "schemaVersion", "time", "templating"} <= set(BOARD)
    idents = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(idents)) == len(idents)
    variables = {one["name"] for one in BOARD["templating"]["list"]}
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] in ("stat", "table", "timeseries") and panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert set(re.findall(r"\$\{(\w+)\}", target["url"])) <= variables
            assert target["refId"] and target["type"] == "json" and target["source"] == "url"
            assert all(column["type"] in ("string", "number", "timestamp", "boolean") for column in target["columns"])


def test_the_notebook_runs(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEITEN_URL", f"http://127.0.0.1:{client.port}")
    monkeypatch.setenv("TEITEN_PERIOD", "2019-W43")
    book = json.loads((ROOT / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
    assert book["nbformat"] == 4 and not any(cell.get("outputs") for cell in book["cells"])
    names: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "notebook.ipynb", "exec"), names)
    assert names["events"].height == 288 and names["ports"]["packets"].to_list() == [144, 96, 48]
    assert names["hours"]["packets"].sum() == 288 and not list(tmp_path.iterdir())


@pytest.mark.full
def test_a_client_of_iscs_api_reads_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """dshield (PyPI, BSD), pointed here: pip install dshield."""
    dshield: Any = pytest.importorskip("dshield", reason="needs the client `dshield` of PyPI")
    monkeypatch.setattr(dshield, "__BASE_URL", f"http://127.0.0.1:{client.port}/api/")
    assert dshield.port(23)["data"]["records"] == 72
    assert dshield.portdate(23, "2019-10-21")["data"]["targets"] == 1
    assert dshield.topports("sources", 2, "2019-10-22")["0"]["targetport"] == 23
    assert [one["rank"] for one in dshield.topips("records", 2, "2019-10-22")] == [1, 2]
    assert dshield.ip("8.8.8.3")["ip"]["ascountry"] == "US"
    assert dshield.porthistory(445, "2019-10-20", "2019-10-22")["0"]["records"] == 48
    assert "<targetport>23</targetport>" in dshield.topports("records", 1, "2019-10-22", dshield.XML)
    for ask in (lambda: dshield.ip("1.2.3"), lambda: dshield.port(99999)):
        with pytest.raises(dshield.Error):
            ask()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_guides_commands_work(client: Client, language: str, tmp_path: Path) -> None:
    """Each curl of the guide, as it stands there, but for the address."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    text = (ROOT / "docs" / "guide" / language / "api.md").read_text(encoding="utf-8")
    commands = re.findall(r"^curl .*$", text, re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        words = shlex.split(command.replace("http://127.0.0.1:8017", f"http://127.0.0.1:{client.port}"))
        done = subprocess.run(
            [*words, "--fail", "--max-time", "60"], cwd=tmp_path, capture_output=True, timeout=90, check=False
        )
        assert done.returncode == 0, (command, done.stderr.decode()[-300:])
    assert (tmp_path / "events.parquet").read_bytes()[:4] == b"PAR1"
