"""teiten alert: a burst of today, a sensor that fell silent, a watch on a prefix; told once, whatever is killed in between."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.lake.making import batch, events

from teiten.cli import main
from teiten.lake import Lake

HOUR = dt.timedelta(hours=1)
Said = pytest.CaptureFixture[str]
CONFIG = """
zone = "UTC"
language = "en"
lake = "lake"

[sensor.home]
[sensor.away]

[alerts]
together_minutes = 0

[alerts.channel.log]
kind = "file"
path = "alerts.jsonl"

[[alerts.watch]]
name = "that network"
prefix = "203.0.113.0/24"
over = 50
"""


def _row(time: dt.datetime, src: str, port: int, country: str, sensor: str = "home") -> dict[str, Any]:
    return {
        "time": time,
        "src_ip": src,
        "dst_port": port,
        "country": country,
        "asn": ord(country[0]),
        "geo_db": "geo",
        "sensor": sensor,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight days up to now: a quiet line, on which 60 packets came to 9530/tcp two hours ago; another fell silent."""
    folder = tmp_path_factory.mktemp("alert")
    chance, now = random.Random(1), dt.datetime.now(dt.UTC)
    rows = []
    for back in range(8 * 24):
        for sensor in ("home", "away"):
            for _ in range(8):
                time, n = now - back * HOUR - dt.timedelta(seconds=chance.randrange(3600)), chance.randrange(200)
                if sensor == "home" or now - time > 6 * HOUR:
                    port, land = chance.choice((23, 445, 22, 80, 3389)), ("US", "CN", "NL")[n % 3]
                    rows.append(_row(time, f"198.18.{n // 100}.{n % 100}", port, land, sensor))
    start = now - 2 * HOUR
    rows += [_row(start + dt.timedelta(seconds=40 * n), f"203.0.113.{n % 20}", 9530, "TW") for n in range(60)]
    lake = Lake.create(folder / "lake", "UTC")
    for number, sensor in enumerate(("home", "away"), 1):
        own = events({**row, "source_id": number, "source_pos": n} for n, row in enumerate(rows) if row["sensor"] == sensor)
        with lake.writer() as writer:
            low, high = own["time"].min(), own["time"].max()
            writer.commit(batch(own.height, source_id=number, sensor=sensor, t_min=low, t_max=high), own)
    (folder / "teiten.toml").write_text(CONFIG, encoding="utf-8")
    return folder


def alert(made: Path, *more: str) -> int:
    return main(["alert", "--config", str(made / "teiten.toml"), *more])


def log(made: Path) -> list[dict[str, Any]]:
    file = made / "alerts.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


@pytest.mark.full
def test_from_the_first_alert_to_the_last_word(made: Path, capsys: Said) -> None:
    """In order: shown, told, not told again, marked, taken back, handed on."""
    assert alert(made, "--dry-run") == 0
    shown = capsys.readouterr()
    assert "9530/tcp" in shown.out and "Nothing was sent: " in shown.err and not log(made)

    assert alert(made) == 0
    (message,) = log(made)
    kinds = {item["kind"]: item for item in message["items"]}
    assert {"silent", "watch"} <= set(kinds) and len(message["items"]) >= 3
    assert kinds["silent"]["about"]["sensor"] == "away"
    assert kinds["watch"]["watch"] == "that network" and kinds["watch"]["packets"] >= 50
    burst = next(item for item in message["items"] if "9530/tcp" in item["about"]["ports"])
    assert burst["about"]["country"] in ("TW", None) and "teiten explain" in burst["text"]
    assert not any(part in json.dumps(message) for part in ("198.18.", "203.0.113.", "192.0.2."))

    assert alert(made) == 0 and len(log(made)) == 1
    assert "Nothing new to tell." in capsys.readouterr().err
    assert alert(made, "--log") == 0
    assert "log" in capsys.readouterr().out

    config = ["--config", str(made / "teiten.toml")]
    assert main(["note", "add", *config, "--story", burst["id"], "--label", "false", "our own test"]) == 0
    number = capsys.readouterr().out.strip()
    assert main(["note", "lessons", *config]) == 0
    lesson = capsys.readouterr().out
    assert burst["id"] in lesson and "false" in lesson and "9530/tcp" in lesson
    assert main(["detect", *config, "--output", "jsonl"]) == 0
    (row,) = [row for row in map(json.loads, capsys.readouterr().out.splitlines()) if row["id"] == burst["id"]]
    assert row["verdict"] == "false"
    assert main(["export", "stories", *config, "--form", "json", "--out", str(made / "s.json")]) == 0
    assert burst["id"] not in (made / "s.json").read_text(encoding="utf-8")
    assert main(["note", "withdraw", *config, number]) == 0
    assert main(["export", "stories", *config, "--form", "json", "--out", str(made / "s.json")]) == 0
    told = json.loads((made / "s.json").read_text(encoding="utf-8"))
    assert burst["id"] in [item["_teiten"]["id"] for item in told["items"]]
    assert main(["note", "lessons", *config]) == 0
    assert "nothing was taught" in capsys.readouterr().err


def test_a_silent_sensor_is_told_once(tmp_path: Path, capsys: Said) -> None:
    """A lake of a day, in which nothing can be called unusual yet."""
    now = dt.datetime.now(dt.UTC)
    lake = Lake.create(tmp_path / "lake", "UTC")
    own = events(_row(now - n * HOUR / 20, "198.18.0.1", 23, "US") | {"source_pos": n} for n in range(100, 480))
    with lake.writer() as writer:
        low, high = own["time"].min(), own["time"].max()
        writer.commit(batch(own.height, t_min=low, t_max=high), own)
    (tmp_path / "teiten.toml").write_text(CONFIG.replace('prefix = "203.0.113.0/24"', 'port = "9530/tcp"'), encoding="utf-8")
    for _ in range(2):
        assert alert(tmp_path) == 0
    (message,) = log(tmp_path)
    (item,) = message["items"]
    assert (item["kind"], item["about"]["sensor"], item["usual"]) == ("silent", "home", 20.0)
    assert "sensor home" in message["title"] and "sent to log" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kinds = ['bursts']", "there is no kind 'bursts'"),
        ("quiet_but = ['silence']", "there is no kind 'silence'"),
        ("[[alerts.watch]]\ngroup = 'nowhere'", "which no sensor is in"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, capsys: Said, text: str, said: str) -> None:
    (tmp_path / "teiten.toml").write_text(f"[alerts]\n{text}\n", encoding="utf-8")
    assert main(["alert", "--config", str(tmp_path / "teiten.toml")]) == 2
    assert said in capsys.readouterr().err


def test_a_test_goes_to_the_channel_that_is_named(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "teiten.toml").write_text(CONFIG, encoding="utf-8")
    assert alert(tmp_path, "--test", "nobody") == 2
    assert "There are: log" in capsys.readouterr().err
    assert alert(tmp_path, "--test", "log", "--lang", "ja") == 0
    assert log(tmp_path)[0]["title"] == "観測速報: 送信テスト"


class _Server(ThreadingHTTPServer):
    """Takes everything; holds its first answer back until it is let go."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[str] = []
        self.beats = 0
        self.held, self.come = threading.Event(), threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"])
        server.come.set()
        if len(server.got) == 1:
            server.held.wait(60)
        self._answer()

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.beats += 1
        self._answer()

    def _answer(self) -> None:
        try:
            self.send_response(204)
            self.end_headers()
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield made
        made.held.set()
        made.shutdown()
        thread.join()


@pytest.mark.full
@pytest.mark.faults
def test_killed_while_the_other_side_holds_its_answer(made: Path, server: _Server, tmp_path: Path) -> None:
    """A real process, killed between the other side's having it and its being written down; then run again, twice."""
    url = f"http://127.0.0.1:{server.server_port}"
    text = CONFIG.replace('lake = "lake"', f'lake = "{made / "lake"}"').replace(
        "together_minutes = 0", f'heartbeat = "{url}/alive"'
    )
    text += '\n[alerts.channel.desk]\nkind = "webhook"\nurl_env = "HOOK"\ntimeout = 60\n'
    (tmp_path / "teiten.toml").write_text(text, encoding="utf-8")
    (made / "lake" / "alerts" / "box.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "teiten", "alert", "--config", str(tmp_path / "teiten.toml")]
    env = {**os.environ, "HOOK": f"{url}/very-secret"}
    first = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert server.come.wait(120)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    server.held.set()
    for _ in range(2):
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "very-secret" not in done.stderr + done.stdout
    assert len(server.got) == 2 and len(set(server.got)) == 1
    assert [one["id"] for one in log(tmp_path)] == server.got[:1]
    assert server.beats == 2
