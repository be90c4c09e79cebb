"""Real syslog-ng, rsyslog and curl, set up as the guide says, to a collector over HTTPS: every line on its disk.

Once; and where the collector was not there for a while, none is lost.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.station.remote import Remote, collector, until

pytestmark = [pytest.mark.full]

SENDERS = Path(__file__).parents[2] / "examples" / "senders"
os.environ["PATH"] += ":/usr/sbin:/sbin"
MANY = 600


def settled(name: str, folder: Path, port: int, credential: str) -> str:
    """The guide's configuration with this test's collector in it."""
    text = (SENDERS / name).read_text()
    for before, after in (
        ("collector.example:8514", f"127.0.0.1:{port}"),
        ("collector.example", "127.0.0.1"),
        ("SECRET", credential.rpartition(".")[2]),
        ("/etc/teiten/collector.pem", str(folder / "spool" / "tls" / "collector.pem")),
        ("/etc/teiten/netrc", str(folder / "netrc")),
        ("/usr/local/bin/teiten-post", str(folder / "teiten-post")),
    ):
        text = text.replace(before, after)
    return text


def rsyslog(folder: Path, port: int, credential: str) -> list[str]:
    (folder / "netrc").write_text(f"machine 127.0.0.1 login office password {credential.rpartition('.')[2]}\n")
    (folder / "teiten-post").write_text(settled("teiten-post", folder, port, credential))
    (folder / "teiten-post").chmod(0o755)
    (folder / "rsyslog.conf").write_text(
        f'global(workDirectory="{folder}")\nmodule(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{folder}/log" useSysTimeStamp="off" rateLimit.Interval="0")\n'
        + settled("rsyslog-http.conf", folder, port, credential).replace('resumeInterval="5"', 'resumeInterval="1"')
    )
    return ["rsyslogd", "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "rsyslog.pid")]


def syslog_ng(folder: Path, port: int, credential: str) -> list[str]:
    own = settled("syslog-ng-http.conf", folder, port, credential).replace("disk-buffer(", f'disk-buffer(dir("{folder}") ')
    (folder / "syslog-ng.conf").write_text(
        f'@version: 3.38\noptions {{ time-reopen(1); }};\nsource s_src {{ unix-dgram("{folder}/log"); }};\n{own}'
    )
    state = ["--persist-file", f"{folder}/persist", "--control", f"{folder}/control", "--pidfile", f"{folder}/pid"]
    return ["syslog-ng", "-F", "-f", str(folder / "syslog-ng.conf"), *state]


def say(path: Path, first: int, last: int) -> None:
    """Numbered lines as a kernel hands them to the local syslog."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:

        def there() -> bool:
            try:
                out.connect(str(path))
            except OSError:
                return False
            return True

        assert until(there, 30), "the sender does not listen"
        for n in range(first, last):
            stamp = time.strftime("<4>%b %e %H:%M:%S", time.gmtime())
            out.send(f"{stamp} kernel: [463590.331247] DROP IN=eth0 OUT= SRC=192.0.2.77 DST=203.0.113.5 SPT={n} ".encode())
            if n % 50 == 0:
                time.sleep(0.02)


def came(remote: Remote) -> list[int]:
    """The numbers in the collector's spool, as they came."""
    [stream] = [one for one in remote.spool.streams() if one.sensor == "office"] or [None]
    if stream is None:
        return []
    whole = b"".join(one.read(0, one.end) for one in remote.spool.segments(stream.id))
    assert all(line.startswith(b"20") for line in whole.splitlines())  # a year: a stamp that needs no guessing
    return [int(line.rpartition(b"SPT=")[2]) for line in whole.splitlines() if b"SPT=" in line]


def told(numbers: list[int], folder: Path) -> str:
    """What is missing, what came twice, and what the sender said."""
    missing = sorted(set(range(2 * MANY)) - set(numbers))
    twice = sorted(n for n, many in Counter(numbers).items() if many > 1)
    return f"missing {missing[:3]}...{len(missing)}, twice {twice[:3]}...{len(twice)}\n{(folder / 'said').read_text()[-2000:]}"


@pytest.mark.parametrize(("sender", "command"), [("rsyslogd", rsyslog), ("syslog-ng", syslog_ng)])
def test_every_line_arrives(sender: str, command: object, tmp_path: Path) -> None:
    if shutil.which(sender) is None or (sender == "syslog-ng" and not list(Path("/usr/lib/syslog-ng").rglob("libhttp.so"))):
        pytest.skip(f"there is no {sender} here, or not with its http module")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listen = f"127.0.0.1:{port}"
    with collector(tmp_path, listen=listen) as remote:
        credential = remote.add("office")
        log = (tmp_path / "said").open("wb")
        environment = {**os.environ, "TEITEN_POST_LOG": str(tmp_path / "post")}
        process = subprocess.Popen(command(tmp_path, port, credential), stdout=log, stderr=log, env=environment)  # type: ignore[operator]
        try:
            say(tmp_path / "log", 0, MANY)
            assert until(lambda: sorted(came(remote)) == list(range(MANY)), 40), (
                came(remote)[-3:],
                (tmp_path / "said").read_text(),
            )
        except BaseException:
            process.kill()
            raise
    try:
        say(tmp_path / "log", MANY, 2 * MANY)  # nobody is there
        time.sleep(2)
        with collector(tmp_path, listen=listen) as remote:
            remote.collector.desk.full = "the spool has used up its budget"
            time.sleep(5)
            remote.collector.desk.full = None
            # none is lost; a batch whose answer the collector's end cut off may come twice: it has no number
            assert until(lambda: set(came(remote)) == set(range(2 * MANY)), 60), told(came(remote), tmp_path)
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            assert Counter(came(remote)).most_common(1)[0][1] <= 2, told(came(remote), tmp_path)
    finally:
        process.kill()
        process.wait()
        log.close()


def test_curl(tmp_path: Path) -> None:
    with collector(tmp_path) as remote:
        name, _, secret = remote.add("office").rpartition(".")
        (tmp_path / "lines").write_bytes(b"2026-04-01T00:00:00Z SPT=1\n" * 3)
        subprocess.run(
            ["curl", "-fsS", "--cacert", str(tmp_path / "spool/tls/collector.pem"), "-u", f"{name}:{secret}",
             "--data-binary", f"@{tmp_path / 'lines'}", "-H", "Content-Type: text/plain", f"https://127.0.0.1:{remote.port}/v1/lines"],
            check=True, timeout=60,
        )  # fmt: skip
        assert came(remote) == [1, 1, 1]
