"""Encryption at rest and blind indexes; keys are given once, at boot."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

_NONCE_BYTES = 12


@dataclass(frozen=True)
class Keyring:
    """AES-256-GCM data keys by id (the first one encrypts, all decrypt) and the HMAC key of the blind index."""

    data_keys: dict[str, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.data_keys:
            raise ValueError("at least one data key is needed")
        if any(len(key) != 32 for key in self.data_keys.values()):
            raise ValueError("data keys are 32 bytes")
        if any(not 1 <= len(key_id.encode()) <= 255 for key_id in self.data_keys):
            raise ValueError("key ids are 1 to 255 bytes")
        if len(self.index_key) < 32:
            raise ValueError("the index key is at least 32 bytes")

    @classmethod
    def parse(cls, data_keys: str, index_key: str) -> Keyring:
        """Read `id:base64[,id:base64]` and a base64 index key; raise ValueError without echoing a key."""
        try:
            pairs = [part.split(":", 1) for part in data_keys.split(",") if part.strip()]
            keys = {key_id.strip(): base64.b64decode(value, validate=True) for key_id, value in pairs}
            index = base64.b64decode(index_key, validate=True)
        except ValueError:
            raise ValueError("keys are written as id:base64, the index key as base64") from None
        return cls(keys, index)

    def encrypt(self, text: str) -> bytes:
        """Return key id, nonce and authenticated ciphertext as one value."""
        key_id, key = next(iter(self.data_keys.items()))
        header = bytes([len(key_id.encode())]) + key_id.encode()
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + AESGCM(key).encrypt(nonce, text.encode(), header)

    def decrypt(self, value: bytes) -> str:
        """Return the text; raise KeyError for an unknown key id, InvalidTag for a changed value."""
        header = value[: 1 + value[0]]
        nonce = value[len(header) : len(header) + _NONCE_BYTES]
        key = self.data_keys[header[1:].decode()]
        return AESGCM(key).decrypt(nonce, value[len(header) + _NONCE_BYTES :], header).decode()

    def blind_index(self, text: str) -> bytes:
        """Return the keyed digest that equal texts share, for look-ups without decryption."""
        return hmac.new(self.index_key, text.encode(), hashlib.sha256).digest()


_keyring: Keyring | None = None


def use_keyring(keyring: Keyring) -> None:
    """Give this process its keys; called once by each entry point."""
    global _keyring
    _keyring = keyring


def keyring() -> Keyring:
    """Return this process's keys; raise RuntimeError when no entry point gave any."""
    if _keyring is None:
        raise RuntimeError("no keyring: call core.crypto.use_keyring at start")
    return _keyring


class EncryptedText(TypeDecorator[str]):
    """Text that the database only ever sees encrypted."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else keyring().decrypt(bytes(value))
