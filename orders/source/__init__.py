"""Prescriptions that live in a source of the region's own: reading them by the national contract, registering orders there. ADR 12."""
