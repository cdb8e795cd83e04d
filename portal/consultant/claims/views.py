"""Supplier claims: packs, answers, credit notes."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("claims", __name__)
