"""What all tests share: hypothesis profiles, plans from nodes, outputs in memory."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# "quick" is for development, "ci" for every landing, "deep" for `make test-long`.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=150, deadline=None, derandomize=True)
settings.register_profile(
    "deep", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "quick"))
