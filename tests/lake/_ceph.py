"""A real object store for tests: Ceph, with one monitor, one disk in memory and its S3 gateway, on the loopback."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEY, SECRET = "TEITENTESTKEY", "a-secret-of-the-tests"
PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

CONF = """[global]
fsid = {cluster}
mon_host = v2:127.0.0.1:{mon}
keyring = {folder}/keyring
run_dir = {folder}/run
log_file = {folder}/$name.log
admin_socket = {folder}/run/$name.asok
mon_data = {folder}/mon
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{gateway}
rgw_thread_pool_size = 64
"""


@dataclass(frozen=True)
class Ceph:
    endpoint: str

    def bucket(self, name: str, key: str = KEY, secret: str = SECRET) -> None:
        """Makes one, by a request signed as Amazon's documents say (Signature Version 4)."""
        host, now = self.endpoint.removeprefix("http://"), dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        empty, day = hashlib.sha256(b"").hexdigest(), now[:8]
        names = "host;x-amz-content-sha256;x-amz-date"
        request = f"PUT\n/{name}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{now}\n\n{names}\n{empty}"
        scope = f"{day}/us-east-1/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signing = f"AWS4{secret}".encode()
        for part in (day, "us-east-1", "s3", "aws4_request"):
            signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
        sign = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
        heads = {
            "x-amz-date": now,
            "x-amz-content-sha256": empty,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={sign}",
        }
        urllib.request.urlopen(
            urllib.request.Request(f"{self.endpoint}/{name}", method="PUT", headers=heads), timeout=60
        ).close()


def missing() -> list[str]:
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if shutil.which(name) is None]


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Ceph]:
    """The store, until the block ends; what it holds is in memory."""
    for name in ("mon", "osd", "run"):
        (folder / name).mkdir()
    mon, gateway, cluster = _free(), _free(), str(uuid.uuid4())
    told = CONF.format(cluster=cluster, mon=mon, gateway=gateway, folder=folder)
    (folder / "ceph.conf").write_text(told)
    env = {**os.environ, "CEPH_CONF": str(folder / "ceph.conf")}

    def run(*words: str, check: bool = True) -> str:
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False, cwd=folder)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr[-800:]}")
        return done.stdout

    keys = (
        ("client.admin", "allow *", "allow *"),
        ("client.rgw", "allow rw", "allow rwx"),
        ("osd.0", "allow profile osd", "allow *"),
    )
    run("ceph-authtool", "--create-keyring", "mon.keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    for n, (name, on_mon, on_osd) in enumerate(keys):
        new = ["--create-keyring"] if not n else []
        run("ceph-authtool", *new, "keyring", "--gen-key", "-n", name, "--cap", "mon", on_mon, "--cap", "osd", on_osd)
    run("ceph-authtool", "mon.keyring", "--import-keyring", "keyring")
    run("monmaptool", "--create", "--fsid", cluster, "--addv", "a", f"[v2:127.0.0.1:{mon}]", "monmap")
    run("ceph-mon", "-i", "a", "--mkfs", "--monmap", "monmap", "--keyring", "mon.keyring")
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> None:
        started.append(subprocess.Popen(words, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    try:
        start("ceph-mon", "-f", "-i", "a", "--keyring", "mon.keyring")
        disk = str(uuid.uuid4())
        run("ceph", "osd", "new", disk)
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk, "--keyring", "keyring")
        start("ceph-osd", "-f", "-i", "0", "--keyring", "keyring")
        _until(lambda: "1 up" in run("ceph", "osd", "stat", check=False))
        run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
        user = ("--uid", "teiten", "--display-name", "teiten", "--access-key", KEY, "--secret", SECRET)
        run("radosgw-admin", "-n", "client.rgw", "user", "create", *user)
        start("radosgw", "-f", "-n", "client.rgw")
        _until(lambda: _answers(f"http://127.0.0.1:{gateway}/"))
        yield Ceph(f"http://127.0.0.1:{gateway}")
    finally:
        for one in reversed(started):
            one.kill()
            one.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def _until(done: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError("Ceph does not come up")
        time.sleep(0.2)
