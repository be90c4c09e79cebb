"""Compiles kernels: `python -m teiten.readers._compile FOLDER MODULE...`, run once by `_jit.make`, in processes of its own."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from teiten.readers import _jit


def code(function: Any) -> bytes:
    """A kernel's symbol, a line feed, its object file. TypeError where it does not return an integer."""
    from numba import types

    dispatcher: Any = _jit.jit(function)
    signature = (types.int64,) * function.__code__.co_argcount
    dispatcher.compile(signature)
    made = dispatcher.overloads[signature]
    if made.signature.return_type != types.int64:
        raise TypeError(f"{function.__name__} returns {made.signature.return_type}, not int64")
    machine: bytes = made.library.codegen._tm.emit_object(made.library._final_module)
    symbol: str = made.fndesc.llvm_func_name
    return symbol.encode() + b"\n" + machine


def main(folder: Path, modules: list[str]) -> None:
    """Every entry of those modules of `teiten.readers` to a file of its own in the folder, each whole or not at all."""
    from numba.core import codegen

    gc.disable()  # what lives is kept to the end: looking for garbage took a fifth of the time
    # only the entries' machine code is wanted, not that of every part by itself
    library: Any = codegen.JITCodeLibrary
    library._finalize_specific = lambda self: None
    folder.mkdir(parents=True, exist_ok=True)
    for name in modules:
        module = importlib.import_module(f"teiten.readers.{name}")
        for one in list(vars(module).values()):
            if isinstance(one, _jit.Entry) and one.function.__module__ == module.__name__:
                if one.file.exists():
                    continue
                part = folder / f"{one.name}.{os.getpid()}"
                part.write_bytes(code(one.function))
                part.replace(folder / f"{one.name}.o")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
