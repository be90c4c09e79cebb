"""One colour for one thing; the usual things are told apart by the colour-blind, and beside each other in grey print."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import pytest

from teiten.report.figures import DARK, LIGHT, _colour, colour

# Machado, Oliveira, Fernandes 2009, severity 1.0: what an eye without the red or the green cone sees, on linear sRGB.
NORMAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
TRITANOPIA = ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900))
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))

USUAL_PORTS = ("23", "445", "22", "80", "443", "8080", "1433", "3389", "52869", "5555", "2323", "81")
USUAL_COUNTRIES = ("CN", "US", "RU", "JP", "KR", "TW", "BR", "VN", "IN", "NL", "DE", "HK")


def seen(name: str, eye: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    linear = []
    for i in (1, 3, 5):
        value = int(name[i : i + 2], 16) / 255
        linear.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    red, green, blue = (min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in eye)
    return _colour.oklab_of_linear(red, green, blue)


def apart(one: str, other: str) -> float:
    """The least distance for three kinds of eye, OKLab times 100."""
    return min(math.dist(seen(one, eye), seen(other, eye)) * 100 for eye in (NORMAL, PROTANOPIA, DEUTERANOPIA))


@pytest.mark.parametrize(
    ("kind", "table", "usual", "least", "least_usual"),
    [("port", _colour.PORTS, USUAL_PORTS, 6, 8.5), ("country", _colour.COUNTRIES, USUAL_COUNTRIES, 4.9, 7)],
)
def test_colours_are_told_apart(
    kind: str, table: dict[str, str], usual: tuple[str, ...], least: float, least_usual: float
) -> None:
    close = [(a, b) for a, b in itertools.combinations(table, 2) if apart(table[a], table[b]) < least]
    assert close == []
    close = [(a, b) for a, b in itertools.combinations(usual, 2) if apart(table[a], table[b]) < least_usual]
    assert close == []
    assert all(apart(table[k], LIGHT.other) > 4 for k in usual)
    assert all(colour(kind, k) == v for k, v in table.items())


def test_target_classes_are_nicters() -> None:
    """IoT blue, Windows orange, Linux servers vermilion; the rest in greys. The ports they stand for go with them."""
    assert colour("target", "iot") == colour("port", "23/tcp")
    assert colour("target", "windows") == colour("port", "445/tcp")
    assert colour("target", "linux") == colour("port", "22/tcp")
    assert colour("target", "no such class") == LIGHT.other
    classes = [colour("target", k) for k in ("iot", "windows", "linux", "other")]
    assert min(apart(a, b) for a, b in itertools.combinations(classes, 2)) > 8
    lightness = sorted(_colour.oklab(c)[0] for c in classes[:3])
    assert all(b - a > 0.06 for a, b in itertools.pairwise(lightness)), "alike in grey print"


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eye", [NORMAL, PROTANOPIA, DEUTERANOPIA, TRITANOPIA], ids=["normal", "red", "green", "blue"])
def test_target_classes_are_told_apart_by_every_eye(eye: tuple[tuple[float, ...], ...], theme: _colour.Theme) -> None:
    """IoT, Windows, Linux servers, and the greys of the rest: 13 in OKLab times 100, on light and dark paper (8 is told
    apart in a chart), for the eye without blue cones, too."""
    classes = [colour("target", k, theme) for k in ("iot", "windows", "linux", "other")]
    assert min(math.dist(seen(a, eye), seen(b, eye)) * 100 for a, b in itertools.combinations(classes, 2)) >= 13


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_of_charts_can_be_read(theme: _colour.Theme) -> None:
    """WCAG 2.2: letters 4.5 on paper and on the paper of gaps; what is no letter but must be seen (axes) 3."""
    for name in ("ink", "muted", "accent", "fall"):
        assert min(_colour.contrast(getattr(theme, name), p) for p in (theme.paper, theme.gap_paper)) >= 4.5, name
    assert _colour.contrast(theme.axis, theme.paper) >= 3
    assert _colour.contrast("#000000", "#ffffff") == pytest.approx(21)


def test_one_thing_has_one_colour() -> None:
    assert colour("port", "23/tcp") == colour("port", "23") == colour("port", "23/udp")
    assert colour("country", "cn") == colour("country", "CN")
    assert colour("port", "61234/tcp") == colour("port", "61234/udp")
    assert colour("port", "other") == LIGHT.other and colour("country", "unknown") == LIGHT.unknown
    assert colour("port", "other", DARK) == DARK.other
    assert colour("asn", "AS4134") != colour("asn", "AS4837")
    assert colour("plain", "anything") == colour("plain", "") == LIGHT.plain


def test_hashed_colours_are_the_same_in_every_process() -> None:
    code = "from teiten.report.figures import colour; print(colour('port', '61234/tcp'), colour('asn', 'AS4134'))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {f"{colour('port', '61234/tcp')} {colour('asn', 'AS4134')}\n"}


def test_hashed_colours_are_many_and_read_on_paper() -> None:
    colours = {colour("port", f"{n}/tcp") for n in range(10_000, 12_000)}
    assert len(colours) == 72
    assert all(0.4 < _colour.oklab(c)[0] < 0.85 for c in colours)


def test_letters_of_a_colour_can_be_read() -> None:
    """A name beside a line is written in its colour, darkened where white paper would swallow it."""
    for table in (_colour.PORTS, _colour.COUNTRIES):
        for name in table.values():
            assert _colour.contrast(_colour.on_paper(name), LIGHT.paper) >= 4.5
            assert _colour.contrast(_colour.on_paper(name, DARK), DARK.paper) >= 4.5
    assert _colour.on_paper("#2961b1") == "#2961b1"


def test_a_ramp_runs_from_end_to_end() -> None:
    assert _colour.ramp(("#000000", "#808080", "#ffffff"), 0) == "#000000"
    assert _colour.ramp(("#000000", "#808080", "#ffffff"), 0.5) == "#808080"
    assert _colour.ramp(("#000000", "#808080", "#ffffff"), 2) == "#ffffff"
    steps = [_colour.oklab(_colour.ramp(LIGHT.heat, i / 20))[0] for i in range(21)]
    assert steps == sorted(steps, reverse=True), "a heat map's ramp darkens all the way: it is read in grey print too"


def test_dark_paper_shows_every_colour_and_keeps_most() -> None:
    for kind, table in (("port", _colour.PORTS), ("country", _colour.COUNTRIES)):
        for key, light in table.items():
            dark = colour(kind, key, DARK)
            assert _colour.distance(dark, DARK.paper) > 15, key
            assert dark == light or _colour.oklab(light)[0] < 0.46
