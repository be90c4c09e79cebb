"""Patterns say what they mean, agree with a plain definition of it, and take time that grows with the text alone."""

from __future__ import annotations

import random
import re
import time

import pytest

from teiten.devices.patterns import MOST_TEXT, compiled


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("CMS Web Viewer", "cms web viewer", True),
        ("CMS Web Viewer", "CMS Web Viewer 2", False),
        ("HG532*", "HG532e", True),
        ("*HG532", "my HG532", True),
        ("*HG532", "my HG532e", False),
        ("*, DIR-### Ver*", "Linux, HTTP/1.1, DIR-615 Ver 20.07", True),
        ("*, DIR-### Ver*", "Linux, HTTP/1.1, DIR-61X Ver 20.07", False),
        ("abc*cba", "abcba", False),
        ("abc*cba", "abccba", True),
        ("abc**cba", "abc-cba", True),
        ("aba*aba", "aba", False),
        ("FRITZ!Box (x) [1] + ?", "fritz!box (X) [1] + ?", True),
        ("クイック設定*", "クイック設定Web", True),
    ],
)
def test_what_fits(pattern: str, text: str, fits: bool) -> None:
    assert compiled(pattern).fits(text) is fits


def test_it_agrees_with_the_plain_definition() -> None:
    """Over short texts of few letters, where a star's choices matter."""
    rng = random.Random(5)
    for _ in range(4000):
        pattern = "".join(rng.choice("aab*#") for _ in range(rng.randint(3, 8)))
        try:
            own = compiled(pattern)
        except ValueError:
            continue
        text = "".join(rng.choice("aab1") for _ in range(rng.randint(0, 10)))
        plain = "".join(".*" if c == "*" else "[0-9]" if c == "#" else re.escape(c) for c in pattern)
        assert own.fits(text) is (re.fullmatch(plain, text, re.DOTALL) is not None), (pattern, text)


def test_time_grows_with_the_text_alone() -> None:
    worst = compiled("a" * 20 + "*" + "a" * 20 + "b*" + "a" * 20 + "b*" + "a" * 20 + "b")
    began = time.process_time()
    for _ in range(50):
        assert not worst.fits("a" * MOST_TEXT)
    assert time.process_time() - began < 2
    assert worst.fits("a" * 40 + "b" + "a" * 20 + "b" + "a" * 20 + "b")


def test_what_lies_beyond_is_not_looked_at() -> None:
    assert not compiled("*needle").fits("x" * MOST_TEXT + "needle")
