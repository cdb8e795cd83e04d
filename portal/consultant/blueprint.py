"""The blueprint that the consultant's board and cases hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("consultant", __name__)
