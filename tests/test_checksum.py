"""The checksum: that of hashlib, however Python computes it."""

from __future__ import annotations

import hashlib

import pytest

import kws.checksum

CONTENTS = (b"", b"abc", bytes(range(256)) * 1000)


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_it_is_sha_256(content: bytes) -> None:
    assert kws.checksum.checksum(content) == hashlib.sha256(content).hexdigest()


def test_where_python_has_no_module_of_its_own_openssl_computes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def only_hashlib(name: str) -> object:
        asked.append(name)
        if name != "hashlib":
            raise ImportError(name)
        return hashlib

    monkeypatch.setattr(kws.checksum, "import_module", only_hashlib)
    assert kws.checksum._plain() is hashlib.sha256
    assert asked == ["_sha2", "_sha256", "hashlib"]


def test_this_python_has_one() -> None:
    """Otherwise OpenSSL would be loaded again, unnoticed."""
    assert kws.checksum._plain().__module__ in ("_sha2", "_sha256")
