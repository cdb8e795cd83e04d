"""Peppol BIS 3 messages (UBL 2.1) between us and a depot with a warehouse system of its own: values in, text out, and back."""
