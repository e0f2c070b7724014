"""Masking of what is logged: no secret is shown, wherever a system puts it.

A canary is hidden under the name of a secret, in data of any shape. It is never in the masked text.
"""

import json
import time
import xmlrpc.client
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.connector.unit.backend_adapter.masking import (
    LONGEST,
    MASK,
    is_complete,
    masked_body,
    masked_headers,
    masked_start,
    masked_text,
    masked_url,
)

#: More examples than for other properties, as one takes little time
MANY = settings(max_examples=settings().max_examples * 5 // 2)

CANARY = "c4n4ry"
#: Seconds of CPU; a log line is written for each request
QUICK = 1.5

SECRETS = st.sampled_from(
    [
        *("password", "Password", "user_password", "password_hash", "passphrase", "pwd", "secret", "client_secret"),
        *("api_key", "apiKey", "x-api-key", "private_key", "access_token", "refreshToken", "authorization", "cookie"),
        *("session_id", "signature", "hmac", "sign", "credentials", "cc_number", "cvv", "credit_card"),
    ]
)
PLAIN = st.sampled_from(["id", "name", "sku", "price", "author", "sort_key", "page_token", "lines", "note", "city"])
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\x0b\x0c\x1c\x1d\x1e\x1f\x85", exclude_categories=["Cc"]),
    max_size=12,
)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN | TEXTS, inner, max_size=3), max_leaves=8
)
AROUND = st.lists(st.tuples(st.sampled_from(["dict", "list", "text"]), PLAIN, ANY), max_size=5)

# The ways in which JSON holds a secret
HIDDEN = st.one_of(
    st.builds(lambda name: {name: CANARY}, SECRETS),
    st.builds(lambda name, other: {"id": other, name: [other, {"x": CANARY}]}, SECRETS, SCALARS),
    st.builds(
        lambda naming, valued, name, is_first: dict([(naming, name), (valued, CANARY)][:: 1 if is_first else -1]),
        st.sampled_from(["name", "key", "code", "attribute_code", "label", "field"]),
        st.sampled_from(["value", "values", "text", "content", "default_value"]),
        SECRETS,
        st.booleans(),
    ),
    st.builds(lambda name: [name, CANARY], SECRETS),
    st.builds(lambda name: [name, "=", CANARY], SECRETS),
    st.builds(
        lambda name: {"query": f'mutation {{ login(user: "a", {name.replace("-", "_")}: "{CANARY}") {{ id }} }}'},
        SECRETS,
    ),
    st.builds(
        lambda name: {"query": "query($a: String!) { a(b: $a) }", "variables": json.dumps({name: CANARY})}, SECRETS
    ),
    st.builds(lambda name: {"next": f"https://shop/?a=1&{name}={CANARY}&b=2"}, SECRETS),
    st.just({"next": f"https://user:{CANARY}@shop/path"}),
)


def wrapped(value, around):
    """Return a value deep in others: beside them, or as a text in one."""
    for kind, name, other in around:
        if kind == "dict":
            value = {"first": other, name: value, "last": other}
        elif kind == "list":
            value = [other, value, other, other]
        else:
            value = {"first": other, name: json.dumps(value)}
    return value


def assert_masked(text):
    began = time.process_time()
    masked = masked_body(text, [])
    assert time.process_time() - began < QUICK
    assert CANARY not in masked
    assert MASK in masked
    assert not is_complete(masked)
    assert CANARY not in masked_text(text, [])


@MANY
@given(HIDDEN, AROUND, st.booleans(), st.sampled_from([None, 1]))
def test_c30_no_secret_of_json_is_logged(hidden, around, ascii_only, indent):
    text = json.dumps(wrapped(hidden, around[:4]), ensure_ascii=ascii_only, indent=indent)
    assert_masked(text)
    # nor where the text is cut just behind it
    assert CANARY not in masked_start(text, [], text.rindex(CANARY) + len(CANARY))


XML = st.one_of(
    st.builds(lambda name: f"<{name}>{CANARY}</{name}>", SECRETS),
    st.builds(lambda name: f"<x:{name} type='a'><string>{CANARY}</string></x:{name}>", SECRETS),
    st.builds(lambda name: f"<{name}><![CDATA[{CANARY}]]></{name}>", SECRETS),
    st.builds(lambda name: f'<user id="1" {name}="{CANARY}"/>', SECRETS),
    st.builds(lambda name: f"<param name='{name}'>{CANARY}</param>", SECRETS),
    st.builds(lambda name: f'<add key="{name}" value="{CANARY}" />', SECRETS),
    st.builds(lambda name: f"<entry><key>{name}</key><value>{CANARY}</value></entry>", SECRETS),
    st.builds(lambda name: f"<entry><value>{CANARY}</value><name> {name} </name></entry>", SECRETS),
    st.builds(lambda name: f"<!-- <{name}>{CANARY}</{name}> -->", SECRETS),
    st.builds(lambda name: f"<a>{escape(json.dumps({name: CANARY}))}</a>", SECRETS),
    st.builds(lambda name: f"<a href={quoteattr(f'https://shop/?a=1&{name}={CANARY}')}>x</a>", SECRETS),
)


@MANY
@given(XML, st.lists(st.tuples(st.sampled_from(["a", "b", "item", "order"]), TEXTS), max_size=4), st.booleans())
def test_c30_no_secret_of_xml_is_logged(xml, around, is_closed):
    for tag, text in around:
        xml = f"<{tag} n={quoteattr(text)}>{escape(text)}<br>{xml}{escape(text)}" + (f"</{tag}>" if is_closed else "")
    assert_masked('<?xml version="1.0"?>\n' + xml)


def storable_in_xml(value):
    return json.loads(json.dumps(value), parse_int=lambda digits: int(digits) % 1000)


@MANY
@given(HIDDEN, st.lists(st.tuples(st.sampled_from(["dict", "list"]), PLAIN, SCALARS), max_size=4), st.booleans())
def test_c30_no_secret_of_xml_rpc_is_logged(hidden, around, is_answer):
    value = storable_in_xml(wrapped(hidden, around))
    text = xmlrpc.client.dumps((value,), None if is_answer else "call", methodresponse=is_answer, allow_none=True)
    assert_masked(text)


@MANY
@given(HIDDEN, SECRETS, st.lists(st.tuples(PLAIN, TEXTS), max_size=4), st.integers(0, 6))
@example({"password": CANARY}, "password", [], 0)
def test_c30_no_secret_of_a_form_is_logged(hidden, name, others, kind):
    pairs = [
        [(name, CANARY)],
        [(f"user[{name}]", CANARY)],
        [(f"{name}[]", CANARY)],
        [(f"user[{name}][value]", CANARY)],
        [("items[0][name]", name), ("items[0][value]", CANARY)],
        [("payload", json.dumps(hidden))],
        [("return_url", f"https://shop/?{urlencode({'next': f'https://x/?{name}={CANARY}'})}")],
    ][kind]
    form = urlencode([*others, *pairs, *others])
    assert_masked(form)
    assert CANARY not in masked_url(f"https://shop/path?{form}", [])
    assert CANARY not in masked_url(f"https://shop/path;{name}={CANARY}?a=1#{name}={CANARY}&b=2", [])
    assert CANARY not in masked_url(f"https://user:{CANARY}@shop/?a=1", [])


@MANY
@given(
    SECRETS, st.sampled_from(["Location", "Link", "Referer", "X-Next", "Content-Location", "Refresh"]), st.booleans()
)
def test_c30_no_secret_of_a_header_is_logged(name, header, is_bytes):
    for value in (
        f"https://shop/cb?a=1&{name}={CANARY}#b",
        f"https://shop/cb#{name}={CANARY}",
        f'<https://shop/?{quote_plus(name)}={CANARY}>; rel="next"',
        f"https://user:{CANARY}@shop/",
        f"https://shop/?next={quote(f'https://x/?{name}={CANARY}', safe='')}",
        f"0; url=/cb?{name}={CANARY}",
    ):
        assert CANARY not in masked_headers({header: value.encode() if is_bytes else value}, []), value


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "X-Api-Key",
            "X-Shop-Hmac-Sha256",
            "X-Hub-Signature-256",
        ),
        *("Stripe-Signature", "X-Sign", "X-Auth-Token", "X-CSRF-Token", "X-Amz-Credential", "X-Amz-Security-Token"),
    ],
)
def test_c30_signatures_and_credentials_in_headers_are_masked(name):
    assert masked_headers({name: CANARY}, []) == f"{name}: ***"


@pytest.mark.parametrize(
    "text",
    [
        *("Authorization: Bearer c4n4ry\n", "GET / HTTP/1.1\nCookie: a=c4n4ry; b=c4n4ry\n\n", "token = 'c4n4ry'"),
        *(
            'callback({"password": "c4n4ry"})',
            ')]}\',\n{"api_key": "c4n4ry"}',
            'mutation { login(password: "c4n4ry") }',
        ),
        *(
            "see https://user:c4n4ry@shop/ for more",
            'Content-Disposition: form-data; name="password"\r\n\r\nc4n4ry\r\n--b--',
        ),
        *(
            '{"a": 1}\n{"password": "c4n4ry"}',
            '﻿{"password": "c4n4ry"}',
            '{"pass\\u0077ord": "c4n4ry"}',
            '{"\\u0070\\u0061ssword": "c4n4ry"}',
            "a=1&%70%61ssword=c4n4ry",
            "sent with Bearer c4n4ry.c4n4ry",
        ),
    ],
)
def test_c30_nor_is_a_secret_of_another_text(text):
    assert_masked(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"name":  "Lamp",\n "author": "Ada", "values": [1, 2.50, null]}',
        '[["name", "=", "x"], ["name", "token_count"]]'.replace("token_count", "author"),
        '{"code": "color", "value": "red"}',
        '{"key": "color", "value": "red"}',
        '{"password": "", "token": null, "session": false, "secret": 0}',
        '{"query": "mutation($password: String!) { login(password: $password) { id } }"}',
        "<list><name>Lamp</name><value>1</value></list>",
        "name=Lamp&author=Ada+Lovelace&page_token=",
        "A text about a thing: it is red.",
    ],
)
def test_c30_what_holds_no_secret_stays_exactly_as_it_was_sent(text):
    assert masked_body(text, []) == text
    assert is_complete(text)


def test_c30_json_within_json_that_is_cut_anywhere_is_masked():
    inner = json.dumps({"password": CANARY, "a": "\U00010000\xe9\n" * 200 + '"\\' * 600})
    text = json.dumps({"a": json.dumps({"b": inner})})
    for end in range(text.index(CANARY), len(text) - 1000, 13):
        assert CANARY not in masked_start(text, [], end), end


def test_c30_what_is_cut_off_is_not_looked_at():
    started = '{"password": "c4n4ry", "a": "'
    short, long = (started + "x" * number + '", "b": {"token": "t"}}' for number in (LONGEST, 4_000_000))
    times = []
    for text in (short, long):
        began = time.process_time()
        for _time in range(5):
            masked = masked_body(text, ["s3cr3t"])
        times.append(time.process_time() - began)
        assert CANARY not in masked
    assert times[1] < 5 * times[0] + 0.5


def test_c30_the_value_of_a_name_that_is_cut_off_is_masked():
    text = json.dumps({"list": [{"value": CANARY, "more": "x" * LONGEST, "name": "password"}]})
    assert CANARY not in masked_body(text, [])


@MANY
@given(st.integers(0, 40), st.sampled_from([CANARY, 'c4n4ry"&ö/+', "c4n4ry" * 3000]))
def test_c30_no_part_of_a_secret_is_left_where_a_text_is_cut(before, secret):
    for text in ("x" * before + secret + "y" * 100_000, "x" * before + json.dumps(secret) + "y" * 100_000):
        masked = masked_start(text, [secret], 30)
        assert "c4n4" not in masked
        assert len(masked) <= 30


@MANY
@given(st.text(st.sampled_from("{}[]<>\"'\\:,=&?#;/ \n%key1-_!"), max_size=300), st.integers(1, 400))
def test_c30_any_nonsense_is_masked_in_no_time(text, times):
    long = (text * times)[: LONGEST + 10]
    for mask in (masked_body, masked_text):
        began = time.process_time()
        mask(long, ["s3cr3t"])
        assert time.process_time() - began < QUICK
    masked_headers({"X": long[:60_000]}, [])
