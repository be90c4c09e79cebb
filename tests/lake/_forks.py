"""Runs commands of the program in forks of a process that has imported it: to kill a thousand takes minutes, not hours.

A line on the standard input is a list of words (JSON); the answer is the fork's number, and later how it ended. Each is a
process of its own, with its own files open and its own locks, that SIGKILL ends as it ends any other.
"""

from __future__ import annotations

import json
import os
import sys

from teiten import classify, intake, readers  # noqa: F401
from teiten.cli import commands, main
from teiten.engine import duckdb  # noqa: F401


def one(words: list[str]) -> None:
    child = os.fork()
    if child == 0:
        sink = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(sink, number)
        code = 1
        try:
            code = main(words)
        finally:
            sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    commands()
    for line in sys.stdin:
        one(json.loads(line))
