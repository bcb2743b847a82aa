"""HTTP/1.1 without a socket: heads out that nobody can break, answers in whatever their bytes."""

import random

import pytest

from darkroom.channels.http1 import HEAD_BYTES, Reader, write_head
from darkroom.errors import Invalid

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
SIZED = OK + b"content-length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n"


def read(data, step=1 << 20, end=False):
    """A reader that was given `data` in steps, and what could be taken of its body."""
    reader, body = Reader("main at upstream.example"), b""
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
        body += reader.take()
    if end:
        reader.end()
    return reader, body


# requests


def test_head_has_our_own_framing_and_key_and_none_of_the_callers():
    headers = [(b"Accept", b"text/event-stream"), (b"Authorization", b"Bearer sk-customer"), (b"HOST", b"evil"),
               (b"Content-Length", b"9"), (b"Transfer-Encoding", b"chunked"), (b"connection", b"close")]  # fmt: skip
    head = write_head(b"POST", b"/v1/responses", b"up.example:81", "sk-up", headers, 12)
    assert head == (
        b"POST /v1/responses HTTP/1.1\r\nhost: up.example:81\r\naccept-encoding: identity\r\n"
        b"authorization: Bearer sk-up\r\ncontent-length: 12\r\nAccept: text/event-stream\r\n\r\n"
    )


def test_head_of_a_get_without_a_key_has_neither_length_nor_authorization():
    head = write_head(b"GET", b"/v1/models", b"up", "", [], None)
    assert head == b"GET /v1/models HTTP/1.1\r\nhost: up\r\naccept-encoding: identity\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "path", "header"),
    [
        (b"GET", b"/a b", (b"x", b"y")),
        (b"GET", b"/a\r\nx: y", (b"x", b"y")),
        (b"GET", b"https://other", (b"x", b"y")),
        (b"G T", b"/", (b"x", b"y")),
        (b"GET", b"/", (b"x", b"y\r\nhost: evil")),
        (b"GET", b"/", (b"x", b"y\0")),
        (b"GET", b"/", (b"x: y\r\nz", b"y")),
        (b"GET", b"/", (b"", b"y")),
    ],
)
def test_bytes_that_would_end_a_line_early_are_refused(method, path, header):
    with pytest.raises(Invalid):
        write_head(method, path, b"up", "sk", [header], None)


# answers


@pytest.mark.parametrize("step", [1, 2, 3, 17, 1000])
@pytest.mark.parametrize("data", [SIZED, CHUNKED, EARLY + SIZED])
def test_answer_is_the_same_wherever_its_bytes_are_split(data, step):
    reader, body = read(data, step)
    assert (reader.status, body, reader.received) == (200, b"hello", 5)
    assert reader.headers[b"content-type"] == b"text/event-stream"
    assert (reader.ended, reader.keep_alive, reader.fault, reader.unread) == (True, True, None, 0)
    assert b"link" not in reader.headers
    assert b"x-trailer" not in reader.headers


def test_headers_are_lower_case_and_repeated_ones_are_joined():
    reader, _ = read(OK + b"X-A:  1 \r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")
    assert reader.headers[b"x-a"] == b"1, 2"


def test_parts_wait_until_they_are_taken():
    reader = Reader()
    reader.feed(OK + b"content-length: 6\r\n\r\nab")
    reader.feed(b"cd")
    assert (reader.unread, reader.received, reader.ended) == (4, 4, False)
    assert (reader.take(), reader.unread, reader.take()) == (b"abcd", 0, b"")


@pytest.mark.parametrize(
    ("data", "keep"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", True),
        (SIZED.replace(b"content-length", b"connection: close\r\ncontent-length"), False),
        (SIZED.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (SIZED + b"HTTP/1.1 200 OK\r\n", False),
        (SIZED + b"garbage", False),
    ],
)
def test_connection_is_kept_only_where_it_can_serve_again(data, keep):
    reader, _ = read(data)
    assert (reader.ended, reader.keep_alive, reader.fault) == (True, keep, None)


def test_bytes_that_come_after_the_end_forbid_to_use_the_connection_again():
    reader, _ = read(SIZED)
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
    assert (reader.take(), reader.keep_alive) == (b"", False)


def test_body_without_a_length_goes_on_until_the_connection_ends():
    reader, body = read(OK + b"\r\nhello", end=True)
    assert (body, reader.ended, reader.keep_alive, reader.fault) == (b"hello", True, False, None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "before it answered"),
        (b"HTTP/1.1 200 OK\r\nconten", "before it answered"),
        (EARLY, "before it answered"),
        (SIZED[:-1], "cut off"),
        (CHUNKED[:-30], "cut off"),
        (OK + b"content-length: 5\r\n\r\n", "cut off"),
        (b"<html>\r\n\r\n", "not valid HTTP"),
        (b"SSH-2.0-OpenSSH_9\r\n", "not valid HTTP"),
        (OK + b"content-length: many\r\n\r\n", "not valid HTTP"),
        (OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "cannot be read"),
        (OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n", "not valid HTTP"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", "not valid HTTP"),
        (OK + b"x: " + b"y" * 3 * HEAD_BYTES, "not valid HTTP"),
        (OK + b"x: y\r\n" * HEAD_BYTES, "not valid HTTP"),
        (b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" * HEAD_BYTES, "not valid HTTP"),
        (b"HTTP/1.1 200 " + b"OK" * 2 * HEAD_BYTES, "not valid HTTP"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value[:40]),
)
@pytest.mark.parametrize("step", [1 << 14, 5000, 13])
def test_answer_that_is_broken_is_a_fault_that_names_no_place(data, words, step):
    if step == 13:
        data = data[:4000] if len(data) > 4000 else data
        if len(data) == 4000:
            words = words + "|before it answered"
    reader, _ = read(data, step, end=True)
    assert not reader.ended
    assert reader.fault.retryable
    assert any(word in reader.fault.message for word in words.split("|"))
    assert "upstream.example" not in reader.fault.message
    assert reader.fault.internal.startswith("main at upstream.example: ")


def test_fault_comes_after_all_that_was_right_before_it():
    reader = Reader()
    reader.feed(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
    assert reader.fault is not None
    assert reader.take() == b"hello"


def test_first_fault_is_the_one_that_is_told():
    reader = Reader()
    reader.end(ConnectionResetError("by peer"))
    first = reader.fault
    reader.fail("Another.", "later")
    reader.feed(SIZED)
    assert reader.fault is first
    assert "ConnectionResetError: by peer" in first.internal


@pytest.mark.parametrize("step", [1, 3, 64])
def test_reader_never_raises_whatever_the_bytes_are(step):
    chance = random.Random(step)
    for _ in range(300):
        data = bytearray(EARLY + CHUNKED)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        reader, _ = read(bytes(data), step, end=True)
        assert reader.ended is not (reader.fault is not None)
