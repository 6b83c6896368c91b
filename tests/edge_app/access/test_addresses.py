"""Only cameras and receivers are taken, and the IP that was checked is the one that is opened."""

from __future__ import annotations

import pytest

from edge_app.access.addresses import (
    LocalAddress,
    NetworkAddress,
    check_camera_address,
    check_webhook_address,
)
from edge_app.access.reachable import AddressError, Resolve


def to(*ips: str) -> Resolve:
    return lambda host, port: list(ips)


@pytest.mark.parametrize(
    ("given", "scheme", "name"),
    [
        ("v4l2:0", "v4l2", "/dev/video0"),
        ("v4l2:/dev/video12", "v4l2", "/dev/video12"),
        ("v4l2:///dev/video1", "v4l2", "/dev/video1"),
        ("v4l2:/dev/v4l/by-id/usb-046d_HD-index0", "v4l2", "/dev/v4l/by-id/usb-046d_HD-index0"),
        ("csi:0", "csi", "0"),
        ("video:line7.mp4", "video", "line7.mp4"),
        ("folder:shift_1", "folder", "shift_1"),
    ],
)
def test_local_cameras(given: str, scheme: str, name: str) -> None:
    assert check_camera_address(given) == LocalAddress(scheme, name)


@pytest.mark.parametrize(
    "given",
    [
        "exec:rm -rf /",
        "file:///etc/passwd",
        "concat:a|b",
        "pipe:0",
        "ftp://10.0.0.1/a",
        "/etc/passwd",
        "v4l2:/dev/../etc/passwd",
        "v4l2:/dev/v4l/by-id/../../sda",
        "v4l2:/dev/sda",
        "csi:0 ! filesink",
        "csi:",
        "video:../../etc/passwd",
        "video:/etc/passwd",
        "video:.hidden",
        "folder:a/b",
        "",
    ],
)
def test_anything_else_is_no_camera(given: str) -> None:
    with pytest.raises(AddressError, match=r"camera address .* is not known; use rtsp://"):
        check_camera_address(given)


def test_credentials_are_split_off_and_the_checked_ip_is_opened() -> None:
    camera = check_camera_address("rtsp://op:p%40ss@cam7:8554/live?ch=1#x", lookup=to("10.1.2.3"))
    assert isinstance(camera, NetworkAddress)
    assert (camera.username, camera.password) == ("op", "p@ss")
    assert camera.shown == "rtsp://cam7:8554/live?ch=1"
    assert camera.connect_url == "rtsp://op:p%40ss@10.1.2.3:8554/live?ch=1"
    assert "p@ss" not in repr(camera)


@pytest.mark.parametrize(
    ("given", "ip", "url"),
    [
        ("http://[fd00::7]/mjpeg", "fd00::7", "http://[fd00::7]:80/mjpeg"),
        ("https://cam", "192.168.0.9", "https://192.168.0.9:443/"),
        ("rtsp://cam", "172.16.0.1", "rtsp://172.16.0.1:554/"),
        ("rtsp://127.0.0.1:8554/a", "127.0.0.1", "rtsp://127.0.0.1:8554/a"),
    ],
)
def test_private_addresses_and_a_local_relay_are_usual_for_cameras(given: str, ip: str, url: str) -> None:
    camera = check_camera_address(given, lookup=to(ip))
    assert isinstance(camera, NetworkAddress)
    assert camera.connect_url == url


@pytest.mark.parametrize(
    ("ip", "why"),
    [
        ("169.254.169.254", "link-local or metadata"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("100.100.100.200", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("255.255.255.255", "reserved or broadcast"),
        ("127.0.0.1", "this machine itself"),
        ("::1", "this machine itself"),
        ("::ffff:127.0.0.1", "this machine itself"),
    ],
)
def test_a_webhook_reaches_neither_metadata_nor_this_machine(ip: str, why: str) -> None:
    with pytest.raises(AddressError, match=why):
        check_webhook_address("https://mes.plant/hook", lookup=to(ip))


def test_one_bad_address_of_a_name_is_enough() -> None:
    with pytest.raises(AddressError, match="link-local"):
        check_webhook_address("https://mes.plant/hook", lookup=to("10.0.0.1", "169.254.169.254"))


def test_numbers_that_hide_an_address_are_resolved_before_they_are_judged() -> None:
    with pytest.raises(AddressError, match="this machine itself"):
        check_webhook_address("http://2130706433/")


def test_loopback_can_be_allowed() -> None:
    hook = check_webhook_address("http://localhost:9/x", allow_loopback=True, lookup=to("127.0.0.1"))
    assert (hook.host, hook.port, hook.ip, hook.target) == ("localhost", 9, "127.0.0.1", "/x")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("gopher://a/", "must begin with https:// or http://"),
        ("https://", "no valid host"),
        ("https:///x", "no valid host"),
        ("https://a b/", "spaces, control characters"),
        ("https://a\r\nHost: b/", "spaces, control characters"),
        ("https://a\\@b/", "backslashes"),
        ("https://a:99999/", "host or port that cannot be read"),
        ("https://[::1/", "host or port that cannot be read"),
        ("https://-a/", "no valid host"),
        ("https://" + "a" * 2000, "longer than 2000"),
    ],
)
def test_malformed_webhooks(given: str, why: str) -> None:
    with pytest.raises(AddressError, match=why):
        check_webhook_address(given, lookup=to("10.0.0.1"))


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(AddressError, match=r"\*\*\*@") as refused:
        check_webhook_address("ftp://user:secret@host/", lookup=to("10.0.0.1"))
    assert "secret" not in str(refused.value)


def test_an_unknown_name() -> None:
    with pytest.raises(AddressError, match=r"host 'no-such-host.invalid' cannot be found"):
        check_webhook_address("https://no-such-host.invalid/")
