"""How tools write themselves."""

from __future__ import annotations

from typing import Final

NAMES: Final = {"mirai": "Mirai", "zmap": "ZMap", "nmap": "Nmap", "zgrab": "ZGrab"}
"""where not as the verdict does"""


def name(tool: str) -> str:
    """A tool's name as it writes itself."""
    return NAMES.get(tool, tool)
