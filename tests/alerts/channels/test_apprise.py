"""apprise against a real server on this machine, by its own address for plain JSON; and what is told where it cannot."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from teiten.alerting import Channel, Secret
from teiten.alerts.channels import ChannelError, Message, apprise

MESSAGE = Message("teiten-1", "2026-03-01T00:00:00+00:00", "ja", "観測速報", "25/tcpへのスキャンが増加 <b> & \\n")


def channel(url: str) -> Channel:
    return Channel("chat", "apprise", url=Secret("url", plain=url))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.full
def test_it_arrives_and_refusals_are_told() -> None:
    pytest.importorskip("apprise")
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if len(got) == 1 else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        url = f"json://very:secret@127.0.0.1:{server.server_port}/"
        apprise.send(channel(url), MESSAGE)
        with pytest.raises(ChannelError, match="did not take it") as told:
            apprise.send(channel(url), MESSAGE)
        server.shutdown()
        thread.join()
    assert (got[0]["title"], got[0]["message"]) == (MESSAGE.title, MESSAGE.text)
    assert told.value.again and "secret" not in str(told.value)
    with pytest.raises(ChannelError, match="does not know such an address"):
        apprise.send(channel("no-such-service://x"), MESSAGE)


def test_without_apprise_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ChannelError, match=r"pip install 'teiten\[alerts\]'"):
        apprise.send(channel("json://127.0.0.1/"), MESSAGE)
