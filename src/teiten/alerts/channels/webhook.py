"""Messages as JSON by HTTP POST, signed where a key is given. Nothing is followed elsewhere, and no address is in an error."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import Any, Final

from teiten import __version__
from teiten.alerting import Channel
from teiten.alerts.channels import ChannelError, Message

NAME = "webhook"
_LATER: Final = frozenset({408, 425, 429})


class _Stay(urllib.request.HTTPRedirectHandler):
    """An answer that points elsewhere is no answer: what is sent is for the address that was named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send(channel: Channel, message: Message) -> None:
    """POST of `Message.table()`, the title in its text too. ChannelError.

    `Idempotency-Key` is its id: the same where it is sent again after a kill.
    """
    assert channel.url is not None
    # chat services show `text` alone
    body = json.dumps({**message.table(), "text": f"{message.title}\n\n{message.text}"}, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"teiten/{__version__}",
        "Idempotency-Key": message.id,
    }
    if channel.key is not None:
        signed = hmac.new(channel.key.value().encode(), body, hashlib.sha256).hexdigest()
        headers["X-Teiten-Signature"] = f"sha256={signed}"
    ask(channel.url.value(), channel, body, headers)


def ask(url: str, channel: Channel, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    """One request, whose answer is thrown away. ChannelError for what is no 2xx."""
    if not url.startswith(("https://", "http://")):
        raise ChannelError("its address does not begin with https://", again=False)
    try:
        trusted = ssl.create_default_context(cafile=str(channel.ca) if channel.ca else None)
    except (OSError, ssl.SSLError):
        raise ChannelError("its certificates (ca) cannot be read", again=False) from None
    opener = urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=trusted))
    try:
        request = urllib.request.Request(url, data=body, headers=headers or {})
        with opener.open(request, timeout=channel.timeout) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        again = error.code >= 500 or error.code in _LATER
        wait = error.headers.get("Retry-After", "") if error.headers else ""
        error.close()
        raise ChannelError(
            f"it answered {error.code} {http.client.responses.get(error.code, '')}".rstrip(),
            again=again,
            wait=min(3600.0, float(wait)) if wait.isdecimal() else None,
        ) from None
    except urllib.error.URLError as error:
        why = error.reason
        text = why.strerror or type(why).__name__ if isinstance(why, OSError) else "it cannot be reached"
        raise ChannelError(str(text)) from None
    except (OSError, http.client.HTTPException) as error:
        raise ChannelError(getattr(error, "strerror", None) or "it did not answer as HTTP does") from None
    except ValueError:
        raise ChannelError("its address cannot be read", again=False) from None
