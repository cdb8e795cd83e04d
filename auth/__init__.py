"""What a person may do: persons, guardians, proxies, staff, identity and permissions."""
