"""What an analyst may say a source is taken for: labels, those that name somebody, and the note that keeps it."""

from __future__ import annotations

from typing import Any, Final

from teiten.errors import UsageError

LABELS: Final = (
    "announced_scanner", "large_scanner", "port_scanner", "tool", "mirai_ports", "mirai_wide", "telnet_without_mirai",
    "backscatter", "attack_victim", "spoofed_flood", "port_run", "many_ports", "misconfiguration",
)  # fmt: skip
VALUED: Final = {
    "announced_scanner": "an announced scanner's organisation", "tool": "a tool's name, such as zmap",
    "mirai_ports": "the ports, such as 23,2323",
}  # fmt: skip


def labels() -> list[str]:
    """Every label that a correction may give, those that take one off too."""
    return [*LABELS, *(f"not_{label}" for label in LABELS), "not_a_scanner"]


def columns(source: str, label: str, value: str | None) -> dict[str, Any]:
    """The note's columns. UsageError for a label that needs a value, or takes none."""
    from teiten.classify import lists

    text = (value or "").strip()
    if label not in labels():
        raise UsageError("What is it to be taken for?", hint="Give --label, such as not_a_scanner or announced_scanner.")
    if label == "announced_scanner" and not text:
        raise UsageError("An announced scanner is somebody's.", hint='Say whose: --value "NAME".')
    if label == "tool" and not text:
        raise UsageError("A tool has a name.", hint="Say which: --value zmap.")
    if text and label not in VALUED:
        raise UsageError(f"--label {label} takes no --value.", hint=f"It is {' or '.join(VALUED.values())}.")
    said = text.lower() if label == "tool" else lists.short_name(text) if text else None
    return {"src": source, "label": label, "value": said}
