"""A table of names that holds one of Shodan's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.classify.examples import TOKYO, Example, event


def example(folder: Path) -> Example:
    (folder / "names.csv").write_text("192.0.2.1,x.shodan.io\n192.0.2.2,www.example.org\n")
    rows = [event(n, f"192.0.2.{1 + n % 2}") for n in range(4)]
    return Example(rows, {"192.0.2.1": {"Shodan"}}, replace(TOKYO, ptr_names=folder / "names.csv"))
