"""The golden quarter: made once, kept as truth, logs and a capture, and told of by teiten."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
