"""Imports of persons, units, staff and proxies: parse → check → lock → write, one file in one transaction."""
