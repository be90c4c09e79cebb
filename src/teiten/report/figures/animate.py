"""Moving pictures: figures alike in all but their data, one after another, as GIF, APNG and WebP.

What is the same in all frames is drawn once, and what moves (bars, numbers, the date) is laid upon it. So a month takes
a second where 31 whole drawings took three; tests hold each frame against its whole drawing. No dithering, one palette
for all frames, nothing in the files but pixels and times.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from teiten.report.figures._canvas import Sheet, n
from teiten.report.figures._model import Figure
from teiten.report.figures._png import png

if TYPE_CHECKING:
    import numpy as np

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]
    Place = tuple[slice, slice]
    Patch = tuple[Place, Pixels]

WIDTH: Final = 800
"""px of the pictures"""
ZOOM: Final = 2
"""px of the picture for one of the drawing: so the letters can be read on a telephone, where it is shown at half its size"""
COLOURS: Final = 96
"""of the palette at most; edges of letters are mixed from few"""
NEAR: Final = 10.0
"""two colours nearer than this (in sRGB, 0 to 255) share a place of the palette"""
SHELF: Final = 1000
"""px: width of the sheet on which all that moves is drawn at once"""


@dataclass(frozen=True, kw_only=True)
class Animation:
    """Frames of one size, in their order; each stays `each` ms, the last one `last` ms; then it begins anew, for ever.

    alt: the finding, for those who do not see it.
    """

    frames: Sequence[Figure]
    alt: str = ""
    each: int = 600
    last: int = 3000

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("a moving picture needs a frame")

    @property
    def durations(self) -> list[int]:
        """ms of each frame."""
        return [self.each] * (len(self.frames) - 1) + [self.last]


def size(animation: Animation, lang: str) -> tuple[int, int]:
    """Width and height of the pictures in px, without drawing them."""
    from teiten.report import figures

    sheet = figures.sheet(animation.frames[0], width=WIDTH / ZOOM, lang=lang, tips=False, outlines=True)
    return WIDTH, round(sheet.y * ZOOM)


def pictures(animation: Animation, lang: str) -> dict[str, bytes]:
    """All three files of an animation: 'gif', 'apng', 'webp' -> bytes; the same for the same frames (and the same Pillow).

    ValueError for frames of different sizes.
    """
    palette, frames = paletted(*drawn(animation.frames, lang))
    times = animation.durations
    return {"gif": _gif(palette, frames, times), "apng": _apng(palette, frames, times), "webp": _webp(palette, frames, times)}


# drawing --------------------------------------------------------------------------------------------------------------


def drawn(frames: Sequence[Figure], lang: str) -> tuple[Pixels, list[list[Patch]]]:
    """What holds still, height x width x 3, and for each frame the places where it differs from that."""
    from teiten.report import figures

    sheets = [figures.sheet(f, width=WIDTH / ZOOM, lang=lang, tips=False, outlines=True) for f in frames]
    if len({sheet.y for sheet in sheets}) != 1:
        raise ValueError("the frames of a moving picture need one size")
    still = Counter(sheets[0].items)
    for sheet in sheets[1:]:
        still &= Counter(sheet.items)
    ground = _pixels(_svg(sheets, [i for i in sheets[0].items if i in still], sheets[0].width, sheets[0].y))[..., :3]
    moving = [[item for item in sheet.items if item not in still] for sheet in sheets]
    sprites = _sprites(sheets, dict.fromkeys(item for items in moving for item in items))
    scratch, out = ground.copy(), []
    for items in moving:
        places = [_lay(scratch, *sprites[item]) for item in items]
        out.append([(place, scratch[place].copy()) for place in places])
        for place in places:
            scratch[place] = ground[place]
    return ground, out


def whole(ground: Pixels, patches: Sequence[Patch]) -> Pixels:
    """One frame in full."""
    frame = ground.copy()
    for place, pixels in patches:
        frame[place] = pixels
    return frame


def _svg(sheets: Sequence[Sheet], items: Sequence[str], width: float, height: float) -> str:
    """A drawing of these items, with every letter and hatching that any of the sheets has."""
    first = sheets[0]
    letters, used = (set().union(*(getattr(s, name) for s in sheets)) for name in ("letters", "used"))
    page = Sheet(first.name, width, first.lang, first.theme, items=list(items), used=used, letters=letters, outlines=True)
    return page.finish("", "", height)


def _pixels(svg: str) -> Pixels:
    """The drawing as an array of height x width x 4."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(png(svg, scale=ZOOM))) as image:
        return np.asarray(image.convert("RGBA"))


def _sprites(sheets: Sequence[Sheet], items: dict[str, None]) -> dict[str, tuple[int, int, Pixels]]:
    """Each item as pixels: x, y in the frame, and height x width x 4. All are drawn at once, side by side on shelves."""

    extents: dict[str, tuple[float, float, float, float]] = {}
    for sheet in sheets:
        extents.update(sheet.extents)
    whole = (0.0, 0.0, sheets[0].width, sheets[0].y)
    out: dict[str, tuple[int, int, Pixels]] = {}
    wanted: list[tuple[int, int, int, int, str]] = []
    for item in items:
        left, top, right, bottom = extents.get(item, whole)
        plain = _plain(item, left, top, right, bottom)
        if plain is not None:
            out[item] = plain
            continue
        x, y = max(0, math.floor(left)), max(0, math.floor(top))
        wide, tall = math.ceil(min(whole[2], right)) - x, math.ceil(min(whole[3], bottom)) - y
        wanted.append((tall, wide, x, y, item))
    if not wanted:
        return out
    shapes, places = [], []
    at_x = at_y = high = 0
    for tall, wide, x, y, item in sorted(wanted):
        if at_x + wide > SHELF:
            at_x, at_y, high = 0, at_y + high, 0
        shapes.append(f'<g transform="translate({at_x - x} {at_y - y})">{item}</g>')
        places.append((at_x, at_y))
        at_x, high = at_x + wide + 1, max(high, tall + 1)
    # on no paper: what is between the letters must let the ground through
    svg = _svg(sheets, shapes, SHELF, at_y + high).replace(_paper(sheets[0], SHELF, at_y + high), "", 1)
    drawn = _pixels(svg)
    for (tall, wide, x, y, item), (at_x, at_y) in zip(sorted(wanted), places, strict=True):
        sprite = drawn[at_y * ZOOM : (at_y + tall) * ZOOM, at_x * ZOOM : (at_x + wide) * ZOOM]
        out[item] = (x * ZOOM, y * ZOOM, sprite)
    return out


def _paper(sheet: Sheet, width: float, height: float) -> str:
    return f'<rect width="{n(width)}" height="{n(height)}" fill="{sheet.theme.paper}"/>'


def _plain(item: str, left: float, top: float, right: float, bottom: float) -> tuple[int, int, Pixels] | None:
    """A filled rectangle on whole px needs no renderer; None for all else."""
    import numpy as np

    edges = [v * ZOOM for v in (left, top, right, bottom)]
    if not item.startswith("<rect ") or 'fill="#' not in item or any(v != round(v) for v in edges):
        return None
    at = item.index('fill="#') + 7
    x, y, x2, y2 = (int(v) for v in edges)
    pixels = np.empty((y2 - y, x2 - x, 4), np.uint8)
    pixels[:] = (*bytes.fromhex(item[at : at + 6]), 255)
    return x, y, pixels


def _lay(frame: Pixels, x: int, y: int, sprite: Pixels) -> Place:
    """Lays a sprite upon the frame; returns where."""
    import numpy as np

    high, wide = sprite.shape[:2]
    place = slice(y, y + high), slice(x, x + wide)
    alpha = sprite[..., 3:].astype(np.uint16)
    frame[place] = (sprite[..., :3] * alpha + frame[place] * (255 - alpha) + 127) // 255
    return place


# colours --------------------------------------------------------------------------------------------------------------


def paletted(ground: Pixels, frames: Sequence[Sequence[Patch]]) -> tuple[bytes, list[Pixels]]:
    """One palette for all frames (r, g, b, r, ...; at most `COLOURS`), and each frame in full as places in it.

    The most frequent colours stand in it as they are, so that a thing keeps its colour; the mixed ones at the edges of
    letters take the nearest.
    """
    import numpy as np

    under = _packed(ground)
    over = [[(place, _packed(pixels)) for place, pixels in patches] for patches in frames]
    seen = np.zeros(1 << 24, np.bool_)
    for part in (under, *(part for patches in over for _, part in patches)):
        seen[part] = True
    found = np.flatnonzero(seen)
    number = np.zeros(1 << 24, np.uint32)
    number[found] = np.arange(len(found), dtype=np.uint32)
    counts = np.bincount(number[under].ravel(), minlength=len(found))
    for patches in over:
        for _, part in patches:
            counts += np.bincount(number[part].ravel(), minlength=len(found))
    rgb = np.stack([found >> 16, found >> 8 & 255, found & 255], 1)
    chosen = _chosen(rgb, np.lexsort((found, -counts)))
    nearest = np.zeros(1 << 24, np.uint8)
    for first in range(0, len(found), 4096):
        apart = rgb[first : first + 4096, None] - rgb[chosen][None]
        nearest[found[first : first + 4096]] = (apart**2).sum(2).argmin(1)
    base, out = nearest[under], []
    for patches in over:
        frame = base.copy()
        for place, part in patches:
            frame[place] = nearest[part]
        out.append(frame)
    return rgb[chosen].astype(np.uint8).tobytes(), out


def _packed(pixels: Pixels) -> Any:
    """Red, green and blue as one number."""
    import numpy as np

    wide = pixels.astype(np.uint32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _chosen(rgb: Any, order: Any) -> list[int]:
    """The colours of the palette: in that order, but for those near to one that is in it."""
    import numpy as np

    out: list[int] = []
    free = np.ones(len(rgb), np.bool_)
    for one in order:
        if free[one]:
            out.append(int(one))
            free &= ((rgb - rgb[one]) ** 2).sum(1) >= NEAR**2
            if len(out) == COLOURS:
                break
    return out


# files ----------------------------------------------------------------------------------------------------------------


def _images(palette: bytes, frames: Sequence[Pixels]) -> list[Any]:
    from PIL import Image

    out = []
    for frame in frames:
        image = Image.frombytes("P", (frame.shape[1], frame.shape[0]), frame.tobytes())
        image.putpalette(palette)
        out.append(image)
    return out


def _gif(palette: bytes, frames: Sequence[Pixels], times: Sequence[int]) -> bytes:
    """Only what changed, the rest transparent; the palette once; looped for ever."""
    first, *rest = _images(palette, frames)
    sink = io.BytesIO()
    # times in the hundredths of a second that GIF has
    shown = [round(t / 10) * 10 for t in times]
    how: dict[str, Any] = {"palette": bytearray(palette), "optimize": True, "disposal": 1}
    first.save(sink, "GIF", save_all=True, append_images=rest, duration=shown, loop=0, **how)
    return sink.getvalue()


def _apng(palette: bytes, frames: Sequence[Pixels], times: Sequence[int]) -> bytes:
    first, *rest = _images(palette, frames)
    sink = io.BytesIO()
    first.save(sink, "PNG", save_all=True, append_images=rest, duration=list(times), loop=0)
    return sink.getvalue()


def _webp(palette: bytes, frames: Sequence[Pixels], times: Sequence[int]) -> bytes:
    first, *rest = (image.convert("RGB") for image in _images(palette, frames))
    sink = io.BytesIO()
    # method 3 takes half the time of 4 for 2 % more bytes
    first.save(
        sink, "WEBP", save_all=True, append_images=rest, duration=list(times), loop=0, lossless=True, method=3, quality=50
    )
    return sink.getvalue()
