"""Fault report → case → replacement."""
