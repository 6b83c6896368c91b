"""Standard Webhooks: its own test vector, and keys that are none."""

from __future__ import annotations

import pytest

from edge_app.outbox.secret_files import Secret
from edge_app.outbox.signature import SigningKey
from inspector.errors import InputError

VECTOR = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_vector_of_the_specification() -> None:
    headers = SigningKey(Secret(VECTOR)).headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp_s=1614265330, body=b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("text", ["", "hunter2", "whsec_", "whsec_!!!!", VECTOR[6:], "whsec_c2hvcnQ="])
def test_a_key_that_is_none_says_how_to_make_one_and_does_not_repeat_it(text: str) -> None:
    with pytest.raises(InputError, match="openssl rand") as caught:
        SigningKey(Secret(text))
    assert len(text) < 8 or text not in str(caught.value)


def test_a_key_prints_without_itself() -> None:
    assert repr(SigningKey(Secret(VECTOR))) == "SigningKey(***)"
