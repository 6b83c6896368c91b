"""Draws hostile requests from a seed: each is the bytes of one connection."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

PHOTOS = b"/api/v1/inspections"
READS = (b"/api/v1/model", b"/api/v1/inspections", b"/api/v1/settings", b"/api/v1/cameras", b"/metrics")


@dataclass(frozen=True)
class Hostile:
    """One connection's bytes; with `ends` the client then closes its side: the server may wait for more."""

    kind: str
    data: bytes
    ends: bool


@dataclass(frozen=True)
class Attacker:
    """What the requests are made with: a session that is real, so that they get past the gate, and a host."""

    cookie: bytes
    host: bytes

    def head(
        self, method: bytes, target: bytes, *headers: bytes, is_known: bool = True, host: bytes | None = None
    ) -> bytes:
        lines = [b"%b %b HTTP/1.1" % (method, target), b"Host: " + (self.host if host is None else host)]
        if is_known:
            lines.append(b"Cookie: inspector_session=" + self.cookie)
        return b"\r\n".join([*lines, *headers, b"Connection: close", b"", b""])

    def post(self, body: bytes, *, media_type: bytes = b"image/png", query: bytes = b"") -> bytes:
        length = b"Content-Length: %d" % len(body)
        return self.head(b"POST", PHOTOS + query, b"Content-Type: " + media_type, length) + body


Draw = Callable[[Attacker, random.Random], bytes]


def bad_method(who: Attacker, rng: random.Random) -> bytes:
    methods = (
        b"TRACE",
        b"CONNECT",
        b"OPTIONS",
        b"HEAD",
        b"PROPFIND",
        b"BREW",
        b"get",
        b"G\0T",
        b"PATCH",
        b"",
    )
    return who.head(rng.choice(methods), rng.choice(READS))


def huge_headers(who: Attacker, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return who.head(b"GET", READS[0], b"X-A: " + b"a" * rng.randrange(17_000, 90_000))
    many = [b"X-%d: 1" % number for number in range(rng.randrange(70, 3000))]
    return who.head(b"GET", READS[0], *many)


def chunk_tricks(who: Attacker, rng: random.Random) -> bytes:
    body = rng.choice(
        (
            b"FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n",
            b"-1\r\nx\r\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"5;" + b"e" * 70_000 + b"\r\nhello\r\n0\r\n\r\n",
            b"1\r\na\r\n" * 15_000 + b"0\r\n\r\n",
            b"0\r\n" + b"T: 1\r\n" * 12_000 + b"\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"zz\r\n",
        )
    )
    both = (b"Content-Length: 5",) if rng.random() < 0.3 else ()
    coding = rng.choice((b"chunked", b"chunked, chunked", b"gzip, chunked", b"xchunked", b"\x0bchunked"))
    return (
        who.head(b"POST", PHOTOS, b"Content-Type: image/png", b"Transfer-Encoding: " + coding, *both) + body
    )


def lengths(who: Attacker, rng: random.Random) -> bytes:
    length = rng.choice((b"-1", b"1e3", b"99999999999999999999999", b"40000000", b"+5", b"5, 6", b"", b" "))
    more = (b"Content-Length: 7",) if rng.random() < 0.3 else ()
    return (
        who.head(b"POST", PHOTOS, b"Content-Type: image/png", b"Content-Length: " + length, *more) + b"hello"
    )


def truncated(who: Attacker, rng: random.Random) -> bytes:
    whole = who.post(png(8, 8))
    return whole[: rng.randrange(1, len(whole) - 1)]


def spoofed_host(who: Attacker, rng: random.Random) -> bytes:
    hosts = (
        b"evil.example",
        b"a/api/v1/health?x=",
        b"localhost@evil",
        b"",
        b"localhost\tx",
        b"[::1",
        b"127.1",
    )
    more = (b"Host: localhost",) if rng.random() < 0.3 else ()
    return who.head(b"GET", rng.choice(READS), *more, host=rng.choice(hosts))


def path_tricks(who: Attacker, rng: random.Random) -> bytes:
    paths = (
        b"//api/v1/model", b"/api//v1/model", b"/api/v1/model/", b"/api/v1/health/../model",
        b"/..%2f..%2fetc/passwd", b"/api/v1/inspections/%2e%2e/model", b"/api/v1/%6dodel%00",
        b"/page.js%00.png", b"/../../etc/passwd", b"/api/v1/inspections/..%5c..%5cx/image",
        b"/%252e%252e/%252e", b"/api/v1/cameras/%ff%fe", b"*", b"x", b"http://evil.example/api/v1/nothing",
        b"/" + b"a" * 5000, b"/api/v1/inspections/" + b"../" * 50, b"/api/v1/models/..%2f..%2fkeys.json",
        b"/static/../keys.json", b"/api/v1/inspections/x/image/..",
    )  # fmt: skip
    return who.head(b"GET", rng.choice(paths))


def range_lists(who: Attacker, rng: random.Random) -> bytes:
    ranges = b",".join(b"%d-%d" % (number, number + 1) for number in range(rng.randrange(1, 4000)))
    return who.head(
        b"GET", b"/api/v1/inspections/0000000000000000/image", b"Range: bytes=0-" + ranges[:60_000]
    )


def wrong_types(who: Attacker, rng: random.Random) -> bytes:
    types = (
        b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"application/json",
        b"image/webp", b"application/octet-stream", b"application/x-python-pickle", b"image/png\xff", b"",
        b"text/xml", b"a" * 500,
    )  # fmt: skip
    body = rng.choice((b"a=1&" * 20_000, b"--x\r\n" * 5_000, b"\x80\x04K\x01.", png(8, 8)))
    return who.post(body, media_type=rng.choice(types))


def hostile_images(who: Attacker, rng: random.Random) -> bytes:
    whole = png(16, 16)
    images = (
        b"",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + rng.randbytes(200),  # JPEG 2000
        b"RIFF\x10\0\0\0WEBPVP8 " + rng.randbytes(50),
        b"II*\0\x08\0\0\0" + rng.randbytes(60),
        b"GIF89a" + rng.randbytes(60),
        b"v/1\x01" + rng.randbytes(60),  # EXR
        b"#?RADIANCE\n" + rng.randbytes(60),
        whole[: rng.randrange(8, len(whole) - 12)],
        whole[:40] + rng.randbytes(20) + whole[60:],
        png(60_000, 60_000, rows=1),  # 3600 Mpx in 200 bytes
        png(8_000, 8_000, rows=8_000),  # 64 Mpx, whole
        png(0, 5, rows=1),
        png(2**31 - 1, 2**31 - 1, rows=1),
        b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03" + b"\x01\x11\x00" * 3 + b"\xff\xd9",
        b"\xff\xd8\xff" + rng.randbytes(400),
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5_000 + b"\xff\xd9",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 58, 0, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 4, 0, 0, 0, 0),
        b"BM" + rng.randbytes(52),
    )
    return who.post(rng.choice(images), media_type=rng.choice((b"image/png", b"image/jpeg", b"image/bmp")))


def bad_queries(who: Attacker, rng: random.Random) -> bytes:
    queries = (
        b"?fail=2", b"?fail=nan", b"?fail=inf", b"?review=-1", b"?min_area_px=1e9", b"?min_area_px=0",
        b"?fial=0.5", b"?fail=0.1&fail=x", b"?fail[]=1", b"?" + b"a=1&" * 1500, b"?fail=%00",
        b"?min_area_px=" + b"9" * 4000, b"?fail=" + b"9" * 4000, b"?unknown=1", b"?fail=0x1p3",
        b"?review=0.9&fail=0.1",
    )  # fmt: skip
    return who.post(png(8, 8), query=rng.choice(queries))


def bad_keys(who: Attacker, rng: random.Random) -> bytes:
    keys = (
        b"Bearer vi_" + b"A" * 43,
        b"Bearer ",
        b"Basic YTpi",
        b"Bearer \xff\xfe",
        b"Bearer " + b"x" * 9000,
        b"x",
    )
    return who.head(b"GET", rng.choice(READS), b"Authorization: " + rng.choice(keys), is_known=False)


def no_key(who: Attacker, rng: random.Random) -> bytes:
    body = b"a=1&" * 5_000
    head = who.head(b"POST", PHOTOS, b"Content-Length: %d" % len(body), is_known=False)
    return (head + body) if rng.random() < 0.5 else who.head(b"GET", rng.choice(READS), is_known=False)


def websockets(who: Attacker, rng: random.Random) -> bytes:
    upgrade = (
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    kind = rng.randrange(4)
    if kind == 0:
        head = who.head(b"GET", b"/api/v1/live", *upgrade, is_known=False)
    elif kind == 1:
        head = who.head(b"GET", b"/api/v1/live", b"Origin: http://evil.example", *upgrade)
    elif kind == 2:
        head = who.head(
            b"GET", b"/api/v1/live", b"Upgrade: websocket", b"Sec-WebSocket-Key: x", is_known=False
        )
    else:
        head = who.head(b"GET", rng.choice(READS), *upgrade)
    return head.replace(b"Connection: close", b"Connection: Upgrade")


def other_sites(who: Attacker, rng: random.Random) -> bytes:
    origin = rng.choice((b"Origin: http://evil.example", b"Origin: null", b"Sec-Fetch-Site: cross-site"))
    return who.head(b"POST", PHOTOS, origin, b"Content-Length: 0")


def smuggled(who: Attacker, rng: random.Random) -> bytes:
    inner = who.head(b"GET", b"/api/v1/nothing")
    headers = (
        (b"Content-Length: 4", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding : chunked",),
        (b"Transfer-Encoding: identity",),
        (b" folded: x", b"Content-Length: 3"),
        (b"X: a\nY: b",),
        (b"X\0: a",),
        (b"Expect: 100-continue", b"Content-Length: 50000000"),
    )
    return who.head(b"POST", PHOTOS, *rng.choice(headers)) + b"0\r\n\r\n" + inner


def bad_records(who: Attacker, rng: random.Random) -> bytes:
    targets = (
        (b"PUT", b"/api/v1/settings"), (b"POST", b"/api/v1/cameras"), (b"PUT", b"/api/v1/cameras/line7"),
        (b"PUT", b"/api/v1/thresholds"), (b"PUT", b"/api/v1/models/shadow"), (b"POST", b"/api/v1/replay"),
        (b"PUT", b"/api/v1/inspections/0000000000000000/decision"),
    )  # fmt: skip
    records = (
        b"[" * 60_000, b'{"a":' * 10_000, b"9" * 60_000, b'{"fail": NaN}', b"\xff\xfe{}", b"null", b"[]",
        b'{"__class__": "os.system"}', b'{"name": "../../etc", "kind": "exec", "address": "exec:id"}',
        b'{"name": "a", "kind": "video", "address": "video:../../../etc/passwd"}',
        b'{"name": "a", "kind": "mjpeg", "address": "http://169.254.169.254/latest/meta-data"}',
        b'{"name": "a", "kind": "rtsp", "address": "file:///etc/passwd"}', b'{"decision": "maybe"}',
    )  # fmt: skip
    method, target = rng.choice(targets)
    body = rng.choice(records)
    media_type = rng.choice((b"application/json", b"application/json", b"text/plain", b"application/xml"))
    return who.head(method, target, b"Content-Type: " + media_type, b"Content-Length: %d" % len(body)) + body


def bad_bundles(who: Attacker, rng: random.Random) -> bytes:
    body = rng.choice(
        (b"", b"PK\5\6" + bytes(18), b"PK\3\4" + rng.randbytes(300), archive(rng), rng.randbytes(99))
    )
    media_type = rng.choice((b"application/zip", b"application/octet-stream", b"application/x-tar"))
    headers = (b"Content-Type: " + media_type, b"Content-Length: %d" % len(body))
    return who.head(b"POST", b"/api/v1/models", *headers) + body


def archive(rng: random.Random) -> bytes:
    """A zip whose names leave its folder, or whose member is a thousand times as large as it looks."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        name = rng.choice(("../../keys.json", "/etc/passwd", "manifest.json", "model.onnx", "a\\..\\b"))
        file.writestr(name, bytes(rng.choice((10, 2_000_000))))
    return packed.getvalue()


def noise(who: Attacker, rng: random.Random) -> bytes:
    starts = (
        b"",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET ",
    )
    return rng.choice(starts) + rng.randbytes(rng.randrange(1, 400)) + b"\r\n\r\n"


DRAWS: tuple[Draw, ...] = (
    bad_method, huge_headers, chunk_tricks, lengths, truncated, spoofed_host, path_tricks, range_lists,
    wrong_types, hostile_images, bad_queries, bad_keys, no_key, websockets, other_sites, smuggled, noise,
    bad_records, bad_bundles,
)  # fmt: skip
UNFINISHED = (truncated, noise, chunk_tricks, smuggled, lengths)


def hostile(who: Attacker, num: int, *, seed: int) -> list[Hostile]:
    """Return `num` requests, of every kind about as many."""
    rng = random.Random(seed)
    drawn = (DRAWS[number % len(DRAWS)] for number in range(num))
    return [Hostile(draw.__name__, draw(who, rng), draw in UNFINISHED) for draw in drawn]


_BLANK: dict[tuple[int, int], bytes] = {}


def png(width: int, height: int, *, rows: int | None = None) -> bytes:
    """A black gray-scale PNG that says `width` x `height`; with `rows`, only that many are there."""
    size = (max(1, min(width, 60_000)), height if rows is None else rows)
    if size not in _BLANK:
        _BLANK[size] = zlib.compress(bytes((size[0] + 1) * size[1]), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", _BLANK[size]) + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
