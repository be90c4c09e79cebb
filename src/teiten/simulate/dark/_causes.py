"""What a packet at a dark prefix can be due to: the shares, in words, and the tool that sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cause:
    """What a packet can be due to. `share` of all packets; `tool` that sends them; forged: sources say nothing."""

    share: float
    because: str
    tool: str | None = None
    forged: bool = False


CAUSES: Final[dict[str, Cause]] = {
    "mirai": Cause(0.20, "Mirai: 23 nine times and 2323 once in ten", "mirai"),
    "mirai-9530": Cause(0.02, "a variant of Mirai that tries 9530 alone", "mirai"),
    "telnet": Cause(0.045, "a bot that tries Telnet without Mirai's mark"),
    "hosts": Cause(0.09, "ordinary machines that try the ports of common services"),
    "nat": Cause(0.01, "several ordinary machines behind one address, some with a bot among them"),
    "smb": Cause(0.06, "infected PCs that try 445"),
    "udp": Cause(0.04, "UDP services that amplify"),
    "ping": Cause(0.01, "echo requests"),
    "new-port": Cause(0.015, "a port that nobody tried before, from country to country"),
    "plateau": Cause(0.015, "a port that stays high and ends"),
    "group-burst": Cause(0.02, "a burst on a group of ports"),
    "botnet-wave": Cause(0.015, "very many bots that try one port within an hour, a packet or so each"),
    "announced": Cause(0.01, "NOTICE, by its announced addresses"),
    "zmap-old": Cause(0.05, "ZMap before 4.1", "zmap"),
    "zmap-new": Cause(0.08, "ZMap since 4.1: its order of addresses alone gives it away", "zmap"),
    "survey-zmap": Cause(0.01, "old ZMap of a research scanner that has a program of its own as well", "zmap"),
    "survey-own": Cause(0.01, "the same research scanner's own program"),
    "own-scan": Cause(0.02, "scanners with programs of their own, whose packets are nearly those of known tools"),
    "masscan": Cause(0.05, "masscan", "masscan"),
    "masscan-new": Cause(0.03, "newer masscan: window 1025 and MSS", "masscan"),
    "nmap-syn": Cause(0.02, "nmap -sS", "nmap"),
    "nmap-connect": Cause(0.005, "nmap -sT: an ordinary host's packets"),
    "hping3": Cause(0.008, "hping3", "hping3"),
    "large-masscan": Cause(0.03, "a large scanner of many ports, with masscan", "masscan"),
    "large-zmap": Cause(0.02, "a large scanner of many ports, with old ZMap", "zmap"),
    "large-own": Cause(0.03, "a large scanner of many ports, with a program of its own"),
    "port-run": Cause(0.012, "port after port at one address, in order"),
    "many-ports": Cause(0.015, "few hosts that try every port"),
    "backscatter": Cause(0.06, "a victim's answers to forged packets"),
    "spoofed-flood": Cause(0.03, "a SYN flood upon a dark address, its sources forged", forged=True),
    "misconfiguration": Cause(0.008, "a neighbour's machine that is wrongly set up"),
}
NAMES: Final = tuple(CAUSES)
