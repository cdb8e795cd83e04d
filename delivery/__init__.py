"""How an order reaches its patient, and what happens when a product fails."""
