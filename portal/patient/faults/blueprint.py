"""The blueprint that the reporter's pages hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("faults", __name__)
