"""Numbers of two and four bytes from any place of a buffer, and a word to the processor about what comes next: for kernels."""

from __future__ import annotations

from typing import Any

from teiten.readers import _jit
from teiten.readers._jit import at


def _big_endian(size: int) -> Any:
    """(buf, index) -> the number in so many bytes (2 or 4), in network order, from any offset."""

    def typed(_context: Any, address: Any, index: Any) -> Any:
        from llvmlite import ir

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.IntType(8 * size)
            place = builder.inttoptr(builder.add(args[0], args[1]), kind.as_pointer())
            return builder.zext(builder.bswap(builder.load(place, align=1)), ir.IntType(64))

        return _jit._types().int64(_jit._types().int64, _jit._types().int64), build

    def two(buf: Any, p: int) -> Any:
        return (at(buf, p) << 8) | at(buf, p + 1)

    def four(buf: Any, p: int) -> Any:
        return (at(buf, p) << 24) | (at(buf, p + 1) << 16) | (at(buf, p + 2) << 8) | at(buf, p + 3)

    return _jit._access(two if size == 2 else four, typed)


def _little_endian(size: int) -> Any:
    """The same in the order of most processors, as an unsigned number."""

    def typed(_context: Any, address: Any, index: Any) -> Any:
        from llvmlite import ir

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.IntType(8 * size)
            place = builder.inttoptr(builder.add(args[0], args[1]), kind.as_pointer())
            return builder.zext(builder.load(place, align=1), ir.IntType(64))

        return _jit._types().int64(_jit._types().int64, _jit._types().int64), build

    def two(buf: Any, p: int) -> Any:
        return at(buf, p) | (at(buf, p + 1) << 8)

    def four(buf: Any, p: int) -> Any:
        return at(buf, p) | (at(buf, p + 1) << 8) | (at(buf, p + 2) << 16) | (at(buf, p + 3) << 24)

    return _jit._access(two if size == 2 else four, typed)


be16, be32, le16, le32 = _big_endian(2), _big_endian(4), _little_endian(2), _little_endian(4)
"""(buf, index) -> the unsigned number of 16 or 32 bits there, in network order or the other"""


def _prefetch_typed(_context: Any, array: Any, index: Any) -> Any:
    from llvmlite import ir

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, word = ir.IntType(8), ir.IntType(32)
        place = builder.inttoptr(builder.add(args[0], builder.shl(args[1], ir.Constant(ir.IntType(64), 3))), byte.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), word, word, word])
        function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return _jit._types().void(_jit._types().int64, _jit._types().int64), build


def _no_prefetch(array: Any, index: int) -> None:
    pass


prefetch: Any = _jit._access(_no_prefetch, _prefetch_typed)
"""(array of int64, index): asks for what lies there to be brought near"""
