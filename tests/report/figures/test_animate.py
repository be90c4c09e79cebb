"""Moving pictures: a frame a day on still axes, one palette, looped, small, nothing in the files but pixels and times."""

from __future__ import annotations

import datetime as dt
import io
import random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from teiten.report import figures
from teiten.report.figures import DayFigure, DayRow, Days, animate
from teiten.report.figures.animate import Animation

LIMIT = 400_000
"""bytes of a GIF at 800 px"""
PORTS = ("23/tcp", "445/tcp", "22/tcp", "1433/tcp", "80/tcp", "52869/tcp", "8080/tcp")


def month(*, by_hour: bool = False, gaps: tuple[int, ...] = (8, 9), count: int = 31, level: float = 2400) -> Animation:
    """A month of made-up days; numbers of many digits, a day far above all others."""
    rnd = random.Random(7)
    dates = [dt.date(2019, 10, 1) + dt.timedelta(days=i) for i in range(count)]
    rows = [DayRow(p, p) for p in PORTS] + [DayRow("other", "その他", "other"), DayRow("unknown", "不明", "unknown")]
    wide = 24 if by_hour else len(rows)
    values: list[list[float | None]] = []
    for i in range(count):
        day = [round(level / (1 if by_hour else k + 1) * (0.6 + 0.8 * rnd.random())) for k in range(wide)]
        if i == 20:
            day[1] *= 9
        values.append([None] * wide if i in gaps else [float(v) for v in day])
    said = ["" if i in gaps else f"{sum(v or 0 for v in day):,.0f}パケット" for i, day in enumerate(values)]
    reasons = ["記録なし" if i in gaps else "" for i in range(count)]
    days = Days(dates, values, said, reasons, () if by_hour else rows, "plain" if by_hour else "port")
    words = {"title": "29日のうち28日で23/tcpが最多", "subtitle": "2019年10月の宛先ポート別パケット数", "unit": "パケット/日"}
    return Animation(frames=[DayFigure(id="days", days=days, at=i, **words) for i in range(count)], alt="x")  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["ports", "hours"])
def made(request: pytest.FixtureRequest) -> tuple[Animation, dict[str, bytes]]:
    animation = month(by_hour=request.param == "hours")
    return animation, animate.pictures(animation, "ja")


def frames_of(data: bytes) -> list[tuple[np.ndarray, int]]:
    """Every frame in full as RGB, and how long it stays (ms)."""
    out = []
    with Image.open(io.BytesIO(data)) as image:
        for i in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(i)
            image.load()
            out.append((np.asarray(image.convert("RGB")), round(image.info["duration"])))
    return out


def test_a_frame_a_day_and_a_pause_on_the_last(made: tuple[Animation, dict[str, bytes]]) -> None:
    animation, files = made
    for kind, data in files.items():
        found = frames_of(data)
        assert [t for _, t in found] == [600] * 30 + [3000], kind
        assert {pixels.shape for pixels, _ in found} == {(animate.size(animation, "ja")[1], 800, 3)}
        with Image.open(io.BytesIO(data)) as image:
            assert image.info["loop"] == 0, f"{kind} goes on for ever"
            assert image.format == {"gif": "GIF", "apng": "PNG", "webp": "WEBP"}[kind]


def test_the_three_kinds_show_the_same(made: tuple[Animation, dict[str, bytes]]) -> None:
    shown = [frames_of(data) for data in made[1].values()]
    for frames in zip(*shown, strict=True):
        assert all((frames[0][0] == pixels).all() for pixels, _ in frames)


def test_a_frame_is_the_whole_drawing(made: tuple[Animation, dict[str, bytes]]) -> None:
    """What is put together from still and moving parts is, to a shade at a letter's edge, what resvg draws at once."""
    animation = made[0]
    ground, patches = animate.drawn(animation.frames, "ja")
    shown = frames_of(made[1]["gif"])
    for i in (0, 8, 20, 30):
        svg = figures.draw(animation.frames[i], width=400, lang="ja", tips=False, outlines=True)
        with Image.open(io.BytesIO(figures.png(svg, scale=2))) as image:
            whole = np.asarray(image.convert("RGB")).astype(int)
        apart = abs(whole - animate.whole(ground, patches[i])).max(2)
        assert apart.max() < 32 and (apart > 2).mean() < 2e-5, i
        apart = abs(whole - shown[i][0]).max(2)
        assert apart.max() < 40 and (apart > animate.NEAR).mean() < 2e-4, f"the palette holds the colours of frame {i}"


def test_one_palette_that_keeps_the_things_colours(made: tuple[Animation, dict[str, bytes]]) -> None:
    animation, files = made
    local, colours, extensions = 0, set(), []
    for kind, body in gif_blocks(files["gif"]):
        if kind == "palette":
            colours = {body[i : i + 3].hex() for i in range(0, len(body), 3)}
        local += kind == "image" and bool(body[8] & 0x80)
        if kind == "extension" and body[:1] != b"\xf9":
            extensions.append(body)
    assert local == 0, "no frame has a palette of its own"
    assert extensions == [b"\xffNETSCAPE2.0\x01\x00\x00"], "nothing but the word that it is looped"
    days = animation.frames[0].days  # type: ignore[attr-defined]
    theme = figures.LIGHT
    wanted = {figures.colour("port", row.key) for row in days.rows if row.kind == "value"} or {theme.plain}
    for colour in (*wanted, theme.paper, theme.ink, theme.other):
        assert colour[1:] in colours


def gif_blocks(data: bytes) -> list[tuple[str, bytes]]:
    """The palette; each extension (label, then its blocks joined); each image's descriptor."""
    size = 3 << (data[10] & 7) + 1
    out, at = [("palette", data[13 : 13 + size])], 13 + size
    while data[at] != 0x3B:
        image = data[at] == 0x2C
        found = data[at + 1 : at + 10] if image else data[at + 1 : at + 2]
        at += 11 if image else 2
        if image and found[8] & 0x80:
            at += 3 << (found[8] & 7) + 1
        while data[at]:
            found += b"" if image else data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
        at += 1
        out.append(("image" if image else "extension", found))
    assert at + 1 == len(data)
    return out


def test_nothing_but_pixels_and_times(made: tuple[Animation, dict[str, bytes]]) -> None:
    kinds, data, at = set(), made[1]["apng"], 8
    while at < len(data):
        kinds.add(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    assert kinds <= {b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"IDAT", b"fdAT", b"IEND"}
    kinds, data, at = set(), made[1]["webp"], 12
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        kinds.add(data[at : at + 4])
        at += 8 + size + size % 2
    assert kinds <= {b"VP8X", b"ANIM", b"ANMF"}


def test_the_same_bytes_again() -> None:
    few = Animation(frames=month().frames[:4])
    assert animate.pictures(few, "ja") == animate.pictures(few, "ja")


@pytest.mark.parametrize("by_hour", [False, True])
@pytest.mark.parametrize(
    ("level", "gaps"),
    [(7_600_000, (8, 9)), (99_000, ()), (2400, tuple(range(0, 31, 2)))],
    ids=["millions", "no gap", "every second day a gap"],
)
@pytest.mark.full
def test_small_enough(level: float, gaps: tuple[int, ...], by_hour: bool) -> None:
    """At 800 px, with numbers of many digits, and where every frame is all but another."""
    files = animate.pictures(month(gaps=gaps, by_hour=by_hour, level=level), "ja")
    sizes = {kind: len(data) for kind, data in files.items()}
    assert max(sizes.values()) < LIMIT, sizes


@pytest.mark.parametrize("by_hour", [False, True])
def test_nothing_moves_but_the_data(by_hour: bool) -> None:
    """Names, ticks of the axis, title, days of the strip: at the same place in every frame."""
    animation = month(by_hour=by_hour)
    places: list[dict[str, Any]] = []
    for frame in animation.frames:
        sheet = figures.sheet(frame, width=400, lang="ja")
        still = {frame.title, frame.subtitle, frame.unit, "1", "8", "15", "22", "29", "その他", "不明", "0時", "24時", *PORTS}
        axis = frame.days.scale.labels("ja")  # type: ignore[attr-defined]
        places.append({b.text: (b.left, b.top) for b in sheet.boxes if b.text in {*still, *axis}})
        places[-1]["height"] = sheet.y
    assert all(place == places[0] for place in places)
    assert len(places[0]) >= (10 if by_hour else 18)


@pytest.mark.parametrize("count", [1, 2, 28])
def test_short_months(count: int) -> None:
    files = animate.pictures(month(count=count, gaps=()), "en")
    for data in files.values():
        with Image.open(io.BytesIO(data)) as image:
            assert getattr(image, "n_frames", 1) == count


def test_what_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="needs a frame"):
        Animation(frames=[])
    with pytest.raises(ValueError, match="one size"):
        animate.pictures(Animation(frames=[month().frames[0], month(by_hour=True).frames[1]]), "ja")


def test_many_colours_are_made_few() -> None:
    """More colours than a palette has: the frequent ones stay as they are, the others become the nearest."""
    rnd = np.random.default_rng(1)
    ground = rnd.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    ground[:20] = (41, 97, 177)
    palette, (frame,) = animate.paletted(ground, [[]])
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    assert len(colours) == animate.COLOURS
    assert (colours[frame[:20]] == (41, 97, 177)).all()
    asked = ground[40].astype(int)
    best = ((asked[:, None] - colours[None].astype(int)) ** 2).sum(2).min(1)
    assert (((colours[frame[40]].astype(int) - asked) ** 2).sum(1) == best).all()
