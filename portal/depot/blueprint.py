"""The blueprint that the depot's pages hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("depot", __name__)
