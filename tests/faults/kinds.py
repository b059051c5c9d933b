"""All kinds of fault, by name: importing a module of them puts its kinds into the registry."""

from __future__ import annotations

from faults import damage, refusals, signals
from faults.registry import KINDS

__all__ = ["KINDS", "damage", "refusals", "signals"]
