from __future__ import annotations

import sys
from pathlib import Path

# `web` (the local server of the tests) is imported by name, as by every test that needs it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
