"""Base URLs: what they become, and what is refused in which words."""

import pytest

from darkroom.channels.address import Address, read_address


@pytest.mark.parametrize(
    "url, tls, host, port, prefix, authority",
    [
        ("http://127.0.0.1:9100/v1", False, "127.0.0.1", 9100, b"/v1", b"127.0.0.1:9100"),
        ("https://API.Example/v1", True, "api.example", 443, b"/v1", b"api.example"),
        ("https://api.example:443/v1/", True, "api.example", 443, b"/v1", b"api.example"),
        ("http://api.example:443", False, "api.example", 443, b"", b"api.example:443"),
        ("http://api.example/", False, "api.example", 80, b"", b"api.example"),
        ("https://[2001:DB8::1]/v1", True, "2001:db8::1", 443, b"/v1", b"[2001:db8::1]"),
        ("http://[::1]:8080/a/b", False, "::1", 8080, b"/a/b", b"[::1]:8080"),
        ("https://bücher.example/v1", True, "xn--bcher-kva.example", 443, b"/v1", b"xn--bcher-kva.example"),
        ("https://a_b.example./x%20y", True, "a_b.example.", 443, b"/x%20y", b"a_b.example."),
        ("HTTPS://api.example/openai/v1", True, "api.example", 443, b"/openai/v1", b"api.example"),
    ],
)
def test_address_is_taken_apart(url, tls, host, port, prefix, authority):
    address = read_address(url)
    assert address == Address(tls=tls, host=host, port=port, prefix=prefix)
    assert address.authority == authority


@pytest.mark.parametrize(
    "url, problem",
    [
        ("", "must start with http"),
        ("api.example/v1", "must start with http"),
        ("ftp://api.example", "must start with http"),
        ("http://", "host is missing"),
        ("http:///v1", "host is missing"),
        ("http://:9100/v1", "host is missing"),
        ("http://api.example:99999", "cannot be read as a URL"),
        ("http://api.example:port", "cannot be read as a URL"),
        ("http://api.example:0", "port 0"),
        ("http://[::1", "cannot be read as a URL"),
        ("http://[::zz]/", "cannot be read as a URL|not an IPv6 address"),
        ("https://me:sesame@api.example/v1", "user or password"),
        ("https://api.example/v1?api-version=1", "without `\\?`"),
        ("https://api.example/v1#top", "without `\\?`"),
        (" https://api.example/v1", "spaces"),
        ("https://api.example/v1\r\nx: y", "control characters"),
        ("https://api.example/a b", "written as %XX"),
        ("https://api.example/图", "written as %XX"),
        ("https://api..example/", "host is missing or is not a name"),
        ("https://-api.example/", "host is missing or is not a name"),
        ("https://a b/", "host is missing or is not a name"),
        ("https://" + "a" * 300 + ".example/", "host is missing or is not a name"),
    ],
)
def test_address_is_refused_in_words_without_the_url(url, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        read_address(url)
    assert "sesame" not in str(caught.value)


def test_origin_is_shared_by_addresses_that_differ_in_their_path_alone():
    one, other = read_address("https://api.example/v1"), read_address("https://api.example:443/v2")
    assert one != other
    assert one.origin == other.origin
    assert one.origin != read_address("http://api.example:443/v1").origin
