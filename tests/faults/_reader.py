"""Asks a lake one thing again and again, as a person would, until a file says stop; a line for every answer or error."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

from teiten.cli import main

SQL = "SELECT source_id, count(*) AS n, count(DISTINCT tcp_seq) AS d FROM events GROUP BY ALL ORDER BY ALL"


def ask(lake: str) -> list[dict[str, int]] | str:
    """The answer's rows, or what went wrong."""
    out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["sql", "--lake", lake, "--output", "json", SQL])
    out.flush()
    rows: list[dict[str, int]] | str = json.loads(out.buffer.getvalue()) if code == 0 else err.getvalue()
    return rows


if __name__ == "__main__":
    stop = Path(sys.argv[2])
    while not stop.exists():
        print(json.dumps(ask(sys.argv[1])), flush=True)
