"""Messages through apprise, which knows Slack, Mattermost, Teams, Matrix, ntfy and some hundred other services."""

from __future__ import annotations

import logging

from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message

NAME = "apprise"


def send(channel: Channel, message: Message) -> None:
    """By the address that apprise knows the service by. ChannelError, also where apprise is not installed."""
    assert channel.url is not None
    try:
        import apprise as library
    except ImportError:
        raise ChannelError("apprise is not installed: pip install 'teiten[alerts]'", again=False) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # what it logs may have the address in it
    # nothing is read from the disk, and no other address is asked for, whatever the text holds
    asset = library.AppriseAsset(app_id="teiten", app_desc="teiten", async_mode=False, secure_logging=True)
    service = library.Apprise(asset=asset)
    if not service.add(channel.url.value()):
        raise ChannelError("apprise does not know such an address", again=False)
    if not service.notify(body=message.text, title=message.title, body_format="text", interpret_escapes=False):
        raise ChannelError("the service did not take it")
