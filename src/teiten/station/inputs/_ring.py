"""Packets of an interface out of the kernel's ring (AF_PACKET, TPACKET_V3; Linux Documentation/networking/packet_mmap.rst).

The kernel fills blocks of a memory that it shares with us, and counts what found no room: nothing is copied per packet by a
call, and every loss has a number.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import select
import socket
import struct
from typing import Final

from teiten.errors import InputError
from teiten.station.inputs._pcap import ETHERNET, RAW, RECORD

_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 1, 5, 6, 10, 23
_V3: Final = 2
_PROMISC: Final = 1
_SO_ATTACH_FILTER: Final = 26
_ALL: Final = 0x0003
_SIOCGIFHWADDR: Final = 0x8927
_USER: Final = 1
_VLAN, _TPID = 0x10, 0x40
_RETIRE_MS: Final = 100
"""a block that is not full is handed over after so long"""
_LINKS: Final = {1: ETHERNET, 772: ETHERNET, 519: RAW, 512: RAW, 768: RAW, 769: RAW, 776: RAW, 65534: RAW}
"""kinds of interface (ARPHRD_...) -> what a raw socket hands over of them: Ethernet (loopback too), or bare IP"""


class NoRing(OSError):
    """This interface, or this machine, cannot be captured so."""


class Ring:
    """An interface's packets. InputError where there is none of that name, OSError where it cannot be opened (PermissionError
    without CAP_NET_RAW).

    program: instructions of classic BPF, as `tcpdump -ddd` prints them; they cut a packet to the bytes that are kept, too.
    """

    def __init__(
        self, interface: str, *, program: list[tuple[int, int, int, int]], memory: int, promiscuous: bool, outgoing: bool
    ) -> None:
        try:
            index = socket.if_nametoindex(interface)
        except OSError:
            raise InputError(f"There is no interface {interface}.", hint="`ip link` shows those that there are.") from None
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self.link = self._kind(interface)
            self._filter(program)
            if not outgoing:
                self.socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            self.socket.setsockopt(_SOL_PACKET, _VERSION, _V3)
            self.block = 1 << 20 if memory >= 1 << 22 else 1 << 17
            self.blocks = max(2, memory // self.block)
            frame = 2048
            told = (self.block, self.blocks, frame, self.block // frame * self.blocks, _RETIRE_MS, 0, 0)
            self.socket.setsockopt(_SOL_PACKET, _RX_RING, struct.pack("7I", *told))
            self.memory = mmap.mmap(self.socket.fileno(), self.block * self.blocks)
            # only now packets may come: each that the ring has no room for is counted from here on
            self.socket.bind((interface, _ALL))
            if promiscuous:
                wanted = struct.pack("IHH8s", index, _PROMISC, 0, b"")
                self.socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, wanted)
        except BaseException:
            self.socket.close()
            raise
        self._next = 0
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN | select.POLLERR)

    def _kind(self, interface: str) -> int:
        told = fcntl.ioctl(self.socket, _SIOCGIFHWADDR, struct.pack("256s", interface.encode()[:15]))
        kind = struct.unpack_from("H", told, 16)[0]
        if kind not in _LINKS:
            raise NoRing(f"interface {interface} is of a kind ({kind}) that I do not capture myself")
        return _LINKS[kind]

    def _filter(self, program: list[tuple[int, int, int, int]]) -> None:
        code = b"".join(struct.pack("HBBI", *one) for one in program)
        held = ctypes.create_string_buffer(code)
        told = struct.pack("HL", len(program), ctypes.addressof(held))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, told)

    def take(self, timeout: float) -> tuple[bytes, int]:
        """The packets of the next block as records of a capture, and how many: waits at most so many seconds for one.

        OSError where the interface is gone.
        """
        at = self._next * self.block
        if not struct.unpack_from("I", self.memory, at + 8)[0] & _USER:
            for _, told in self._poll.poll(timeout * 1000):
                if told & select.POLLERR:
                    trouble = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    raise OSError(trouble, "the interface is down")
            if not struct.unpack_from("I", self.memory, at + 8)[0] & _USER:
                return b"", 0
        # copied at once, so that the kernel has its block back before anything is done with it
        many, first, length = struct.unpack_from("III", self.memory, at + 12)
        copy = self.memory[at : at + max(length, first)]
        struct.pack_into("I", self.memory, at + 8, 0)
        self._next = (self._next + 1) % self.blocks
        return b"".join(_records(copy, first, many)), many

    def dropped(self) -> int:
        """Packets that the kernel had no room for since this was asked last."""
        told: tuple[int, int, int] = struct.unpack("III", self.socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        return told[1]

    def close(self) -> None:
        self.memory.close()
        self.socket.close()


_HEAD: Final = struct.Struct("IIIIIIHHIIH")
"""of a tpacket3_hdr: next, seconds, nanoseconds, kept, length, status, mac, net, hash, tag, tag's type"""


def _records(block: bytes, at: int, many: int) -> list[bytes]:
    """The block's packets; a VLAN tag that the device took out is put back where it was."""
    out: list[bytes] = []
    unpack, pack = _HEAD.unpack_from, RECORD.pack
    for _ in range(many):
        following, second, nano, kept, length, status, mac, _, _, tag, kind = unpack(block, at)
        begin = at + mac
        if status & _VLAN:
            put = struct.pack("!HH", kind if status & _TPID else 0x8100, tag)
            out += (pack(second, nano, kept + 4, length + 4), block[begin : begin + 12], put, block[begin + 12 : begin + kept])
        else:
            out += (pack(second, nano, kept, length), block[begin : begin + kept])
        at += following
    return out
