"""Where somebody may be sent after logging in."""

from __future__ import annotations

import pytest

from portal.login.attempts import local_path


@pytest.mark.parametrize("address", ["/", "/form", "/form?page=2&a=b", "/%2F%2Fexample"])
def test_local_paths_may_be_gone_to_after_the_log_in(address: str) -> None:
    assert local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "form",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "\n//evil.example",
        "/x\r\nSet-Cookie: a=b",
        "/" + "x" * 2000,
    ],
)
def test_nobody_is_sent_elsewhere_after_the_log_in(address: str | None) -> None:
    assert local_path(address) == ""
