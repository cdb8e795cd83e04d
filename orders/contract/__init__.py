"""The national contract crm:selfservice:medicalsupply 1.0 and 2.0: its names, what it asks, and what is answered. Handbook §13."""
