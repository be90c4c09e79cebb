"""Whatever is wrong with a site is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.site.conftest import Site

from teiten.errors import TeitenError
from teiten.publish import leaks
from teiten.site import build, check
from teiten.site.build import Job

PAGE = "a/index.html"


@pytest.mark.full
def test_what_is_lost_or_altered_is_told(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "site"
    shutil.copytree(site.out, out)
    (out / "en" / "ports" / "index.html").unlink()
    (out / "style.css").write_text("body {}")
    (out / "more.txt").write_text("")
    told = "\n".join(check.check(out, set()))
    for text in ("more.txt is no file", "ports/index.html cannot be read", "style.css is not as", "which is not there"):
        assert text in told
    with pytest.raises(TeitenError, match="There is no site"):
        list(check.check(tmp_path / "none", None))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<img src="https://example.org/x.png">', "from elsewhere"),
        ('<img src="//example.org/x.png">', "from elsewhere"),
        ('<img srcset="index.html 1x, https://example.org/x.png 2x">', "from elsewhere"),
        ('<link rel="stylesheet" href="http://example.org/x.css">', "from elsewhere"),
        ('<p style="background: url(https://example.org/x)">', "from elsewhere"),
        ("<script>1</script>", "a script"),
        ('<p onclick="x()">', "a script"),
        ('<base href="https://example.org/">', "leads elsewhere"),
        ('<meta http-equiv="refresh" content="0;url=x">', "leads elsewhere"),
        ('<a href="javascript:x">', "leads to javascript"),
        ('<a href="../gone.html">', "not there"),
        ('<a href="#gone">', "a place that is not there"),
        ('<a href="/a/index.html">', "depends on where"),
        ("<p>198-51-100-23</p>", "names an address"),
        ('<a href="https://example.org/">x</a><p id="here"><a href="#here">', ""),
    ],
)
def test_each_misfortune(tmp_path: Path, text: str, told: str) -> None:
    out = tmp_path / "site"
    build.build([Job("a/", "1", lambda: {PAGE: text.encode()})], out, set(), {})
    found = list(check.check(out, leaks.packed(["198.51.100.23"])))
    assert (told in found[0]) if told else found == []
