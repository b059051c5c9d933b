from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # `web`, `system`, `defects` are imported by name

from system.conftest import web  # noqa: F401 - the same local web
