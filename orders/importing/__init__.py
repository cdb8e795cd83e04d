"""Imports of articles, prescriptions and service points: parsing is pure, writing is lock → check → build → record."""
