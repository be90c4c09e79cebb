"""Messages as text to the standard output."""

from __future__ import annotations

from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message

NAME = "stdout"


def send(channel: Channel, message: Message) -> None:
    """ChannelError where nobody takes it."""
    try:
        print(f"{message.title}\n\n{message.text}\n", flush=True)
    except OSError as error:
        raise ChannelError(f"the standard output cannot be written: {error.strerror}", again=False) from None
