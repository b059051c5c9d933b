from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))  # `web`, `system` and `faults` are imported by name

from system.conftest import enrich, web  # noqa: E402, F401 - fixtures
