"""A site is replaced in one step, made only where it changed, gone on with after a kill, and refused where it would leak."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.site.conftest import Site, make

from teiten.errors import TeitenError
from teiten.publish import leaks
from teiten.site import build
from teiten.site.build import Job, digest

SECRET = leaks.packed(["198.51.100.23"])


def job(key: str, text: str) -> Job:
    return Job(f"{key}/", digest(text), lambda: {f"{key}/index.html": text.encode()})


@pytest.mark.full
def test_what_has_not_changed_is_taken_over(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "site"
    shutil.copytree(site.out, out)
    again = make(site.settings, out)
    assert (again.made.drawn, again.made.kept) == (0, len(again.plan.jobs))
    assert (out / "manifest.json").read_bytes() == (site.out / "manifest.json").read_bytes()
    # a file that somebody altered is made again
    (out / "en" / "index.html").write_text("altered")
    third = make(site.settings, out)
    assert third.made.drawn == 1
    assert (out / "en" / "index.html").read_bytes() == (site.out / "en" / "index.html").read_bytes()


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    drawn: list[str] = []

    def failing() -> Mapping[str, bytes]:
        drawn.append("c")
        raise KeyboardInterrupt

    first = [job("a", "1"), job("b", "2")]
    with pytest.raises(KeyboardInterrupt):
        build.build([*first, Job("c/", "x", failing)], tmp_path / "site", SECRET, {})
    assert not (tmp_path / "site").exists()
    # a torn file of it is not believed
    (tmp_path / ".site.next" / "site" / "b" / "index.html").write_text("")
    done = build.build([*first, job("c", "3")], tmp_path / "site", SECRET, {})
    assert (done.resumed, done.drawn) == (1, 2)
    assert (tmp_path / "site" / "b" / "index.html").read_text() == "2"
    assert not (tmp_path / ".site.next").exists()


def test_a_visitor_sees_the_old_site_or_the_new(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build.build([job("a", "0"), job("b", "0")], out, SECRET, {})
    seen: list[tuple[str, ...]] = []
    missing = []
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            # one look at one folder: what a server has open while it answers
            try:
                with_manifest = json.loads((out / "manifest.json").read_text())
                seen.append(tuple(with_manifest["pages"]))
            except FileNotFoundError:
                missing.append(1)

    visitor = threading.Thread(target=visit)
    visitor.start()
    for n in range(1, 30):
        build.build([job("a", str(n)), job("b", str(n)), *([job("c", "x")] if n % 2 else [])], out, SECRET, {})
    stop.set()
    visitor.join()
    assert set(seen) <= {("a/", "b/"), ("a/", "b/", "c/")} and len(seen) > 10
    assert not missing


def test_a_site_that_would_name_a_sensor_is_not_made(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build.build([job("a", "1")], out, SECRET, {})
    with pytest.raises(TeitenError, match=r"b/index\.html would name"):
        build.build([job("a", "2"), job("b", "SEQ=3325256727")], out, SECRET, {})
    with pytest.raises(TeitenError, match=r"manifest\.json would name"):
        build.build([job("a", "2")], out, SECRET, {"zone": "198-51-100-23.example"})
    assert (out / "a" / "index.html").read_text() == "1"


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    with pytest.raises(TeitenError, match=r"letter\.txt"):
        build.build([job("a", "1")], out, SECRET, {})
    (tmp_path / "file").write_text("")
    with pytest.raises(TeitenError, match="is a file"):
        build.build([job("a", "1")], tmp_path / "file", SECRET, {})
    good = tmp_path / "site"
    build.build([job("a", "1")], good, SECRET, {})
    (good / "letter.txt").write_text("dear")
    with pytest.raises(TeitenError, match=r"letter\.txt"):
        build.build([job("a", "2")], good, SECRET, {})
    (good / "letter.txt").unlink()
    (good / "manifest.json").write_text("{")
    with pytest.raises(TeitenError, match="no manifest"):
        build.build([job("a", "2")], good, SECRET, {})


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    with (
        build.staging(tmp_path / "site"),
        pytest.raises(TeitenError, match="Another process"),
        build.staging(tmp_path / "site"),
    ):
        pass
