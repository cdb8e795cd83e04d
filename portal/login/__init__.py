"""Logging in and out through the identity provider."""

from portal.login.setup import init_login

__all__ = ["init_login"]
