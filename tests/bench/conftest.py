"""Lakes for benchmarks are made as the lake's own tests make them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "lake"))
