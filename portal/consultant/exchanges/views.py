"""The suppliers' monthly files of what they exchanged directly."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("exchanges", __name__)
