"""Fault reports in figures, and the files to take along."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("statistics", __name__)
