"""News that goes out to prescribers and patients."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("news", __name__)
