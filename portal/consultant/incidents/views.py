"""Serious incidents: the assessment, the clocks, the documents, the year."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("incidents", __name__)
