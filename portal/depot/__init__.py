"""The depot's pages: the day, picking by hand-held, packing and papers, parcels and stock."""

from portal.depot import (
    hand_over,
    parcels,
    picking,
    recalled,
    receiving,
    reordering,
    returns,
    rounds,
    stock,
    views,
    warehouse,
    waves,
)
from portal.depot.blueprint import blueprint

__all__ = [
    "blueprint",
    "hand_over",
    "parcels",
    "picking",
    "recalled",
    "receiving",
    "reordering",
    "returns",
    "rounds",
    "stock",
    "views",
    "warehouse",
    "waves",
]
