"""What the daily overviews of October 2019 told of, as tables: flows with their rates by date, shots, stretches, runs of ports.

Dates are month * 100 + day of 2019, hours those of Japan. What the text says is laid down; how many packets is ours.
"""

from __future__ import annotations

from typing import Final

from teiten.simulate._days import Flow, Rate, Run, Shot, Stretch
from teiten.simulate._mix import WIDE

Rates = dict[str, Rate]


def _steps(*steps: tuple[int, float]) -> Rate:
    return steps


TELNET: Final[Rates] = {
    "CN": 260, "US": 130, "KR": 82, "TW": 95, "RU": 95, "BR": 110, "IN": 120, "VN": 85, "TR": 45, "ID": 40, "EG": 45, "IR": 40,
    "TH": 30, "AR": 28, "MX": 26, "IT": 26, "UA": 24, "JP": 8, "GR": 14, "HK": 10, "FR": 12, "DE": 12, "GB": 14,
    "NP": 22, "CA": _steps((1016, 8), (1018, 130), (1022, 150)),
    "BD": _steps((1012, 2), (1013, 110), (1016, 120), (1017, 70), (1019, 2)),
}  # fmt: skip
SMB: Final[Rates] = {
    "VN": 100, "ID": 76, "IN": 76, "RU": 80, "US": 80, "BR": 60, "CN": 56, "TW": 38, "TH": 36, "VE": 34, "TR": 30, "UA": 28,
    "MX": 16, "PH": 18, "EG": 14, "KR": 14, "HK": 11,
    "NP": _steps((1015, 0.5), (1018, 16), (1022, 18)),
}  # fmt: skip
SQL: Final[Rates] = {
    # from China to Asia, the US, Latin America and Europe
    "CN": _steps((1004, 110), (1006, 130), (1007, 180), (1008, 260), (1009, 335), (1022, 340)),
    "KR": _steps((1005, 10), (1007, 24), (1009, 50)),
    "HK": _steps((1005, 7), (1007, 18), (1009, 38)),
    "TW": _steps((1005, 8), (1007, 20), (1009, 28)),
    "VN": _steps((1005, 8), (1008, 20), (1010, 30), (1017, 30), (1019, 42)),
    "IN": _steps((1006, 6), (1009, 24)),
    "US": _steps((1006, 12), (1008, 44), (1009, 68)),
    "RU": _steps((1006, 10), (1008, 38), (1009, 54)),
    "BR": _steps((1007, 6), (1009, 26)),
    "MX": _steps((1007, 1.5), (1009, 13)),
    "AR": _steps((1007, 1.5), (1009, 12)),
    "CO": _steps((1007, 1), (1009, 11)),
    "DE": _steps((1007, 2), (1010, 13)),
    "FR": _steps((1007, 2), (1010, 13)),
    "IT": _steps((1007, 1.5), (1010, 12)),
    "ES": _steps((1007, 1), (1010, 10)),
    "NP": _steps((1015, 0.3), (1018, 11)),
}
SSH: Final[Rates] = {
    "CN": 104, "US": 32, "SG": 36, "DE": 32, "FR": 30, "KR": 20, "IN": 30, "RU": 28, "BR": 25, "VN": 20, "GB": 18, "ID": 16,
    "NL": 10, "RO": 3, "HK": 6,
}  # fmt: skip
WEB: Final[Rates] = {
    "CN": 110, "US": 75, "BR": 60, "IN": 45, "RU": 40, "TW": 40, "KR": 24, "VN": 30, "DE": 24, "FR": 20, "TR": 30, "ID": 20,
}  # fmt: skip
SURVEYS: Final[Rates] = {"US": 330, "GB": 50, "RU": 45, "RO": 24, "DE": 26, "SC": 12, "CN": 20, "HK": 8}
NEIGHBOURS: Final[tuple[int, ...]] = (
    *range(3300, 3500), *range(13380, 13420), *range(33880, 33920), *range(23380, 23400), *range(43380, 43400),
    *range(53380, 53400), *range(1000, 1100, 3), *range(4000, 4100, 3), *range(9980, 10060, 2),
)  # fmt: skip
"""ports around those where RDP is or may be"""

FLOWS: Final[tuple[Flow, ...]] = (
    Flow("telnet-mirai", "mirai", {23: 92, 2323: 8}, {c: r for c, r in TELNET.items() if c not in ("CA", "BD")}, 0.6, 1.6, 200,
         0.85, "IoT bots at 23/tcp"),
    Flow("telnet-canada", "linux", {23: 1}, {"CA": TELNET["CA"]}, 0.3, 1.8, 30, 0.9, "Canada's 23/tcp, since the 17th"),
    Flow("telnet-bangladesh", "linux", {23: 1}, {"BD": TELNET["BD"]}, 0.4, 1.8, 30, 0.9, "Bangladesh's 23/tcp, since the 13th"),
    Flow("smb-worm", "windows", {445: 98, 139: 2}, SMB, 0.5, 2.1, 3, 0.4, "PCs with a worm at 445/tcp"),
    Flow("mssql", "windows", {1433: 1}, SQL, 0.35, 1.7, 3, 0.6, "1433/tcp, up from China and spreading"),
    Flow("ssh", "linux", {22: 92, 2222: 8}, SSH, 0.5, 1.6, 40, 0.95, "SSH password guessing"),
    Flow("web", "linux", {8080: 48, 81: 15, 8000: 10, 8443: 9, 8888: 8, 88: 6, 80: 6, 443: 3}, WEB, 0.5, 1.5, 60, 0.9,
         "web interfaces of devices"),
    Flow("adb", "linux", {5555: 1}, {"HK": 60, "KR": 36, "CN": 30, "TW": 18, "SE": 6, "RU": 6, "US": 8}, 0.4, 1.4, 60, 0.9,
         "Android debug bridge"),
    Flow("rdp", "windows-server", {3389: 86, 3390: 5, 3388: 4, 33389: 5}, {"RU": 26, "US": 44, "GB": 26, "DE": 18, "NL": 20,
         "CN": 24, "RO": 12}, 0.2, 2, 400, 0.95, "remote desktop password guessing", churn=0.04),
    Flow("tor-port", "linux", {9001: 1}, {
         "TW": _steps((1016, 1), (1017, 50), (1019, 190), (1021, 215), (1022, 70)),
         "RU": _steps((1017, 1), (1018, 60), (1020, 115), (1021, 110), (1022, 35)),
         "VN": _steps((1018, 0.5), (1019, 70), (1020, 95), (1021, 95), (1022, 30)),
         "BR": _steps((1018, 0.5), (1020, 90), (1021, 90), (1022, 28)),
         "KR": _steps((1019, 0.5), (1020, 75), (1021, 80), (1022, 24)),
         "US": 2, "CN": 1}, 0.6, 1.4, 60, 0.9, "9001/tcp from Taiwan, spreading to Russia, Vietnam, Brazil and Korea"),
    Flow("mirai-5500", "mirai", {5500: 1}, {
         "NL": _steps((1013, 1), (1015, 22), (1016, 62), (1017, 45), (1019, 2)),
         "DE": _steps((1013, 1), (1015, 16), (1016, 48), (1017, 35), (1019, 2)), "US": 2}, 0.5, 1.3, 100, 0.95,
         "5500/tcp from the Netherlands and Germany"),
    Flow("mysql", "masscan", {3306: 1}, {"NL": _steps((1013, 4), (1015, 110), (1022, 130)), "CN": 8, "US": 7}, 0.05, 3, 300,
         1.0, "3306/tcp from the Netherlands"),
    Flow("estonia", "masscan", dict.fromkeys(WIDE[::2], 1.0), {"EE": _steps((1014, 1), (1016, 45), (1022, 70))}, 0.06, 2, 900,
         1.0, "many ports from Estonia"),
    Flow("russia-few", "linux", dict.fromkeys(NEIGHBOURS, 1.0), {"RU": _steps((1016, 0), (1017, 540), (1022, 570))}, 0.006, 6,
         120, 1.0, "a handful of Russian hosts, ports around RDP's", churn=0.04),
    Flow("nepal-routers", "mirai", {7547: 50, 8291: 50}, {"NP": _steps((1015, 46), (1017, 8))}, 0.6, 1.4, 100, 0.9,
         "routers' ports from Nepal"),
    # Japan: few, and by day
    Flow("japan-smb", "windows", {445: 92, 139: 8}, {"JP": 31}, 0.4, 1.8, 3, 0.06, "Japan's PCs at 445/tcp, by day"),
    Flow("japan-sql", "windows", {1433: 1}, {"JP": _steps((1006, 4), (1009, 20), (1022, 20))}, 0.4, 1.6, 3, 0.04,
         "Japan's PCs at 1433/tcp, by day"),
    Flow("japan-ssh", "linux", {22: 1}, {"JP": _steps((1016, 6), (1019, 11))}, 0.3, 1.5, 40, 0.4, "Japan at 22/tcp"),
    # what is always there
    Flow("survey", "masscan", dict.fromkeys(WIDE, 1.0), SURVEYS, 0.1, 2, 2000, 1.0, "surveys of many ports", churn=0.04),
    Flow("zmap", "zmap-old", {443: 12, 80: 12, 22: 10, 21: 12, 8080: 4, 5900: 8, 1883: 6, 9200: 8, 5432: 6, 6379: 10, 25: 6},
         {"US": 120, "DE": 20, "GB": 20, "CN": 30}, 0.1, 1.2, 9, 1.0, "surveys with ZMap", churn=0.04),
    Flow("sip", "sip", {5060: 94, 5061: 6}, {"FR": 36, "US": 26, "DE": 18, "PL": 6}, 0.2, 1.5, 600, 1.0, "SIP probes",
         churn=0.04),
    Flow("udp-probe", "udp", {123: 16, 1900: 15, 161: 14, 53413: 14, 389: 8, 11211: 7, 137: 6, 111: 4, 19: 3, 5683: 4},
         {"US": 70, "CN": 30, "RU": 16, "DE": 12}, 0.2, 1.3, 900, 1.0, "looks for amplifiers over UDP", churn=0.04),
    Flow("devices", "mirai", {37215: 34, 52869: 30, 7547: 20, 8291: 16}, {"EG": 40, "BR": 36, "RU": 22, "VN": 22, "IR": 20,
         "CN": 22, "IN": 16}, 0.6, 1.4, 100, 0.9, "bots at other ports of devices"),
    Flow("ping", "ping", {0: 1}, {"US": 26, "CN": 16, "JP": 2, "GB": 6}, 0.4, 2, 1, 1.0, "echo requests"),
    Flow("backscatter", "backscatter", {0: 1}, {"US": 18, "CN": 14, "FR": 8, "DE": 6}, 0.1, 4, 40, 1.0,
         "answers to forged packets"),
    Flow("other", "linux", dict.fromkeys(range(1024, 65536, 37), 1.0), {"CN": 60, "US": 60, "DE": 20, "FR": 16, "IN": 20}, 0.5,
         1.2, 60, 1.0, "odd ports"),
)  # fmt: skip

WEB_PORTS: Final = (81, 88, 8000, 8080, 8081, 8088, 8888)
SHOTS: Final[tuple[Shot, ...]] = (
    Shot("france-adb", (1010, 0.1), 0.8, "FR", (5555,), 170, 8, because="5555/tcp from France at 0 o'clock"),
    Shot("hongkong-telnet", (1010, 21.05), 0.9, "HK", (23,), 42, 5, because="23/tcp from Hong Kong at 21 o'clock"),
    Shot("netherlands-telnet", (1016, 16.05), 0.85, "NL", (23,), 420, 4, "zmap-old",
         "23/tcp from the Netherlands at 16 o'clock"),
    Shot("six-romania", (1016, 6.05), 0.9, "RO", (22,), 150, 6, because="22/tcp from Romania at 6 o'clock"),
    Shot("six-russia", (1016, 6.1), 0.85, "RU", (22,), 120, 6, because="22/tcp from Russia at 6 o'clock"),
    *(
        Shot("estonia-telnet", when, 0.9, "EE", (23,), 190, 3, because="23/tcp from Estonia, now and then")
        for when in ((1018, 3.05), (1018, 19.05), (1019, 11.05), (1020, 8.05), (1020, 22.05), (1021, 4.05), (1021, 15.05))
    ),
    Shot("estonia-wide", (1022, 9.1), 0.8, "EE", WIDE[1::2], 120, 2, "masscan", "many ports from Estonia within an hour"),
    Shot("hongkong-dawn", (1021, 2.05), 2.8, "HK", (23,), 190, 6, because="23/tcp from Hong Kong before dawn"),
    Shot("china-web", (1021, 10.05), 1.8, "CN", WEB_PORTS, 340, 40, because="web ports from China for two hours"),
    Shot("japan-shares", (1021, 14.05), 0.9, "JP", (139, 445), 70, 4, "windows", "139 and 445/tcp from Japan within an hour"),
    Shot("us-mail", (1022, 5.05), 0.9, "US", (25, 465, 587), 420, 6, "masscan", "SMTP(S) from the US at 5 o'clock"),
)  # fmt: skip

_WEB: Final = ((925, 20, 2), (1002, 14, 2), (1014, 11, 2), (1014, 18, 2.5), (1015, 1, 2), (1015, 10, 1.5), (1018, 9, 2),
               (1019, 20, 2), (1021, 3, 1.5), (1021, 13, 2), (1022, 17, 7))  # fmt: skip
_DNS: Final = ((1016, 11.3, 1.7), (1018, 15, 1), (1020, 10, 1.5), (1021, 11, 2), (1021, 16, 2), (1022, 9, 2), (1022, 19, 3))
STRETCHES: Final[tuple[Stretch, ...]] = (
    *(
        Stretch("arrivals-web", (day, hour), hours, {"IT": 1.0}, (80, 443), 0.75, 48,
                "80 and 443/tcp in a set, one or two packets a second, from addresses allotted to Italy")
        for day, hour, hours in _WEB
    ),
    *(
        Stretch("arrivals-dns", (day, hour), hours, {"US": 0.85, "CA": 0.1, "BR": 0.05}, (53,), 0.8, 60,
                "53/tcp, most of it from the US")
        for day, hour, hours in _DNS
    ),
)  # fmt: skip

RUNS: Final[tuple[Run, ...]] = tuple(
    Run("netherlands-runs", (day, hour), "NL", first, ports, 5, "consecutive ports from the Netherlands, perhaps reflections")
    for day, hour, first, ports in (
        (1020, 7, 20_000, 90), (1020, 18, 31_200, 110), (1021, 1, 20_400, 120), (1021, 9, 40_100, 90), (1021, 19, 25_500, 110),
        (1022, 0.5, 41_000, 130), (1022, 3, 26_000, 120), (1022, 7.5, 51_000, 140), (1022, 11, 33_000, 120),
        (1022, 14, 27_500, 130), (1022, 20, 44_000, 120),
    )
)  # fmt: skip
