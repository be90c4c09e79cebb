"""Addresses made others: Crypto-PAn, which keeps prefixes, truncation, keyed hashes. The same key, the same answer.

Crypto-PAn (Xu, Fan, Ammar, Moon: "Prefix-preserving IP address anonymization", ICNP 2002): two addresses that share their first
n bits do so afterwards, too. Bit by bit, what AES-128 makes of the bits before it decides whether a bit is turned. IPv6 the
same way over its 128 bits. The key is 32 bytes: AES's, and what the padding is made from.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

SCHEMES: Final = ("cryptopan", "truncate", "hash", "drop")
"""prefixes kept, the network alone (/24, /48), a number by a keyed hash, nothing"""
KEPT_BITS: Final = {4: 24, 16: 48}
_AT_ONCE: Final = 2048
"""addresses whose blocks are enciphered together: 4 MiB of IPv6"""


def cryptopan(addresses: Sequence[bytes], key: bytes) -> list[bytes]:
    """Packed addresses (4 or 16 bytes each) -> as many others. key: 32 bytes. ValueError for another length."""
    if len(key) != 32:
        raise ValueError("Crypto-PAn's key has 32 bytes")
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # one block in, one block out: the cipher is used as a function of 16 bytes, never to hide more than one of them
    cipher = Cipher(algorithms.AES(key[:16]), modes.ECB()).encryptor()
    pad = np.frombuffer(cipher.update(key[16:]), np.uint8)
    out: list[bytes] = [b""] * len(addresses)
    for size in (4, 16):
        places = [i for i, one in enumerate(addresses) if len(one) == size]
        for begin in range(0, len(places), _AT_ONCE):
            some = places[begin : begin + _AT_ONCE]
            packed = np.frombuffer(b"".join(addresses[i] for i in some), np.uint8).reshape(len(some), size)
            turned = _turned(packed, pad, cipher)
            for i, made in zip(some, packed ^ turned, strict=True):
                out[i] = made.tobytes()
    return out


def _turned(packed: npt.NDArray[np.uint8], pad: npt.NDArray[np.uint8], cipher: object) -> npt.NDArray[np.uint8]:
    """Which bits of each address are turned: n x size bytes."""
    n, size = packed.shape
    bits = 8 * size
    own = np.unpackbits(packed, axis=1)
    padding = np.unpackbits(pad)
    blocks = np.broadcast_to(padding, (n, bits, 128)).copy()
    for before in range(1, bits):  # block `before` holds that many of the address's own bits, then the padding
        blocks[:, before, :before] = own[:, :before]
    given = np.packbits(blocks, axis=2).tobytes()
    made = np.frombuffer(cipher.update(given), np.uint8).reshape(n, bits, 16)  # type: ignore[attr-defined]
    return np.packbits(made[:, :, 0] >> 7, axis=1)


def truncate(address: bytes) -> bytes:
    """The first address of its /24 (IPv4) or /48 (IPv6)."""
    kept = KEPT_BITS[len(address)] // 8
    return address[:kept] + bytes(len(address) - kept)


def hashed(address: bytes, key: bytes) -> str:
    """A name by a keyed hash: 64 bits in hexadecimal digits. Nothing of the address's prefix is in it."""
    return hmac.new(key, address, hashlib.sha256).hexdigest()[:16]


def texts(addresses: Sequence[bytes], scheme: str, key: bytes) -> dict[bytes, str | None]:
    """Each packed address -> as it is written in a data set of that scheme. ValueError for a scheme that there is not."""
    distinct = list(dict.fromkeys(addresses))
    if scheme == "cryptopan":
        made = cryptopan(distinct, key)
        return {one: str(ipaddress.ip_address(other)) for one, other in zip(distinct, made, strict=True)}
    if scheme == "truncate":
        return {one: str(ipaddress.ip_address(truncate(one))) for one in distinct}
    if scheme == "hash":
        return {one: hashed(one, key) for one in distinct}
    if scheme == "drop":
        return dict.fromkeys(distinct)
    raise ValueError(f"scheme '{scheme}'")
