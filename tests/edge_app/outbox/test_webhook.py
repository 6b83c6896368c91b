"""A web server that answers as it should, as it should not, slowly, and not at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from edge_app.access.addresses import check_webhook_address
from edge_app.outbox.message import Message
from edge_app.outbox.outbox import Outbox
from edge_app.outbox.rules import DELIVERED, Verdict
from edge_app.outbox.secret_files import SecretFiles
from edge_app.outbox.settings import WebhookSettings
from edge_app.outbox.webhook import MAX_ANSWER_BYTES, WebhookSender, retry_after_s
from edge_app.services.result import Outcome
from tests.edge_app.outbox.broker import free_port
from tests.edge_app.outbox.certificates import write_certificates
from tests.edge_app.outbox.parts import DEVICE, FAST, outbox_on, put, result, wait_until
from tests.edge_app.outbox.receiver import Post, Receiver, Reply

SECRET_KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(SECRET_KEY).decode()
MESSAGE = Message("nano-7:1", b'{"id":"nano-7:1"}')


def webhook(url: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "webhook", "name": "mes", "url": url, **FAST, **changes}


def sender_to(folder: Path, url: str, **changes: Any) -> WebhookSender:
    settings = WebhookSettings.model_validate(webhook(url, **changes))
    return WebhookSender(
        settings,
        secrets=SecretFiles(folder),
        check=lambda address: check_webhook_address(address, allow_loopback=True),
    )


def wait_for_empty(outbox: Outbox) -> None:
    wait_until(lambda: outbox.status()[0].waiting == 0, "an empty queue")


def is_signed(post: Post) -> bool:
    """As docs/messaging.md says: written anew, not by the code under test."""
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    expected = base64.b64encode(hmac.new(SECRET_KEY, signed, hashlib.sha256).digest()).decode()
    return any(
        hmac.compare_digest(one, f"v1,{expected}") for one in post.headers["webhook-signature"].split(" ")
    )


def test_results_arrive_in_order_signed_over_one_connection(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mes").write_text(SECRET)
    with Receiver(lambda _post: Reply()) as receiver:
        destination = webhook(receiver.url("/a/b?key=1"), secret="mes")
        with outbox_on(tmp_path, [destination]) as (outbox, writer):
            put(outbox, writer, (result(number) for number in range(20)))
            wait_for_empty(outbox)
    assert receiver.ids == [f"{DEVICE}:{number}" for number in range(1, 21)]
    assert all(is_signed(post) for post in receiver.posts)
    assert all(post.message["id"] == post.headers["webhook-id"] for post in receiver.posts)
    assert receiver.posts[0].path == "/a/b?key=1"
    assert receiver.posts[0].headers["content-type"] == "application/json"
    changed = Post("", receiver.posts[0].headers, receiver.posts[0].body + b" ")
    assert not is_signed(changed)


def test_poison_is_set_aside_and_the_rest_flows_and_it_can_go_again(tmp_path: Path) -> None:
    healed = threading.Event()

    def answer(post: Post) -> Reply:
        return Reply(400 if post.message["result"]["id"] == "r1" and not healed.is_set() else 204)

    with Receiver(answer) as receiver, outbox_on(tmp_path, [webhook(receiver.url())]) as (outbox, writer):
        put(outbox, writer, [result(0), result(1, Outcome.FAIL), result(2)])
        wait_for_empty(outbox)
        assert receiver.ids == [f"{DEVICE}:{number}" for number in (1, 2, 2, 2, 3)]
        (dead,) = outbox.dead_letters("mes")
        assert (dead.number, dead.message["result"]["verdict"]) == (2, "FAIL")
        assert dead.reason.endswith("answered 400")
        healed.set()
        assert outbox.requeue("mes").result(10) == 1
        wait_until(lambda: len(receiver.posts) == 6, "the message again")
        wait_for_empty(outbox)
        assert receiver.ids[-1] == f"{DEVICE}:2"
        assert outbox.dead_letters("mes") == []


def test_a_receiver_that_is_gone_gets_nothing_until_somebody_resumes(tmp_path: Path) -> None:
    replies = [Reply(410)]
    receiver = Receiver(lambda _post: replies.pop() if replies else Reply())
    with receiver, outbox_on(tmp_path, [webhook(receiver.url())]) as (outbox, writer):
        put(outbox, writer, [result(0), result(1)])
        wait_until(lambda: outbox.status()[0].paused, "a pause")
        assert (outbox.status()[0].waiting, len(receiver.posts)) == (2, 1)
        outbox.resume("mes")
        wait_for_empty(outbox)
    assert receiver.ids == [f"{DEVICE}:{number}" for number in (1, 1, 2)]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(503, headers=(("Retry-After", "0"),)),
        Reply(429, headers=(("Retry-After", "0"),)),
        Reply(408),
        Reply(425),
        Reply(0),
    ],
    ids=["500", "503", "429", "408", "425", "dropped"],
)
def test_what_may_pass_is_tried_until_it_has_passed(tmp_path: Path, reply: Reply) -> None:
    replies = [reply] * 6
    receiver = Receiver(lambda _post: replies.pop() if replies else Reply())
    with receiver, outbox_on(tmp_path, [webhook(receiver.url())]) as (outbox, writer):
        put(outbox, writer, [result(0), result(1)])
        wait_for_empty(outbox)
        assert outbox.status()[0].dead == 0
    assert receiver.ids == [f"{DEVICE}:1"] * 7 + [f"{DEVICE}:2"]


def test_retry_after_reaches_the_rules(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply(429, headers=(("Retry-After", "120"),))) as receiver:
        answer = sender_to(tmp_path, receiver.url()).send(MESSAGE)
    assert (answer.verdict, answer.retry_after_s) == (Verdict.RETRY, 120.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("soon", None),
        ("-3", None),
        ("1" * 400, 111_111_111.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 0.0),
    ],
)
def test_retry_after_in_both_its_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, now_s=100.0) == seconds


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_costs_no_message(tmp_path: Path, status: int) -> None:
    with Receiver(lambda _post: Reply()) as trap:
        to_trap = Reply(status, headers=(("Location", trap.url("/stolen")),))
        with Receiver(lambda _post: to_trap) as receiver:
            answer = sender_to(tmp_path, receiver.url()).send(MESSAGE)
    assert answer.verdict is Verdict.RETRY
    assert "redirect" in answer.detail
    assert (trap.posts, trap.others) == ([], [])


def test_a_dripping_receiver_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply(drip=True)) as receiver:
        sender = sender_to(tmp_path, receiver.url(), timeout_s=0.4)
        answer = sender.send(MESSAGE)
        assert (answer.verdict, sender.connected) == (Verdict.RETRY, False)
        assert "in time" in answer.detail


def test_a_dripping_receiver_does_not_hold_another_destination_or_the_closing(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply(drip=True)) as slow, Receiver(lambda _post: Reply()) as quick:
        slow_one = webhook(slow.url(), name="slow", timeout_s=60.0)
        with outbox_on(tmp_path, [slow_one, webhook(quick.url())]) as (outbox, writer):
            put(outbox, writer, (result(number) for number in range(5)))
            wait_until(lambda: len(quick.posts) == 5 and slow.posts, "the quick one's messages")
            by_name = {status.name: status for status in outbox.status()}
            assert by_name["slow"].waiting == 5
    assert len(slow.posts) == 1  # closing did not wait for the minute


def test_an_answer_without_end_is_read_up_to_a_limit(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply(200, body=b"x" * (20 * MAX_ANSWER_BYTES))) as receiver:
        sender = sender_to(tmp_path, receiver.url())
        assert sender.send(MESSAGE) == DELIVERED
        assert sender.send(MESSAGE) == DELIVERED  # over a new connection
    assert len(receiver.posts) == 2


def test_an_address_that_may_not_be_asked_is_not_and_its_path_is_not_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Receiver(lambda _post: Reply()) as receiver:
        settings = WebhookSettings.model_validate(webhook(receiver.url("/T0/tOkEn?key=hunter2")))
        sender = WebhookSender(settings, secrets=SecretFiles(tmp_path), check=check_webhook_address)
        answer = sender.send(MESSAGE)
    assert answer.verdict is Verdict.RETRY
    assert receiver.posts == []
    assert "this machine itself" in answer.detail
    assert "tOkEn" not in f"{answer} {caplog.text}"


def test_a_port_where_nobody_listens_is_said_without_the_path(tmp_path: Path) -> None:
    answer = sender_to(tmp_path, f"http://127.0.0.1:{free_port()}/tOkEn").send(MESSAGE)
    assert answer.verdict is Verdict.RETRY
    assert "cannot be reached" in answer.detail
    assert "tOkEn" not in answer.detail


def test_a_missing_secret_sends_nothing_unsigned(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply()) as receiver:
        answer = sender_to(tmp_path, receiver.url(), secret="mes").send(MESSAGE)
    assert answer.verdict is Verdict.RETRY
    assert "no secret 'mes'" in answer.detail
    assert receiver.posts == []


def test_tls_verifies_the_certificate_for_the_name_that_was_given(tmp_path: Path) -> None:
    files = write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    plant = {"ca": files.ca.name}
    with Receiver(lambda _post: Reply(), context=context) as receiver:
        trusting = sender_to(tmp_path, receiver.url(), tls=plant)
        assert trusting.send(MESSAGE) == DELIVERED
        trusting.close()
        for refused in (
            sender_to(tmp_path, receiver.url()),  # another authority
            sender_to(tmp_path, receiver.url(host="localhost"), tls=plant),  # another name
        ):
            answer = refused.send(MESSAGE)
            assert answer.verdict is Verdict.RETRY
            assert "certificate that is not trusted" in answer.detail
    assert len(receiver.posts) == 1
