"""The blueprint that the prescriber's pages hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("prescriber", __name__)
