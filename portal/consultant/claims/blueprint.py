"""The blueprint that the pages of supplier claims hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("claims", __name__)
