"""What the states of news are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from delivery.news_models import NewsStatus

STATUSES: Mapping[NewsStatus, tuple[Any, str]] = {
    NewsStatus.DRAFT: (_l("Draft"), "attention"),
    NewsStatus.PUBLISHED: (_l("Published"), "success"),
    NewsStatus.WITHDRAWN: (_l("Withdrawn"), "neutral"),
}
