"""What a reader's packets are told by when another capture has them too: their hashes, as the lake makes them of its rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from teiten.lake import packets
from teiten.readers._base import Plain, Rows
from teiten.readers._rows import integers

_LOW: Final = 0xFFFFFFFF


def hashes(rows: Rows, key: int) -> packets.Hashes:
    """The keyed hash (`lake.packets`) of each event."""
    n = len(rows)
    column: Any = getattr(rows, "narrow", rows.column)

    def number(name: str) -> packets.Words:
        plain = column(name)
        return plain.numbers if plain.kind == "numbers" else integers(plain, n)

    return packets.hashes(
        packets.Packets(
            integers(rows.column("time"), n),
            received(rows),
            _address(column("src_ip")),
            _address(column("dst_ip")),
            number,
        ),
        key,
    )


def received(rows: Rows) -> Any:
    """Which of the events have the input's time, for want of their own (n bool); None: none of them."""
    basis = rows.column("time_basis")
    if basis.numbers is None:
        return np.ones(len(rows), np.bool_) if basis.value == packets.RECEIVED else None
    places = [i for i, text in enumerate(basis.texts) if text == packets.RECEIVED]
    found = np.isin(basis.numbers, places)
    return found if found.any() else None


def _address(plain: Plain) -> packets.Address:
    assert plain.low is not None
    if plain.numbers is None or bool((plain.numbers == 4).all()):
        return packets.Address(plain.low)
    assert plain.high is not None
    six = plain.numbers == 6
    words = [np.where(six, word, 0) for word in (plain.high >> 32, plain.high & _LOW, plain.low >> 32)]
    return packets.Address(plain.low, (words[0], words[1], words[2], six))
