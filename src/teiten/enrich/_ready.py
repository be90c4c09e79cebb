"""A data set made ready for looking up columns, and kept so beside the kernels: unpacking it takes longer than using it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.enrich import datasets
from teiten.readers import _jit

Ints = npt.NDArray[np.int64]
FORMAT: Final = 1
"""of what is kept; another one is made anew"""
_BOUNDS: Final = (1 << 16) + 1


class Texts(Sequence[str]):
    """Texts in one piece of UTF-8, each decoded when it is asked for. offsets: one more than there are texts."""

    def __init__(self, data: npt.NDArray[np.uint8], offsets: Ints) -> None:
        self._data, self._offsets = data, offsets

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        pieces = [text.encode() for text in texts]
        offsets = np.append(0, np.cumsum(np.array([len(piece) for piece in pieces], np.int64))).astype(np.int64)
        return cls(np.frombuffer(b"".join(pieces), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._data[self._offsets[place] : self._offsets[place + 1]].tobytes().decode()

    def arrays(self) -> tuple[npt.NDArray[np.uint8], Ints]:
        return self._data, self._offsets


class Ready:
    """Of one data set: `codes`, rising (none of them 0), their `texts` (empty where not `named`), and the IPv4 stretches.

    index (65537), starts, places: int32, as `readers._addresses.locate` takes them; a place is one in `codes`, or -1.
    """

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self.codes: Ints = arrays["codes"]
        self.named: npt.NDArray[np.bool_] = arrays["named"]
        self.texts = Texts(arrays["data"], arrays["offsets"])
        self.index, self.starts, self.of_starts = arrays["index"], arrays["starts"], arrays["places"]
        self.all_named = bool(self.named.all())
        # a kernel reads them without looking at their bounds
        if not (
            len(self.index) == _BOUNDS
            and len(self.starts) == len(self.of_starts) == int(self.index[-1]) + 1
            and int(self.index.min()) >= 0
            and int(self.index.max()) < len(self.starts)
            and int(self.of_starts.max(initial=-1)) < len(self.codes) == len(self.named) == len(self.texts)
        ):
            raise ValueError("the tables do not fit together")

    def places(self, codes: npt.NDArray[Any]) -> Ints:
        """Codes -> their places; -1 for 0 and for what has none."""
        return _places(self.codes, codes)


def _places(known: npt.NDArray[Any], codes: npt.NDArray[Any]) -> Ints:
    if not len(known):
        return np.full(len(codes), -1, np.int64)
    at = np.searchsorted(known, codes).clip(max=len(known) - 1)
    return np.where(known[at] == codes, at, -1).astype(np.int64)


def _made(data: datasets.DataSet) -> dict[str, npt.NDArray[Any]]:
    table = data.v4
    known, names = data.coded_names()
    codes = np.union1d(known, table.codes)
    codes = codes[codes > 0].astype(np.int64)
    at = _places(known, codes)
    texts = Texts.of([names[place] if place >= 0 else "" for place in at.tolist()])
    firsts = np.arange(1 << 16, dtype=np.int64) << 16
    index = np.searchsorted(table.starts, firsts.astype(np.uint32), side="right") - 1
    return {
        "codes": codes,
        "named": at >= 0,
        "data": texts.arrays()[0],
        "offsets": texts.arrays()[1],
        "index": np.append(index, len(table.starts) - 1).astype(np.int32),
        "starts": (table.starts.astype(np.int64) - (1 << 31)).astype(np.int32),
        "places": _places(codes, table.codes).astype(np.int32),
    }


def _kept(data: datasets.DataSet) -> Path:
    """Where it is kept: named after the data set's files as they are now."""
    told: list[Any] = [FORMAT, str(data.folder.resolve())]
    for name in ("about.json", "v4.xz", "names.xz"):
        stat = (data.folder / name).stat()
        told += [stat.st_size, stat.st_mtime_ns]
    digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=8).hexdigest()
    return _jit.folder().parent / f"geo-{data.kind}-{digest}"


def _read(folder: Path) -> Ready:
    names = ("codes", "named", "data", "offsets", "index", "starts", "places")
    return Ready({name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names})


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new folder that takes that one's place when all is in it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".geo-") as made:
        yield Path(made)
        with contextlib.suppress(OSError):  # somebody else was quicker
            os.rename(made, folder)  # noqa: PTH104 (what is left of it is nothing to be taken away)
            Path(made).mkdir()


def ready(data: datasets.DataSet) -> Ready:
    """The data set made ready, from where it is kept if it is. DataError where it is broken."""
    folder = _kept(data)
    with contextlib.suppress(OSError, ValueError, EOFError):
        return _read(folder)
    shutil.rmtree(folder, ignore_errors=True)
    made = _made(data)
    with contextlib.suppress(OSError), _beside(folder) as new:
        for name, array in made.items():
            np.save(new / f"{name}.npy", array, allow_pickle=False)
    return Ready(made)
