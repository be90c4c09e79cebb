"""A station's counters for Prometheus, over HTTP: GET /metrics. Names of inputs and sensors, never an address.

[station]
metrics = "127.0.0.1:9514"
"""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from teiten.station import made, standing
from teiten.stationing import endpoint

KIND: Final = "text/plain; version=0.0.4; charset=utf-8"
COUNTERS: Final = {
    "received": ("teiten_received_total", "messages or packets that came in, as far as they were seen"),
    "bytes": ("teiten_received_bytes_total", "their bytes"),
    "refused": ("teiten_refused_total", "those that were not written down, for a reason of their own"),
    "dropped_kernel": ("teiten_dropped_kernel_total", "those that the kernel lost before they could be read"),
    "dropped_queue": ("teiten_dropped_queue_total", "those that found the queue full"),
    "lost_estimated": ("teiten_lost_estimated_total", "lines that a truncated file took with it, estimated"),
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class Metrics:
    """Answers while it listens. `status()`: what there is to tell, asked at each request."""

    def __init__(self, status: Callable[[], Mapping[str, Any]]) -> None:
        self.status = status
        self.where = ""
        self._server: _Server | None = None

    def listen(self, where: str) -> None:
        """At that address and port from now on; '' is nowhere. OSError, UsageError: then nowhere."""
        if where == self.where:
            return
        self.close()
        if not where:
            return
        host, port = endpoint(where, "[station]: metrics")
        self._server = _Server(host, port, self.status)
        self.where = where
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="metrics", daemon=True).start()

    @property
    def port(self) -> int:
        """The port that it listens at; 0 where it does not."""
        return int(self._server.server_address[1]) if self._server is not None else 0

    @property
    def open_to_others(self) -> bool:
        """Does it listen at more than this machine's own loopback?"""
        return self._server is not None and not ip_address(str(self._server.server_address[0])).is_loopback

    def close(self) -> None:
        """Listens no more."""
        server, self._server, self.where = self._server, None, ""
        if server is not None:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, host: str, port: int, status: Callable[[], Mapping[str, Any]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.status = status
        self._slots = threading.BoundedSemaphore(8)
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no matter of ours."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/metrics":
            self._answer(404, b"Counters are at /metrics.\n")
            return
        self._answer(200, text(self.server.status()).encode())

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", KIND if code == 200 else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "teiten"

    def log_message(self, format: str, *args: Any) -> None:
        """Who asks is not logged."""


# the text ----------------------------------------------------------------------------------------------------------------


def text(status: Mapping[str, Any]) -> str:
    """The status in Prometheus' text format, a metric's lines together."""
    lines: list[str] = []
    for name, kind, meaning, rows in _metrics(status):
        found = list(rows)
        if found:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in found]
    return "\n".join(lines) + "\n"


Row = tuple[Mapping[str, str], float]


def _metrics(status: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Iterator[Row]]]:
    inputs: Mapping[str, Any] = status["inputs"]
    yield "teiten_info", "gauge", "the program", iter([({"version": str(status["program"])}, 1.0)])
    yield "teiten_started_seconds", "gauge", "when the station began (Unix time)", iter([({}, status["began"])])
    for key, (name, meaning) in COUNTERS.items():
        yield name, "counter", meaning, _counted(inputs, key)
    yield "teiten_queued_bytes", "gauge", "bytes that wait for the disk", _counted(inputs, "queued")
    yield (
        "teiten_input_up", "gauge", "1 where the input runs",
        (({"input": name}, float(not one.get("trouble") and not one.get("ended"))) for name, one in inputs.items()),
    )  # fmt: skip
    yield (
        "teiten_disk_trouble", "gauge", "1 where the disk takes nothing of this input",
        (({"input": name}, float(_disk_trouble(one))) for name, one in inputs.items()),
    )  # fmt: skip
    for key in sorted({key for one in inputs.values() for key, value in one.get("state", {}).items() if _told(key, value)}):
        yield f"teiten_input_{key}", "gauge", f"what the input says of {key}", _stated(inputs, key)
    yield from _of_sensors(inputs)
    yield from _of_the_spool(status)
    yield from _of_tasks(status)


def _counted(inputs: Mapping[str, Any], key: str) -> Iterator[Row]:
    """A counter of every feed of every input."""
    for name, one in inputs.items():
        for sensor, feed in one.get("feeds", {}).items():
            if key in feed or key in ("received", "dropped_queue", "refused", "queued"):
                yield {"input": name, "sensor": sensor}, float(feed.get(key, 0))


def _disk_trouble(one: Mapping[str, Any]) -> bool:
    return any(feed.get("trouble") for feed in one.get("feeds", {}).values())


def _stated(inputs: Mapping[str, Any], key: str) -> Iterator[Row]:
    for name, one in inputs.items():
        value = one.get("state", {}).get(key)
        if _told(key, value):
            yield {"input": name}, float(value)


def _told(key: str, value: Any) -> bool:
    return isinstance(value, (bool, int, float)) and key != "up" and _NAME.fullmatch(key) is not None


_SENSORS: Final = {
    "last": ("teiten_sensor_last_seconds", "when the collector last heard of a sensor (Unix time)"),
    "behind": ("teiten_sensor_behind_records", "records that a sensor has and the collector has not"),
    "skew": ("teiten_sensor_skew_seconds", "how far the collector's clock is ahead of the sensor's"),
}


def _of_sensors(inputs: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Iterator[Row]]]:
    """What a collector knows of its sensors."""
    sensors: Mapping[str, Any] = inputs.get("collect", {}).get("state", {}).get("_sensors", {})
    for key, (name, meaning) in _SENSORS.items():
        known = [({"sensor": sensor}, float(one[key])) for sensor, one in sensors.items() if one.get(key) is not None]
        yield name, "gauge", meaning, iter(known)


def _of_the_spool(status: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Iterator[Row]]]:
    spool = Path(str(status["spool"]))
    try:
        free = shutil.disk_usage(spool).free
        yield "teiten_disk_free_bytes", "gauge", "bytes that the spool's disk still takes", iter([({}, float(free))])
    except OSError:
        pass
    if kept := standing.kept(spool):
        yield "teiten_spool_bytes", "gauge", "bytes that the spool takes", iter([({}, float(kept["used"]))])
        yield "teiten_spool_budget_bytes", "gauge", "bytes that it may take", iter([({}, float(kept["disk"]))])
        yield "teiten_spool_full", "gauge", "1 where intake waits for room", iter([({}, float(bool(kept.get("full"))))])
    maker = status.get("maker")
    if maker is not None:
        yield "teiten_maker_up", "gauge", "1 where the maker of the lake runs", iter([({}, float(bool(maker["running"])))])
        yield "teiten_maker_starts_total", "counter", "how often it was started", iter([({}, float(maker["starts"]))])
    last = made.read(spool)
    if last is not None:
        since = max(0.0, time.time() - last.at)
        yield "teiten_made_seconds_ago", "gauge", "seconds since the lake was last made current", iter([({}, since)])
        yield "teiten_round_seconds", "gauge", "how long that took", iter([({}, last.took)])
        yield "teiten_behind_bytes", "gauge", "bytes of the spool not in the lake yet", iter([({}, float(last.behind))])


def _of_tasks(status: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Iterator[Row]]]:
    tasks: Mapping[str, Any] = status.get("tasks", {})
    yield (
        "teiten_task_failures", "gauge", "runs in a row of a task that did not end well",
        (({"task": name}, float(one["failures"])) for name, one in tasks.items()),
    )  # fmt: skip
    yield (
        "teiten_task_ended_seconds", "gauge", "when a task last ended (Unix time)",
        (({"task": name}, one["ended"]) for name, one in tasks.items() if one["ended"]),
    )  # fmt: skip
    yield (
        "teiten_task_took_seconds", "gauge", "how long it took",
        (({"task": name}, one["took"]) for name, one in tasks.items() if one["ended"]),
    )  # fmt: skip


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return "{" + inside + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
