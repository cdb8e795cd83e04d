"""Small classes behind ports: how the portal reaches other systems."""
