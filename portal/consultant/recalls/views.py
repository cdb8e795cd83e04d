"""Recalls and safety notices: open, tell, phone, follow, close."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("recalls", __name__)
