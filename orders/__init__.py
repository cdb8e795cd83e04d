"""What a person may order: catalogue, prescriptions, limits and orders."""
