"""Payloads that are alike, under one number: what differs from victim to victim is masked first, then shingles are compared.

    numbers = groups([b"GET /a?x=1 ...", ...])        # equal numbers: one group

Three steps, each only putting together what the one before kept apart: the same bytes; the same text once the headers of
habit are left out and addresses, numbers, hosts and encodings are masked; at least `LIKE` of the shingles in common. Shingles
are three tokens of the masked text, where a word that no other payload has (a file's name made up for one victim) counts as
no word, or four bytes of a binary, if another has them, too. A TLS client is told by its JA4. They are compared by MinHash
(Broder, 1997) with bands, so that no pair of millions is looked at that has nothing in common. A group's members are those
joined by a chain of such pairs to its first.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.respond import hello

LIKE: Final = 0.5
"""share of shingles in common from which two payloads are alike (Jaccard's index)"""
MOST: Final = 8192
"""bytes of a payload that are compared"""
_HASHES: Final = 96
_ROWS: Final = 3
"""hashes of a band: two payloads with an index of .5 fall into one of 32 bands with a chance of .986"""
_PRIME: Final = (1 << 31) - 1
_HEADERS: Final = re.compile(
    rb"(?im)^(?:host|content-length|user-agent|cookie|connection|accept[a-z\-]{0,20}|x-forwarded-for|x-real-ip):[^\n]{0,2000}\n?"
)
"""of HTTP, RTSP, SIP: what they say is the client's habit"""
_MASKS: Final = (
    (_HEADERS, b""),
    (re.compile(rb"[a-z]{2,8}://[^\s'\"<>`;|&(){}\\+,]{1,400}", re.IGNORECASE), b"<url>"),
    (re.compile(rb"%[0-9a-fA-F]{2}"), b" "),
    (re.compile(rb"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), b"<ip>"),
    (re.compile(rb"\b[A-Za-z0-9+/_\-]{32,}={0,2}"), b"<long>"),
    (re.compile(rb"\b(?:0x)?[0-9a-fA-F]{8,}\b"), b"<hex>"),
    (re.compile(rb"\d+"), b"0"),
)
_TOKEN: Final = re.compile(rb"<[a-z]+>|[A-Za-z_]+|0|[^\sA-Za-z_0]")
_WORD: Final = b"<word>"


def masked(data: bytes) -> bytes:
    """A payload's text without what differs from sender to sender and from victim to victim."""
    out = data[:MOST]
    for pattern, by in _MASKS:
        out = pattern.sub(by, out)
    return out


def groups(payloads: Sequence[bytes]) -> list[int]:
    """The group of each payload: the place of its group's first member."""
    firsts: dict[bytes, int] = {}
    parent = list(range(len(payloads)))
    forms: dict[bytes, int] = {}
    for place, data in enumerate(payloads):
        first = firsts.setdefault(hashlib.sha256(data).digest(), place)
        if first == place:
            first = forms.setdefault(_form(data), place)
        parent[place] = first
    _join(parent, payloads, list(forms.values()))
    return [_root(parent, place) for place in range(len(payloads))]


def binary(data: bytes) -> bool:
    """Is it no text: more than a quarter of it neither printable nor space?"""
    head = data[:1024]
    return len(head.translate(None, bytes(range(32, 127)) + b"\t\r\n")) * 4 > len(head)


def _form(data: bytes) -> bytes:
    # (kinds of payloads are told apart by their first byte)
    if (told := hello.facts(data)) is not None:
        return b"h" + str(told["ja4"]).encode()
    return b"b" + hashlib.sha256(data).digest() if binary(data) else b"t" + masked(data)


def _parts(data: bytes) -> list[bytes]:
    """What is counted over all payloads: tokens of a text, in order, or a binary's stretches of four bytes."""
    if binary(data):
        window = data[:MOST]
        return [window[n : n + 4] for n in range(max(1, len(window) - 3))]
    return _TOKEN.findall(masked(data))


def _shingles(parts: list[bytes], text: bool, seen: Counter[bytes]) -> npt.NDArray[np.int64]:
    """32-bit numbers of the shingles, each once; none where nothing in it has been said by another."""
    if text:
        known: list[bytes] = []
        for token in parts:
            shown = token if seen[token] > 1 and token.isascii() else _WORD
            if shown != _WORD or known[-1:] != [_WORD]:
                known.append(shown)
        stretches = (known[n : n + 3] for n in range(max(1, len(known) - 2)))
        chosen = {b" ".join(one) for one in stretches if any(token[:1].isalpha() for token in one)}
    else:
        chosen = {one for one in parts if seen[one] > 1}
    numbers = [int.from_bytes(hashlib.blake2b(one, digest_size=4).digest(), "big") for one in chosen]
    return np.array(numbers, np.int64)


def _join(parent: list[int], payloads: Sequence[bytes], places: list[int]) -> None:
    """Joins those of `places` that are alike."""
    rng = np.random.default_rng(20191022)
    factors = rng.integers(1, _PRIME, _HASHES)
    addends = rng.integers(0, _PRIME, _HASHES)
    parts = [_parts(payloads[place]) for place in places]
    texts = [not binary(payloads[place]) for place in places]
    counts: dict[bool, Counter[bytes]] = {True: Counter(), False: Counter()}
    for own, text in zip(parts, texts, strict=True):
        counts[text].update(set(own))
    shingles = [_shingles(own, text, counts[text]) for own, text in zip(parts, texts, strict=True)]
    signatures = np.empty((len(places), _HASHES), np.int64)
    for n, held in enumerate(shingles):
        # (what has no shingle is like nothing)
        signatures[n] = -1 - n if not len(held) else ((held[:, None] % _PRIME * factors + addends) % _PRIME).min(axis=0)
    for band in range(0, _HASHES, _ROWS):
        buckets: dict[bytes, int] = {}
        for n, place in enumerate(places):
            key = signatures[n, band : band + _ROWS].tobytes()
            other = buckets.setdefault(key, n)
            if other != n and _root(parent, place) != _root(parent, places[other]) and _alike(shingles[n], shingles[other]):
                low, high = sorted((_root(parent, place), _root(parent, places[other])))
                parent[high] = low


def _alike(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    both: Any = np.intersect1d(one, other, assume_unique=False)
    return bool(len(both) >= LIKE * (len(one) + len(other) - len(both)))


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
