"""Messages as lines of JSON at the end of a file: whole lines, each once."""

from __future__ import annotations

import json
import os
from typing import Final

from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message

NAME = "file"
_TAIL: Final = 1 << 20
"""bytes from the end in which a message is looked for"""


def send(channel: Channel, message: Message) -> None:
    """Adds the line, on the disk when this returns. ChannelError where it cannot be written."""
    assert channel.path is not None
    line = json.dumps(message.table(), ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        channel.path.parent.mkdir(parents=True, exist_ok=True)
        with channel.path.open("ab+") as sink:
            end = sink.seek(0, os.SEEK_END)
            if end:
                sink.seek(end - 1)
                if sink.read(1) != b"\n":  # half a line, of a write that was killed
                    line = "\n" + line
            sink.write(line.encode())
            sink.flush()
            os.fsync(sink.fileno())
    except OSError as error:
        raise ChannelError(f"its file cannot be written: {error.strerror}", again=False) from None


def has(channel: Channel, message: Message) -> bool:
    """Is that message's line there, whole?"""
    assert channel.path is not None
    try:
        with channel.path.open("rb") as source:
            end = source.seek(0, os.SEEK_END)
            source.seek(max(0, end - _TAIL))
            lines = source.read().split(b"\n")[:-1]
    except OSError:
        return False
    return any(f'"id":"{message.id}"'.encode() in line and line.endswith(b"}") for line in lines)
