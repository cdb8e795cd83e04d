"""Lots whose rate of fault reports stands out."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("signals", __name__)
