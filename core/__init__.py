"""Ground floor: database, outbox, audit, policy, clock, crypto and errors; knows no domain."""
