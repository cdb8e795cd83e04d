"""Where this machine's Chromium is, if it has one."""

from __future__ import annotations

import os
import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the browser named by CHROMIUM, else the first one on PATH, else None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
