"""The guide's example as it is: nginx, a stand-in for oauth2-proxy, and clients that say themselves who they are."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from teiten import hosting
from teiten.alerting import Secret
from teiten.hosting import Identity
from teiten.settings import Settings
from teiten.web import serving
from teiten.web.users.store import folder_of

from ..conftest import served

pytestmark = [pytest.mark.full, pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")]
ROOT = Path(__file__).resolve().parents[3]
SECRET = "f" * 64
NAME = "observe.example.org"


class Stand(http.server.BaseHTTPRequestHandler):
    """oauth2-proxy as nginx sees it: a cookie names the user, as if its session did."""

    def do_GET(self) -> None:
        found = re.search(r"who=([^;]*)", self.headers.get("cookie", ""))
        if self.path.startswith("/oauth2/auth") and found:
            self.send_response(202)
            user, _, groups = found[1].partition("|")
            self.send_header("X-Auth-Request-Email", user)
            self.send_header("X-Auth-Request-Groups", groups)
        elif self.path.startswith("/oauth2/auth"):
            self.send_response(401)
        else:
            self.send_response(200)
            self.send_header("X-Sign-In", "yes")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def free() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


@dataclass(frozen=True)
class Front:
    port: int
    inner: int
    settings: Settings

    def get(
        self, path: str, user: str | None = None, headers: dict[str, str] | None = None, *, inside: bool = False,
        method: str = "GET", body: str | None = None,
    ) -> tuple[int, dict[str, str], str]:  # fmt: skip
        link: http.client.HTTPConnection
        if inside:
            link = http.client.HTTPConnection("127.0.0.1", self.inner, timeout=30)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        with contextlib.closing(link):
            own = {"host": NAME, **({"cookie": f"who={user}"} if user else {}), **(headers or {})}
            link.request(method, path, body=body, headers=own)
            answer = link.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()


@pytest.fixture(scope="module")
def front(chosen: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    line = serving.SELF_SIGNED.format(name=NAME, kind="DNS")
    subprocess.run(line.split(), cwd=folder, check=True, capture_output=True, timeout=60)
    (folder / "teiten.secret").write_text(f'proxy_set_header X-Teiten-Proxy "{SECRET}";\n')
    roles = (("mari@example.org", "administrator"), ("group:soc", "analyst"), ("ken@example.org", "viewer"))
    identity = Identity(
        "X-Forwarded-Email", "X-Forwarded-Groups", secret=Secret("secret", plain=SECRET), roles=roles, logout="/oauth2/sign_out"
    )
    made = replace(
        chosen,
        serving=hosting.Serving(
            users=folder / "users", names=(NAME,), behind=(hosting.network("127.0.0.1", ""),), identity=identity
        ),
    )
    serving.check(made, "127.0.0.1")
    stand = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stand)
    threading.Thread(target=stand.serve_forever, daemon=True).start()
    with served(made, workers=1, hosts=(*serving.HOSTS, NAME)) as client:
        port = free()
        text = (ROOT / "examples" / "serve" / "nginx.conf").read_text()
        for plain, own in (
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("127.0.0.1:8017", f"127.0.0.1:{client.port}"),
            ("127.0.0.1:4180", f"127.0.0.1:{stand.server_port}"), ("/etc/ssl/observe.pem", f"{folder}/teiten.pem"),
            ("/etc/ssl/observe.key", f"{folder}/teiten.key"), ("/etc/nginx/teiten.secret", f"{folder}/teiten.secret"),
        ):  # fmt: skip
            assert plain in text
            text = text.replace(plain, own)
        kept = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\nhttp {{ access_log off;\n{kept}{text}}}\n"
        )
        process = subprocess.Popen(
            ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off; master_process off;"],
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        try:
            yield Front(port, client.port, made)
        finally:
            process.terminate()
            process.communicate(timeout=20)
            stand.shutdown()
            stand.server_close()


def test_who_the_proxy_says(front: Front) -> None:
    status, headers, text = front.get("/account?lang=en", "mari@example.org")
    assert status == 200 and "mari@example.org" in text and "administrator" in text
    assert headers["strict-transport-security"] and headers["cache-control"] == "no-store"
    assert front.get("/users", "mari@example.org")[0] == 200
    assert front.get("/users", "ken@example.org")[0] == 403 and front.get("/sql", "ken@example.org")[0] == 403
    assert front.get("/sql", "ann@example.org|x,soc")[0] == 200, "by her group"
    assert front.get("/ports", "eve@example.org")[0] == 403, "known to the proxy, and no role is hers"
    assert front.get("/ports")[1].get("x-sign-in") == "yes", "nobody is led to the sign-in"


def test_what_a_client_says_itself_is_worth_nothing(front: Front) -> None:
    forged = {"X-Forwarded-Email": "mari@example.org", "X-Forwarded-Groups": "soc", "X-Teiten-Proxy": "guess",
              "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}  # fmt: skip
    assert front.get("/users", "ken@example.org", forged)[0] == 403
    status, _, text = front.get("/account?lang=en", "ken@example.org", forged)
    assert status == 200 and "ken@example.org, viewer" in text and "mari" not in text
    assert front.get("/users", None, forged)[1].get("x-sign-in") == "yes"
    # past the proxy, on this machine: without the secret nobody is anybody
    for headers in (forged, {**forged, "X-Teiten-Proxy": ""}, {k: v for k, v in forged.items() if k != "X-Teiten-Proxy"}):
        assert front.get("/users", None, {**headers, "X-Forwarded-For": "192.0.2.9"}, inside=True)[0] == 403
    assert front.get("/users", inside=True)[0] == 303


def test_forms_work_and_others_do_not(front: Front) -> None:
    _, _, text = front.get("/account", "mari@example.org")
    word = re.findall(r'name="word" value="([^"]+)"', text)[-1]
    kind = {"content-type": "application/x-www-form-urlencoded"}
    said = front.get("/logout", "mari@example.org", kind, method="POST", body=f"word={word}")
    assert said[0] == 303 and said[1]["location"] == "/oauth2/sign_out"
    assert front.get("/logout", "ken@example.org", kind, method="POST", body=f"word={word}")[0] == 403, "another's word"
    assert front.get("/account", "mari@example.org", kind, method="POST", body="do=token")[0] == 403


def test_the_log_has_the_clients_own_address(front: Front) -> None:
    front.get("/account", "mari@example.org")
    lines = [json.loads(line) for line in (folder_of(front.settings) / "audit.jsonl").read_text().splitlines()]
    assert [line["from"] for line in lines if line["what"] == "identity" and line["who"] == "mari@example.org"] == ["127.0.0.1"]
    assert SECRET not in json.dumps(lines) and "guess" not in json.dumps(lines)


def test_a_proxy_without_tls_is_refused(front: Front) -> None:
    for proto in ({"X-Forwarded-Proto": "http"}, {}):
        status, _, text = front.get("/login", None, {"X-Forwarded-For": "192.0.2.9", **proto}, inside=True)
        assert status == 403 and "TLS" in text
