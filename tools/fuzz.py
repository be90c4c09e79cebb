"""Coverage-guided fuzzing of the readers: `make fuzz [SECONDS=3600] [READER=capture]`.

atheris (libFuzzer) invents inputs and keeps those that reach something new. Each is read by the kernels as plain Python, whose
branches it sees; `tests/readers/oracle.py` says what must hold. The same input goes to two helpers, processes with the compiled
kernels: machine code in small blocks, and with bounds checks (netfilter's lines by the whole grammar there). All must say
the same. A finding is kept, made small, and does not end the run; only a helper or this process that dies, or hangs, does,
and the run begins again.

Seeds: the cases of tests/readers, and the captures and logs of ../shared/data where they lie. Work is kept in .fuzz/READER,
so that the next run goes on from there: corpus/, findings/, run.log. Linux on x86-64 only: atheris has wheels for it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
HONEYPOTS: Final = (
    "adbhoney", "conpot", "cowrie", "dionaea", "elasticpot", "exchange", "heralding", "honeytrap", "honeytrap_go", "mailoney",
    "opencanary", "tanner", "tpot",
)  # fmt: skip
"""readers of what strangers said; they are plain Python in every form"""
READERS: Final = ("capture", "flowtuple", "netfilter", *HONEYPOTS)
SEEDS: Final = {
    "capture": ("shared/data/packets", "tests/readers/capture/cases"),
    "flowtuple": ("shared/data/flowtuple", "tests/readers/flowtuple/cases"),
    "netfilter": ("shared/data/firewall", "tests/readers/netfilter/cases"),
    **{name: (f"tests/readers/{name}/cases",) for name in HONEYPOTS},
}
LONGEST: Final = {"capture": 4096, "flowtuple": 4096, "netfilter": 1024, **dict.fromkeys(HONEYPOTS, 2048)}
"""bytes of an input"""
ALLOWED: Final = 2.0
"""seconds of processor time for an input in plain Python: some hundred times what the longest takes"""
AHEAD: Final = 10
"""inputs that a helper may be behind: what a pipe holds"""
SELDOM: Final = 8
"""the form with bounds checks, the second helper, is asked every so many inputs: plain Python checks them too"""
NO_SEEDS: Final = (".jsonl", ".out", ".csv", ".json", ".md")
FORMS: Final = {"native": {}, "checked": {"NUMBA_BOUNDSCHECK": "1"}}

WORDS: Final[dict[str, tuple[bytes, ...]]] = {
    "capture": (
        b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"M<\xb2\xa1", b"4\xcd\xb2\xa1", b"\n\r\r\n", b"\x1a+<M", b"M<+\x1a",
        b"\x08\x00E\x00", b"\x86\xdd`\x00", b"\x81\x00", b"\x88\xa8", b"\x91\x00", b"\x88G", b"\x88d\x11\x00", b"\x88\xe7",
        b"\x89\x03", b"\x89&", b"\x89O", b"\x88\xe5", b"\xaa\xaa\x03\x00\x00\x00", b"\xff\x03\x00!", b"\x0f\x00\x08\x00",
        b"\xfe\xfe\x03\xcc", b"\x03\x00\x80\x00\x00\x00", b"\x00\x00\x00\x80", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00", b"+\x00", b",\x00", b"<\x00", b"\x87\x00", b":", b"\x02\x00\x00\x00E\x00",
        b"\x1e\x00\x00\x00`\x00", b"\t\x00\x01\x00", b"\x0e\x00\x08\x00",
    ),
    "flowtuple": (
        b"Obj\x01", b"avro.schema", b"avro.codec", b"\x0edeflate", b"\x0csnappy", b"\x08null", bytes(range(200, 216)),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x80\x80\x80\x80\x10", b"\x01", b"\x02", b'"long"', b'"int"',
        b'"string"', b'["null","int"]', b'{"type":"array","items":"long"}', b'"dst_ip"', b'"dst_net"', b'"uniq_ttls"',
    ),
    "netfilter": (
        b"IN=", b" OUT=", b" MAC=", b"SRC=", b" DST=", b" LEN=", b" TOS=0x00 PREC=0x00 TTL=", b" ID=", b" DF", b" MF", b" CE",
        b" FRAG:", b" OPT (", b")", b" PROTO=TCP", b" PROTO=UDP", b" PROTO=ICMP", b" PROTO=ICMPv6", b" PROTO=132", b" SPT=",
        b" DPT=", b" SEQ=", b" ACK=", b" WINDOW=", b" RES=0x00", b" SYN ", b" RST", b" FIN", b" PSH", b" URGP=0",
        b" TYPE=3 CODE=", b" [SRC=", b"] ", b" INCOMPLETE [", b" bytes]", b" GATEWAY=", b" MTU=", b" MARK=0x", b" UID=",
        b" GID=", b" PHYSIN=", b" TC=0 HOPLIMIT=", b" FLOWLBL=", b"last message repeated 3 times",
        b"message repeated 4 times: [ ", b"MESSAGE=", b"__REALTIME_TIMESTAMP=", b'{"MESSAGE":"',
        b'","__REALTIME_TIMESTAMP":"1', b"<4>1 2026-04-01T10:00:00Z h a - - - ", b"Apr  1 10:00:00 r kernel: ",
        b"[   12.345678] ", b"2026-04-01T10:00:00+09:00 ", b"Feb 29 23:59:60 ", b"Dec 31 ", b"\r\n", b"\x1e", b"data: ",
    ),
    **dict.fromkeys(
        HONEYPOTS,
        (
            b'{"', b'": "', b'", "', b'": {', b'": [', b"}}\n", b"null", b"true", b"-1", b"65536", b"1e999", b"\\u0000",
            b"\\ud800", b'"src_ip": "192.0.2.7"', b'"dst_ip": "::1"', b'"dst_port": 23', b'"_source": {', b'"session": "',
            b'"timestamp": "2026-11-23T00:00:01Z"', b'"@timestamp": "2026-11-23T00:00:01Z"', b'"type": "', b'"payload-hex":"',
            b"b'\\x00'", b"\n{",
        ),
    ),
}  # fmt: skip


# finding what is wrong ------------------------------------------------------------------------------------------------


class Hang(BaseException):
    """An input took too long; it is no Exception, so that no code under test catches it."""


def signature(error: BaseException) -> str:
    """What makes two findings the same: the error, and the last place of ours that it went through."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "/teiten/" in f.filename or "oracle.py" in f.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].name}:{ours[-1].lineno}" if ours else "?"
    words = re.sub(r"[\d,.]+", "N", str(error).splitlines()[0] if str(error) else "")[:60]
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", f"{type(error).__name__}-{place}-{words}").strip("_")


class Helper:
    """A process that reads the same input with kernels of another form, and says what came of it as a hash."""

    def __init__(self, form: str, reader: str) -> None:
        env = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"} | FORMS[form]
        self.form = form
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--form", form, "--reader", reader],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, bufsize=0,
        )  # fmt: skip

    def ask(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(struct.pack("<I", len(data)) + data)

    def answer(self, seconds: float = 120) -> bytes:
        """16 bytes. Hang, or RuntimeError where the process died."""
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            self._process.kill()
            raise Hang(f"the {self.form} form does not end")
        told = self._process.stdout.read(16)
        if len(told) < 16:
            raise RuntimeError(f"the {self.form} form died: {self._process.wait()}")
        return told


NOTHING: Final = bytes(16)
FIRST: Final = {
    "flowtuple": (ROOT / "tests/readers/flowtuple/cases/snappy.avro").read_bytes(),
    "capture": b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + bytes(8) + b"\xff\xff\0\0\x65\0\0\0" + bytes(8) + b"\x14\0\0\0" * 2
    + b"\x45\0\0\x14" + bytes(16),
    "netfilter": b"[ 1.0] DROP IN=a OUT= SRC=192.0.2.1 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 PROTO=2\n",
    **dict.fromkeys(HONEYPOTS, b"{}\n"),
}  # fmt: skip
"""an input that makes a helper compile what it needs"""


def serve(form: str, name: str) -> None:
    """A helper's life."""
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    from tests.readers import oracle

    from teiten import readers
    from teiten.readers.netfilter import _read

    reader = readers.module(name)
    blocks(oracle, small=form == "native")
    _read.CAREFUL = form == "checked"
    while head := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(struct.unpack("<I", head)[0])
        try:
            said = oracle.look(reader, data)
            told = said.digest() if said else NOTHING
        except BaseException as error:
            told = (b"!" + signature(error).encode())[:16].ljust(16)
        sys.stdout.buffer.write(told)
        sys.stdout.buffer.flush()


def blocks(oracle: Any, small: bool) -> None:
    """Buffers of a size that suits inputs of a few kilobytes; small ones cut them anywhere."""
    from teiten.readers import _blocks
    from teiten.readers.capture import _read

    size = oracle.SMALL if small else 1 << 16
    _read.BLOCK = size
    _blocks.blocks.__defaults__ = (size,)


class Target:
    """Holds one input against everything that must hold. Errors are kept by their signature, the smallest input of each."""

    def __init__(self, name: str, oracle: Any, helpers: list[Helper], findings: Path) -> None:
        self.name, self.oracle, self.helpers, self.findings = name, oracle, helpers, findings
        self.count, self.slowest, self.slow_input = 0, 0.0, b""
        self.asked: deque[tuple[bytes, Any, BaseException | None, list[Helper]]] = deque()
        self.at_fault = b""

    def look(self, data: bytes, wait: bool = True) -> None:
        """Raises what is wrong; what the helpers say of it, at once or (without `wait`) when it has come."""
        helpers = self.helpers if wait or self.count % SELDOM == 0 else self.helpers[:1]
        for helper in helpers:
            helper.ask(data)
        began = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, ALLOWED)
        failed: BaseException | None = None
        said = None
        try:
            said = self.oracle.check(self.name, data)
        except (Exception, Hang) as error:
            failed = error
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        took = time.process_time() - began
        if took > self.slowest:
            self.slowest, self.slow_input = took, data
        self.asked.append((data, said, failed, helpers))
        if failed and wait:
            self.settle(0)
        if failed:
            raise failed
        self.settle(0 if wait else AHEAD)

    def settle(self, most: int) -> None:
        """Takes the helpers' answers until no more than `most` are to come; raises where one differs."""
        while len(self.asked) > most:
            data, said, failed, helpers = self.asked.popleft()
            told = [helper.answer() for helper in helpers]
            mine = said.digest() if said else NOTHING
            for helper, answer in zip(helpers, told, strict=True):
                if answer != mine and not failed:
                    self.at_fault = data
                    self.explain(data, said)
                    what = answer.decode(errors="replace") if answer.startswith(b"!") else "another"
                    raise AssertionError(f"the {helper.form} form says {what}")

    def explain(self, data: bytes, said: Any) -> None:
        """Raises where it is the blocks' size that makes the difference, not the form."""
        blocks(self.oracle, small=True)
        try:
            small = self.oracle.look(self.oracle.readers.module(self.name), data)
        finally:
            blocks(self.oracle, small=False)
        parts = [part for part in ("lines", "events", "rejected", "notes") if getattr(small, part) != getattr(said, part)]
        assert not parts, f"small blocks give other {' '.join(parts)}"

    def __call__(self, data: bytes) -> None:
        self.count += 1
        self.at_fault = data
        try:
            self.look(data, wait=False)
        except (Exception, Hang) as error:
            self.keep(error, self.at_fault)
            if isinstance(error, RuntimeError) and "died" in str(error):
                os._exit(70)

    def keep(self, error: BaseException, data: bytes) -> None:
        path = self.findings / f"{signature(error)}.bin"
        if path.exists() and path.stat().st_size <= len(data):
            return
        path.write_bytes(data)
        path.with_suffix(".txt").write_text("".join(traceback.format_exception(error))[-8000:])


def prepared(name: str, instrument: Any = None) -> Any:
    """The oracle, with the reader's plain kernels, each index checked."""
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]

    def hang(_number: int, _frame: FrameType | None) -> None:
        raise Hang(f"more than {ALLOWED} s of processor time")

    def load() -> Any:
        from tests.readers import oracle

        from teiten import readers

        oracle.careful()
        if hasattr(readers.module(name), "__path__"):
            __import__(f"teiten.readers.{name}._read")
        return oracle

    signal.signal(signal.SIGVTALRM, hang)
    if instrument is None:
        oracle = load()
    else:
        with instrument(include=["teiten.readers"]):
            oracle = load()
    blocks(oracle, small=False)
    return oracle


# inventing inputs -----------------------------------------------------------------------------------------------------


def _pcap(data: bytes) -> list[bytes] | None:
    """The file's header and its records, each with its own; None where it is none."""
    if len(data) < 24 or data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"):
        return None
    order = "<" if data[3] == 0xA1 else ">"
    out, at = [data[:24]], 24
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        if length > len(data):
            break
        out.append(data[at : at + 16 + length])
        at += 16 + length
    return out if len(out) > 1 else None


def _pcapng(data: bytes) -> list[bytes] | None:
    """The blocks."""
    if data[:4] != b"\x0a\x0d\x0d\x0a" or len(data) < 28:
        return None
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    out, at = [], 0
    while at + 12 <= len(data):
        length = (struct.unpack_from(order + "I", data, at + 4)[0] + 3) & ~3
        if not 12 <= length <= len(data):
            break
        out.append(data[at : at + length])
        at += length
    return out if len(out) > 1 else None


def within_records(data: bytes, limit: int, chance: Any, mutate: Callable[[bytes, int], bytes]) -> bytes | None:
    """Changes one packet, line or block; what holds it stays whole, its lengths are right. None: it is no such input."""
    if records := _pcap(data):
        order = "<" if data[3] == 0xA1 else ">"
        i = chance.randrange(1, len(records))
        packet = mutate(records[i][16:], max(64, len(records[i])))
        records[i] = records[i][:8] + struct.pack(order + "II", len(packet), len(packet)) + packet
        if chance.randrange(8) == 0:  # another link type over the same bytes
            records[0] = records[0][:20] + struct.pack(order + "I", chance.choice((*range(130), *range(138, 300))))
    elif records := _pcapng(data):
        order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        i = chance.randrange(len(records))
        body = mutate(records[i][8:-4], max(64, len(records[i])))
        body += bytes(-len(body) % 4)
        if records[i][: 4 if order == "<" else 0] == b"\x06\0\0\0" and len(body) > 20:
            body = body[:12] + struct.pack("<II", len(body) - 20, len(body) - 20) + body[20:]
        records[i] = records[i][:4] + struct.pack(order + "I", len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)
    elif b"\n" in data:
        records = data.splitlines(keepends=True)
        i = chance.randrange(len(records))
        records[i] = mutate(records[i], max(64, len(records[i]) + 16))
    else:
        return None
    what = chance.randrange(6)
    if what == 0:
        del records[i]
    elif what == 1:
        records.insert(i, records[chance.randrange(len(records))])
    return b"".join(records)[:limit]


# runs -----------------------------------------------------------------------------------------------------------------


def work(args: argparse.Namespace, rest: list[str]) -> None:
    """The process that atheris drives."""
    import atheris

    oracle = prepared(args.reader, atheris.instrument_imports)
    helpers = [Helper(form, args.reader) for form in FORMS]
    for helper in helpers:  # compiled before the clock runs
        helper.ask(FIRST[args.reader])
    for helper in helpers:
        helper.answer(900)
    target = Target(args.reader, oracle, helpers, args.folder / "findings")

    def mutator(data: bytes, limit: int, seed: int) -> bytes:
        import random

        chance = random.Random(seed)
        changed = within_records(data, limit, chance, atheris.Mutate) if chance.randrange(3) else None
        return atheris.Mutate(data, limit) if changed is None else changed

    def one(data: bytes) -> None:
        target(data)
        if target.count % 200 == 0:
            (args.folder / "slowest.txt").write_text(f"{target.slowest:.3f} s\n{target.slow_input!r}\n")

    atheris.Setup([sys.argv[0], *rest], one, custom_mutator=mutator)
    atheris.Fuzz()


def seeds(name: str) -> list[Path]:
    found = []
    for place in SEEDS[name]:
        folder = ROOT.parent / place if place.startswith("shared") else ROOT / place
        found += [
            p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix not in (".jsonl", ".out", ".csv", ".json", ".md")
        ]
    return found


def fuzz(args: argparse.Namespace) -> tuple[int, str]:
    """Runs atheris, again where it dies, until the time is up: executions, and its last line."""
    for part in ("corpus", "findings", "died"):
        (args.folder / part).mkdir(parents=True, exist_ok=True)
    words = args.folder / "words.dict"
    words.write_text("".join('"' + "".join(f"\\x{b:02x}" for b in word) + '"\n' for word in WORDS[args.reader]))
    listed = args.folder / "seeds.txt"
    listed.write_text(",".join(str(p) for p in seeds(args.reader)))
    log = args.folder / "run.log"
    done, last, until = 0, "", time.monotonic() + args.seconds
    while (left := int(until - time.monotonic())) > 5 or not done:
        command = [sys.executable, __file__, "--work", "--reader", args.reader, "--folder", str(args.folder), "--"]
        command += [f"-max_total_time={max(left, 5)}", f"-max_len={LONGEST[args.reader]}", f"-dict={words}"]
        command += [f"-artifact_prefix={args.folder}/died/", "-timeout=60", "-rss_limit_mb=2500", "-print_final_stats=1"]
        command += ["-use_value_profile=1", "-reload=0", "-report_slow_units=10", str(args.folder / "corpus")]
        if listed.stat().st_size:
            command.insert(-1, f"-seed_inputs=@{listed}")
        with log.open("wb") as out:
            subprocess.run(command, stdout=out, stderr=out, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, check=False)
        text = log.read_text(errors="replace")
        counts = re.findall(r"^#(\d+)\t.*cov: \d+ .*$", text, re.MULTILINE)
        lines = re.findall(r"^#\d+\t.*(cov: \d+ ft: \d+ corp: \S+)", text, re.MULTILINE)
        if not counts:
            sys.exit(f"The fuzzer does not begin; see {log}:\n{text[-2000:]}")
        done, last = done + int(counts[-1]), lines[-1]
    return done, last


def shrink(data: bytes, fails: Callable[[bytes], bool], seconds: float = 60) -> bytes:
    """Smaller bytes that fail the same way: pieces left out, ever smaller ones, then bytes made 0."""
    until = time.monotonic() + seconds
    size = max(1, len(data) // 2)
    while size and time.monotonic() < until:
        at, shorter = 0, False
        while at < len(data) and time.monotonic() < until:
            less = data[:at] + data[at + size :]
            if fails(less):
                data, shorter = less, True
            else:
                at += size
        if not shorter:
            size //= 2
    for i in range(len(data)):
        if data[i] and time.monotonic() < until and fails(zeroed := data[:i] + b"\0" + data[i + 1 :]):
            data = zeroed
    return data


def minimise(args: argparse.Namespace) -> None:
    """Every finding's smallest input, as .min beside it."""
    oracle = prepared(args.reader)
    target = Target(args.reader, oracle, [Helper(form, args.reader) for form in FORMS], args.folder / "findings")
    for path in sorted(target.findings.glob("*.bin")):

        def fails(data: bytes, wanted: str = path.stem) -> bool:
            try:
                target.look(data)
            except (Exception, Hang) as error:
                return signature(error) == wanted
            return False

        data = path.read_bytes()
        if not fails(data):
            print(f"  {path.stem}: no longer so")
            continue
        small = shrink(data, fails)
        path.with_suffix(".min").write_bytes(small)
        print(f"  {path.stem}\n    {path.with_suffix('.min')}: {len(small)} bytes (from {len(data)})")


def covered(args: argparse.Namespace) -> None:
    """Which lines of the reader's modules the corpus runs in plain Python."""
    run: dict[str, set[int]] = {}
    prefix = str(ROOT / "src" / "teiten" / "readers" / args.reader)

    def trace(frame: FrameType, _event: str, _arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith(prefix):
            return None
        lines = run.setdefault(frame.f_code.co_filename, set())

        def line(inner: FrameType, event: str, _arg: Any) -> Any:
            if event == "line":
                lines.add(inner.f_lineno)
            return line

        return line

    oracle = prepared(args.reader)
    threading.settrace(trace)
    sys.settrace(trace)
    inputs = [*(args.folder / "corpus").iterdir(), *seeds(args.reader)]
    for path in inputs:
        with contextlib.suppress(Exception, Hang), path.open("rb") as stream:
            oracle.check(args.reader, stream.read(LONGEST[args.reader]))
    sys.settrace(None)
    total, hit = 0, 0
    for name in sorted(run):
        wanted = set(_lines_of(Path(name)))
        total, hit = total + len(wanted), hit + len(wanted & run[name])
        missed = ", ".join(map(str, sorted(wanted - run[name])))
        print(
            f"  {Path(name).name:14} {len(wanted & run[name])} of {len(wanted)} lines" + (f"; not {missed}" if missed else "")
        )
    print(
        f"  lines in functions of {args.reader}: {hit} of {total}, {100 * hit / max(total, 1):.1f} %, by {len(inputs)} inputs"
    )


def _lines_of(path: Path) -> Iterator[int]:
    """Lines within functions, without their `def`."""
    todo = [compile(path.read_text(encoding="utf-8"), str(path), "exec")]
    while todo:
        code = todo.pop()
        todo += [c for c in code.co_consts if isinstance(c, CodeType)]
        if code.co_flags & 2:  # a function's, not a module's or a class's
            yield from (line for _, _, line in code.co_lines() if line and line != code.co_firstlineno)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reader", choices=READERS, default="capture")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--folder", type=Path, help="where work is kept; .fuzz/READER")
    parser.add_argument("--form", choices=FORMS, help=argparse.SUPPRESS)
    for role in ("work", "minimise", "covered"):
        parser.add_argument(f"--{role}", action="store_true", help=argparse.SUPPRESS)
    ours = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    args = parser.parse_args(ours)
    args.folder = (args.folder or ROOT / ".fuzz" / args.reader).resolve()
    if args.form:
        return serve(args.form, args.reader)
    if args.work:
        return work(args, sys.argv[sys.argv.index("--") + 1 :])
    if args.minimise:
        return minimise(args)
    if args.covered:
        return covered(args)
    began = time.monotonic()
    done, last = fuzz(args)
    took = time.monotonic() - began
    print(f"{args.reader}: {done:,} executions in {took:.0f} s ({done / took:.0f} a second); {last}")
    slowest = args.folder / "slowest.txt"
    if slowest.exists():
        print(f"slowest input in plain Python: {slowest.read_text().splitlines()[0]}")
    plain = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    again = [sys.executable, __file__, "--reader", args.reader, "--folder", str(args.folder)]
    subprocess.run([*again, "--covered"], env=plain, check=False)
    found = sorted((args.folder / "findings").glob("*.bin"))
    died = [p for p in sorted((args.folder / "died").iterdir()) if not p.name.startswith("slow-unit")]
    print(
        f"findings: {len(found)}" + (f", and {len(died)} inputs that killed the process, in {args.folder}/died" if died else "")
    )
    sys.stdout.flush()
    if found:
        subprocess.run([*again, "--minimise"], env=plain, check=False)
    sys.exit(bool(found or died))


if __name__ == "__main__":
    main()
