"""The benchmarks' own modules: bench/ is no package, its scripts import what lies beside them."""

from __future__ import annotations

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
