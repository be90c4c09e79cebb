"""A process that shut itself in: what lies outside stays shut, whatever runs in it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock is Linux's")
TRIES = """
import socket, sys, threading
from pathlib import Path
from teiten.engine import confined
inside, shared, outside, port = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
(outside / "link").is_symlink() or (shared / "link").symlink_to(outside / "secret")
if not confined.shut_in([shared], [inside]):
    print("none")
    raise SystemExit
def tried(what):
    try:
        return what() or "done"
    except OSError as error:
        return type(error).__name__
print(tried((shared / "read").read_text), tried(lambda: (inside / "new").write_text("x") and None))
print(tried(lambda: (shared / "new").write_text("x")), tried((outside / "secret").read_text))
print(tried((shared / "link").read_text))
print(tried(lambda: (outside / "secret").unlink()), tried(lambda: (inside / "moved").hardlink_to(outside / "secret")))
print(tried(lambda: socket.create_connection(("127.0.0.1", port), 2)))
found = []
thread = threading.Thread(target=lambda: found.append(tried((outside / "secret").read_text)))
thread.start(); thread.join()
print(*found)
"""


def test_nothing_outside_is_open(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("inside", "shared", "outside")]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "read").write_text("shared")
    (folders[2] / "secret").write_text("a secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        said = subprocess.run(
            [sys.executable, "-c", TRIES, *map(str, folders), str(listener.getsockname()[1])],
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout.split()  # fmt: skip
    if said == ["none"]:
        pytest.skip("this kernel has no Landlock")
    assert said[:2] == ["shared", "done"]
    assert set(said[2:6]) == {"PermissionError"} and said[6] in ("PermissionError", "OSError"), "EXDEV, of a link"
    assert "secret" not in said
    assert said[-1] == "PermissionError", "a thread is shut in, too"
    assert (folders[2] / "secret").read_text() == "a secret" and not (folders[1] / "new").exists()


def test_it_ends_with_whom_it_belongs_to(tmp_path: Path) -> None:
    """A child that waits for an hour, whose parent is killed."""
    inner = (
        "import time; from teiten.engine import confined; confined.end_with_parent(); print('up', flush=True); time.sleep(3600)"
    )
    outer = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE, text=True);"
        " p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", outer, inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert parent.stdout is not None and parent.stdin is not None
    child = int(parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    for _ in range(400):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        import time

        time.sleep(0.05)
    else:
        pytest.fail("the child goes on")
