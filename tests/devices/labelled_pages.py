"""Labelled answers: what devices of many families say, written from what is known of them, and pages that only speak of them.

A third of the variants of each family is kept back: they were written without a look at the signatures, and say the thing in
another way (another model, another field, another program in front).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Labelled:
    """Fields of evidence, and the family that they are of; None: of none that a signature should name."""

    family: str | None
    evidence: dict[str, Any]
    kept_back: bool = False


def http(title: str = "", server: str = "", realm: str = "", body: str = "", status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", "Date: Thu, 01 Jan 1970 00:01:12 GMT", "Content-Type: text/html"]
    head += [f"Server: {server}"] if server else []
    head += [f'WWW-Authenticate: Digest realm="{realm}", nonce="5f2a", qop="auth"'] if realm else []
    page = f"<!DOCTYPE html>\n<HTML lang=en><head>\n<TITLE >\n {title}\n</Title></head><body>{body}</body></html>"
    return ("\r\n".join(head) + "\r\n\r\n" + (page if title or body else "")).encode()


FAMILIES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "xiongmai": (
        [
            {"title": "NETSurveillance WEB", "server": "uc-httpd 1.0.0"},
            {"title": "NETSurveillance WEB"},
            {"server": "uc-httpd 1.0.0"},
        ],
        [{"title": "NETSurveillance WEB", "server": "nginx"}, {"server": "uc-httpd/1.0.1", "realm": "login"}],
    ),
    "hikvision": (
        [{"server": "App-webs/", "title": "document.title"}, {"server": "DNVRS-Webs"}, {"server": "Hikvision-Webs"}],
        [{"server": "DVRDVS-Webs", "title": "index"}, {"manufacturer": "HIKVISION", "model": "DS-2CD{n4}F"}],
    ),
    "dahua": (
        [{"manufacturer": "Dahua Technology", "model": "IPC-HFW{n4}"}],
        [{"cert_issuer": "C=CN, O=Dahua Technology, CN=Dahua{n4}"}, {"banner": "dahuadvr login: "}],
    ),
    "nvms-9000": (
        [{"title": "NVMS-9000", "server": "Cross Web Server"}, {"title": "NVMS-9000"}],
        [{"server": "Cross Web Server/1.0"}],
    ),
    "cms-web-viewer": (
        [{"title": "CMS Web Viewer", "server": "Boa/0.94.13"}, {"title": "CMS Web Viewer"}],
        [{"title": "CMS Web Viewer", "server": "thttpd/2.25b"}],
    ),
    "wificam": ([{"server": "GoAhead-Webs", "realm": "WIFICAM"}], [{"realm": "WIFICAM", "server": ""}]),
    "avtech": ([{"server": "Linux/2.x UPnP/1.0 Avtech/1.0"}], [{"title": "--- VIDEO WEB SERVER ---"}]),
    "axis": (
        [{"realm": "AXIS_ACCC8E{n4}FF"}, {"title": "AXIS M1065 Network Camera"}],
        [{"cert_subject": "CN=axis-accc8e12{n4}, O=Axis Communications AB"}],
    ),
    "foscam": (
        [{"server": "Netwave IP Camera"}, {"title": "IPCam Client"}],
        [{"realm": "ipcamera_00626E{n4}67".replace("E", "1")}],
    ),
    "logitec": (
        [{"manufacturer": "Logitec", "model": "LAN-W300N/R"}, {"model": "LAN-WH300N/DR"}],
        [{"realm": "Logitec LAN-W{n3}N/RSPS"}, {"manufacturer": "Logitec Corporation", "model": "WLAN Router"}],
    ),
    "io-data": (
        [{"manufacturer": "I-O DATA DEVICE, INC.", "model": "WN-G300R"}, {"realm": "WN-AC1167GR"}],
        [{"title": "WN-G300GR"}],
    ),
    "buffalo": ([{"realm": "AirStation WZR-HP-G{n3}"}, {"manufacturer": "BUFFALO INC."}], [{"title": "AirStation - WHR-{n3}"}]),
    "elecom": ([{"realm": "ELECOM WRC-{n4}GHBK"}, {"manufacturer": "ELECOM CO.,LTD."}], [{"title": "WRC-{n4}GST"}]),
    "nec-aterm": (
        [{"title": "Aterm WG{n4}HP"}, {"title": "クイック設定Web"}],
        [{"manufacturer": "NEC Platforms, Ltd.", "model": "WX{n4}"}],
    ),
    "huawei-hg532": (
        [{"realm": "HuaweiHomeGateway"}, {"realm": "HG532e"}],
        [{"manufacturer": "Huawei Technologies Co., Ltd.", "model": "HG532s"}],
    ),
    "huawei": (
        [{"manufacturer": "Huawei Technologies", "model": "EG8145V5"}, {"title": "HUAWEI WiFi AX3"}],
        [{"cert_issuer": "CN=root.home, O=Huawei"}],
    ),
    "zyxel": (
        [{"title": ".:: Welcome to the Web-Based Configurator::."}, {"realm": "ZyXEL P-660HN"}, {"manufacturer": "ZyXEL"}],
        [{"server": "ZyXEL-RomPager/3.02", "realm": "P-660HW-T1"}, {"cert_issuer": "C=TW, O=ZyXEL Communications Corp."}],
    ),
    "d-link": (
        [
            {"server": "Linux, HTTP/1.1, DIR-{n3} Ver 2.07"},
            {"realm": "DIR-{n3}"},
            {"title": "D-LINK SYSTEMS, INC. | WIRELESS ROUTER | HOME"},
        ],
        [{"server": "lighttpd/1.4.28", "title": "D-LINK"}, {"manufacturer": "D-Link Corporation", "model": "DSL-{n4}U"}],
    ),
    "tp-link": (
        [{"realm": "TP-LINK Wireless N Router WR841N"}, {"server": "TP-LINK Router"}],
        [{"title": "TL-WR{n3}N", "server": "Router Webserver"}, {"manufacturer": "TP-Link"}],
    ),
    "netgear": (
        [{"realm": "NETGEAR R{n4}"}, {"manufacturer": "NETGEAR, Inc."}],
        [{"cert_subject": "CN=www.routerlogin.net, O=NETGEAR"}],
    ),
    "asus": (
        [{"realm": "RT-AC{n2}U"}, {"title": "ASUS Login"}],
        [{"manufacturer": "ASUSTeK Computer Inc.", "model": "GT-AC{n4}"}],
    ),
    "mikrotik": (
        [{"title": "RouterOS router configuration page"}, {"banner": "220 MikroTik FTP server (MikroTik 6.{n2}) ready"}],
        [{"banner": "SSH-2.0-ROSSSH"}],
    ),
    "ubiquiti": (
        [{"cert_subject": "C=US, O=Ubiquiti", "cert_issuer": "C=US, O=Ubiquiti Networks Inc., CN=UBNT"}],
        [{"title": "EdgeOS"}, {"title": "airOS"}],
    ),
    "draytek": (
        [{"title": "Vigor Login Page", "server": "DWS"}, {"title": "Vigor{n4} Series"}],
        [{"cert_subject": "CN=Vigor Router, O=DrayTek Corp."}],
    ),
    "gpon": ([{"title": "GPON Home Gateway", "server": "GoAhead-Webs"}], [{"realm": "GPON Home Gateway"}]),
    "zte": (
        [{"title": "F660", "server": "Mini web server 1.0 ZTE corp 2005."}, {"manufacturer": "ZTE Corporation"}],
        [{"title": "ZXHN H{n3}N"}],
    ),
    "fritzbox": ([{"title": "FRITZ!Box", "server": ""}, {"title": "FRITZ!Box 7590"}], [{"cert_subject": "CN=fritz.box"}]),
    "openwrt": ([{"title": "OpenWrt - LuCI"}], [{"title": "LuCI - Lua Configuration Interface"}]),
    "dd-wrt": (
        [{"title": "DD-WRT (build 44715) - Info"}, {"realm": "DD-WRT"}],
        [{"banner": "DD-WRT v24-sp2 std (c) 2014 NewMedia-NET GmbH"}],
    ),
    "fortigate": (
        [{"cert_subject": "CN=FGT60E{n4}, O=Fortinet", "cert_issuer": "CN=support, O=Fortinet"}],
        [{"title": "FortiGate"}],
    ),
    "qnap": (
        [{"cert_subject": "CN=QNAP NAS, O=QNAP Systems Inc."}, {"title": "QNAP Turbo NAS"}],
        [{"manufacturer": "QNAP Systems, Inc.", "model": "TS-{n3}"}],
    ),
    "synology": (
        [{"title": "DiskStation - Synology DiskStation"}, {"manufacturer": "Synology Inc"}],
        [{"title": "home-nas - Synology NAS"}],
    ),
    "hp-printer": (
        [{"server": "HP HTTP Server; HP LaserJet MFP M{n3} - W2G55A"}],
        [{"manufacturer": "HP", "model": "OfficeJet Pro {n4}"}],
    ),
    "epson-printer": ([{"server": "EPSON_Linux UPnP/1.0 Epson UPnP SDK/1.0"}], [{"manufacturer": "SEIKO EPSON CORPORATION"}]),
    "ricoh-printer": (
        [{"title": "Web Image Monitor", "server": "Web-Server/3.0"}],
        [{"banner": "220 RICOH MP C{n4} FTP server (12.{n2}) ready."}],
    ),
    "android-adb": (
        [{"banner": "CNXN device::ro.product.name=rk3229;ro.product.model=MXQ;", "service": "adb"}],
        [{"banner": "device::ro.product.name=p281;ro.product.model=X96", "service": "adb"}],
    ),
    "yealink": ([{"title": "Yealink T46S Phone"}], [{"server": "Yealink SIP-T{n2}G"}]),
    "micro-httpd": (
        [{"server": "micro_httpd", "realm": "Broadband Router"}, {"server": "micro_httpd"}],
        [{"server": "micro_httpd 14aug2014"}],
    ),
}

CONFUSERS: list[dict[str, Any]] = [
    {"title": "Hikvision cameras {n4} - best price | CCTV shop", "server": "nginx"},
    {"title": "How to flash DD-WRT on a Netgear R{n4} - my blog", "server": "Apache/2.4.{n2}"},
    {"title": "Vigor Fitness Club", "server": "Apache"},
    {"title": "Archer Dental Clinic | Welcome", "server": "nginx/1.18.0"},
    {"title": "Tendances mode {n4}", "server": "Apache"},
    {"title": "AXIS Bank - Personal Banking", "server": "nginx"},
    {"title": "My Cloud backup service", "server": "cloudflare"},
    {"title": "UniFi Hotel Group - book a room", "server": "nginx"},
    {"title": "D-Link India | Official Site", "server": "Apache", "cert_subject": "CN=www.dlink.example, O=D-Link India",
     "cert_issuer": "CN=DigiCert TLS RSA SHA256, O=DigiCert Inc"},
    {"title": "NETGEAR Japan : news", "server": "nginx"},
    {"title": "Synology DSM tips and tricks", "server": "LiteSpeed"},
    {"title": "QNAP or Synology? A comparison", "server": "Apache"},
    {"title": "Linksys Smart Wi-Fi review {n4}", "server": "nginx"},
    {"title": "EPSON printers - ink from 3.99", "server": "Microsoft-Azure-Application-Gateway/v2"},
    {"title": "Brother MFC-L{n4}DW review", "server": "Apache"},
    {"title": "HP LaserJet toner M{n3} buy online", "server": "nginx"},
    {"title": "FRITZ!Box 7590 im Test", "server": "nginx"},
    {"title": "OpenWrt Wiki - supported devices", "server": "nginx"},
    {"title": "Yealink dealer Tokyo", "server": "Apache"},
    {"title": "Fortinet partner portal", "server": "nginx", "cert_issuer": "CN=R3, O=Let's Encrypt"},
    {"title": "Remote UI toolkit demo", "server": "Werkzeug/2.0 Python/3.9"},
    {"title": "ZTE smartphones | shop", "server": "openresty"},
    {"title": "ELECOM 公式オンラインショップ", "server": "Apache"},
    {"title": "アイ・オー・データのNASを比較", "server": "nginx"},
    {"title": "Huawei stock price today", "server": "nginx"},
    {"title": "Index of /hikvision-firmware", "server": "lighttpd/1.4.{n2}"},
    {"title": "404 Not Found", "server": "nginx"},
    {"title": "Login", "server": "nginx"},
    {"title": "", "server": "", "realm": "Restricted area"},
    {"title": "NVMS-9000 user manual (PDF) - download", "server": "Apache"},
    {"title": "GPON explained: fibre for everybody", "server": "Apache"},
    {"title": "CMS Web Viewer alternatives {n4}", "server": "nginx"},
    {"banner": "220 ProFTPD Server (Debian) [::ffff:192.0.2.{n2}]", "service": "ftp"},
    {"banner": "220 Welcome to Buffalo Wild Wings FTP", "service": "ftp"},
    {"title": "Moxa - Industrial networking news", "server": "nginx"},
    {"title": "Grandstream of consciousness", "server": "Apache"},
    {"title": "Airstation Cafe", "server": "nginx"},
    {"title": "The Asus Login problem, solved", "server": "nginx"},
    {"cert_subject": "CN=hikvision-store.example", "cert_issuer": "CN=R3, O=Let's Encrypt", "title": "Store"},
    {"cert_subject": "CN=www.netgear.example, O=NETGEAR Inc.", "cert_issuer": "CN=DigiCert, O=DigiCert Inc", "title": "News"},
    {"server": "Apache/2.4 (Raspbian)", "title": "It works!"},
    {"server": "Server: DIR-list 2.0", "title": "files"},
    {"title": "RouterOS training course", "server": "nginx"},
    {"title": "F66 racing team", "server": "nginx"},
    {"title": "DSL-speed comparison", "server": "Apache"},
    {"title": "Kyocera Command Center RX: how to log in", "server": "nginx"},
    {"title": "WRC-rally results", "server": "nginx"},
    {"manufacturer": "Microsoft Corporation", "model": "Windows Media Player Sharing"},
    {"manufacturer": "Kodi", "model": "Kodi"},
    {"banner": "SSH-2.0-OpenSSH_9.{n2}", "service": "ssh"},
]  # fmt: skip


def labelled(seed: int, each: int = 4) -> Iterator[Labelled]:
    """Some hundred answers, the same for the same seed: every variant `each` times with other numbers, noise around it."""
    rng = random.Random(seed)
    for family, (variants, others) in FAMILIES.items():
        for kept_back, some in ((False, variants), (True, others)):
            for variant in some:
                for _ in range(each):
                    yield Labelled(family, _filled(variant, rng), kept_back)
    for variant in CONFUSERS:
        for _ in range(each):
            yield Labelled(None, _filled(variant, rng))


def _filled(variant: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The variant with other numbers, and with capitals and spaces as devices are careless about them."""
    out = {}
    for name, text in variant.items():
        for digits in (2, 3, 4):
            text = text.replace(f"{{n{digits}}}", str(rng.randrange(10 ** (digits - 1), 10**digits)))
        if name == "title" and rng.random() < 0.2:
            text = text.upper() if rng.random() < 0.5 else f"  {text} "
        if text:
            out[name] = text
    return out
