"""The sign of life of `teiten alert` itself, for whoever notices that it no longer comes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError


def beat(to: str) -> None:
    """Asks for an http(s) address, or writes the time into a file. ChannelError."""
    if to.startswith(("https://", "http://")):
        from teiten.alerts.channels import webhook

        webhook.ask(to, Channel("heartbeat", "webhook"))
        return
    path = Path(to)
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(f"{dt.datetime.now(dt.UTC).isoformat(timespec='seconds')}\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise ChannelError(f"its file cannot be written: {error.strerror}") from None
