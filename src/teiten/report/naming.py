"""How things are named in a sentence: ports, countries, counts; in a language and by the settings, of whatever period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from teiten.data import countries
from teiten.data import ports as port_table
from teiten.lang import Words
from teiten.report.model import Footnote, Link, Paragraph, Piece
from teiten.settings import PORT_STYLES, Settings

Key = tuple[int | None, int | None]
"""A port: protocol and destination port; ICMP is (1, None)."""


class Naming:
    """What a context of a report, and the speech of a story, have in common: words, settings, and the names of things."""

    __slots__ = ()
    words: Words
    settings: Settings

    def say(self, key: str, **fields: Any) -> str:
        """A sentence."""
        return self.words(key, **fields)

    def sentence(self, key: str, **fields: Any) -> str:
        """As `say`, for what may begin with a name in lower case ('the US'): its first letter is a capital."""
        text = self.say(key, **fields)
        return text[:1].upper() + text[1:]

    def rich(self, key: str, **fields: Any) -> Paragraph:
        """As `say`, where a field may be a link, a footnote, or pieces of both and text: gives the pieces of the sentence."""
        put: list[Sequence[Piece]] = []

        def mark(value: Any) -> Any:
            if isinstance(value, Link | Footnote):
                value = [value]
            if isinstance(value, str):
                return "".join(c for c in value if not 0xE000 <= ord(c) < 0xF900)
            if not isinstance(value, list | tuple):
                return value
            put.append(value)
            # a character for private use stands for it while the sentence is put together
            return chr(0xE000 + len(put) - 1)

        text = self.say(key, **{name: mark(value) for name, value in fields.items()})
        out: list[Piece] = []
        for character in text:
            n = ord(character) - 0xE000
            if 0 <= n < len(put):
                out.extend(put[n])
            elif out and isinstance(out[-1], str):
                out[-1] += character
            else:
                out.append(character)
        return out

    def row(self, items: Iterable[Sequence[Piece]]) -> list[Piece]:
        """Pieces in a row as the language lists them: a, b and c."""
        found = list(items)
        out: list[Piece] = []
        for i, item in enumerate(found):
            if i:
                out.append(self.words("number.last" if i == len(found) - 1 else "number.comma"))
            out.extend(item)
        return out

    def packets(self, n: int) -> str:
        """1,234 packets."""
        return self.words("count.packets", n=n)

    def about(self, n: int, noun: str = "packets") -> str:
        """A count in a sentence: exact where it is short, 'about 12.3万' where it is not."""
        text = self.words.large(n)
        if text == self.words.number(n):
            return self.words(f"count.{noun}", n=n)
        return self.words(f"count.about_{noun}", count=text)

    def port(self, key: Key) -> str:
        """23/tcp (or as the setting `port_style` has it), ICMP, 47 without a port."""
        protocol, port = key
        if protocol is None:
            return self.words("thing.no_protocol")
        name = port_table.PROTOCOLS.get(protocol, "")
        if port is not None:
            return port_text(port, name or str(protocol), self.settings.port_style)
        if name in ("icmp", "icmpv6"):
            return self.words(f"thing.{name}")
        if name:
            return self.words("thing.no_port", protocol=name.upper())
        return self.words("thing.protocol", number=str(protocol))

    def port_of(self, text: str) -> str:
        """'23/tcp', as the table of ports has it, in the style of the settings."""
        number, _, name = text.partition("/")
        return port_text(int(number), name, self.settings.port_style)

    def ports(self, keys: Iterable[Key]) -> list[str]:
        """Each port's text for a row of them: with TCP#23 the protocol is said once where it stays the same (TCP#23, 445)."""
        out: list[str] = []
        last: int | None = None
        for key in keys:
            text = self.port(key)
            again = self.settings.port_style == PORT_STYLES[2] and key[1] is not None and key[0] == last
            out.append(text.partition("#")[2] if again and "#" in text else text)
            last = key[0] if key[1] is not None else None
        return out

    def service(self, key: Key) -> str:
        """The usual service of a port, or an empty text."""
        found = self.port_entry(key)
        return found.service(self.words.lang) if found else ""

    def port_entry(self, key: Key) -> port_table.Port | None:
        """The port's row in the table of ports, the user's own included; None where it has none."""
        return port_table.find(key[1], key[0], self.settings.ports)

    def port_long(self, key: Key) -> str:
        """23/tcp (Telnet)."""
        service = self.service(key)
        if not service:
            return self.port(key)
        # a service with a bracket of its own would nest them
        return self.words("thing.port_with_service", port=self.port(key), service=service.partition("(")[0].strip())

    def country(self, code: str | None) -> str:
        """米国, US; 不明, unknown."""
        return countries.name(code, self.words.lang)

    def land(self, code: str | None) -> str:
        """The country inside a sentence: 米国, the US."""
        name = self.country(code)
        if code and code in self.words("thing.articles").split(","):
            return self.words("thing.with_article", country=name)
        return name


def port_text(port: int, protocol: str, style: str) -> str:
    """23/tcp, 23/TCP or TCP#23."""
    if style == PORT_STYLES[0]:
        return f"{port}/{protocol}"
    return f"{port}/{protocol.upper()}" if style == PORT_STYLES[1] else f"{protocol.upper()}#{port}"
