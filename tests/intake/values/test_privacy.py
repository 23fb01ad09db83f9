from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from prodassoc_cli.errors import BadData, NoInput

TEXT = (
    "order_id,customer_id,product_id,quantity\n1,anna@example.com,a,1\n2,bob,b,-1\n3,,c,1\n4,bob\n"
    "5,anna@example.com,d,1\n"
)


def test_users_become_keyed_hashes_and_show_nowhere(clean, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"secret\n")
    result = clean(TEXT, pseudonymize_key_file=str(key))
    wanted = hmac.new(b"secret", b"anna@example.com", hashlib.sha256).hexdigest()
    assert result.interactions["user_id"].to_list() == [wanted, None, wanted]
    everything = "".join(
        [result.interactions.write_csv(), result.rejects.write_csv(), json.dumps(result.summary), *clean.said]
    )
    for word in ("anna", "bob", "secret"):
        assert word not in everything
    assert result.rejects.height == 2


def test_a_key_is_needed(clean, tmp_path):
    with pytest.raises(NoInput):
        clean(TEXT, pseudonymize_key_file=str(tmp_path / "none"))
    (tmp_path / "key").write_text("\n")
    with pytest.raises(BadData):
        clean(TEXT, pseudonymize_key_file=str(tmp_path / "key"))
