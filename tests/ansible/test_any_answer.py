"""Whatever a target prints, and whatever a play passes, the plugin ends with a result: never with a trace."""

from __future__ import annotations

import datetime
import json
import random
import sys

import pytest
from ansible_collections.vmstation.kubejoin.plugins.plugin_utils import answer, options

ANSWER = '{"changed": true, "msg": "done", "unreachable": true, "_ansible_x": 1, "stdout": "a\\nb", "list": [1, null]}'
SEEDS = [
    ANSWER,
    "Welcome!\r\n" + ANSWER + "\r\nConnection closed.\r\n",
    "{\n" + ANSWER,
    "Traceback:\n  {not json}\n\x1b[31m{}",
    "",
]
WORDS = [
    "{",
    "}",
    "[",
    '"',
    "\\u0000",
    "\\ud800",
    "\n",
    "\r",
    "\u2028",
    "\x00",
    "NaN",
    "1e999",
    "null",
    '"msg":',
    '"failed":',
    "�",
]


def mutated(numbers: random.Random) -> str:
    text = numbers.choice(SEEDS)
    for _ in range(numbers.randint(1, 8)):
        at, end = sorted(numbers.choices(range(len(text) + 1), k=2))
        put = numbers.choice([*WORDS, text[at:end][:40], numbers.choice(SEEDS)[:20], ""])
        text = text[:at] + put + text[numbers.choice([at, min(end, at + 20)]) :]
    return text


@pytest.mark.parametrize("start", range(4))
def test_any_output_becomes_a_result(start: int) -> None:
    numbers = random.Random(start)
    for _ in range(2000):
        reply = answer.Reply(
            numbers.choice([0, 1, 126, 127, 137, 139, 200, 255, -9]), mutated(numbers), mutated(numbers)
        )
        result = answer.parse(reply, "probe")
        assert isinstance(result, dict) and not answer.NEVER & result.keys(), reply
        assert not any(key.startswith("_ansible_") for key in result), reply
        assert "changed" in result or "failed" in result or "{" in reply.stdout, reply


def test_what_is_nested_too_deeply_is_no_answer_and_no_trace() -> None:
    deep = '{"a":' * 200_000 + "1" + "}" * 200_000
    result = answer.parse(answer.Reply(0, deep, ""), "probe")
    assert result["failed"] and "gave no answer" in result["msg"]


@pytest.mark.parametrize("depth", [200, 400, 900, 2000, 20_000])
def test_any_depth_is_read_or_no_answer(depth: int) -> None:
    result = answer.parse(answer.Reply(0, '{"a":%s1%s}' % ("[" * depth, "]" * depth), ""), "probe")
    assert "a" in result or result["failed"]


def test_a_number_of_a_hundred_thousand_digits_is_no_answer_and_no_trace() -> None:
    result = answer.parse(answer.Reply(0, '{"a": %s}' % ("9" * 100_000), ""), "probe")
    assert result["failed"] and "gave no answer" in result["msg"]


def anything(numbers: random.Random, depth: int = 0) -> object:
    plain = ["", "a\nb", "\ud800", "ž\u2028", 0, -1.5, 10**30, None, True, b"\xff\x00", datetime.date(2024, 1, 2)]
    if depth > 3 or numbers.random() < 0.5:
        return numbers.choice(plain)
    items = [anything(numbers, depth + 1) for _ in range(numbers.randint(0, 3))]
    return numbers.choice([items, tuple(items), {"key %d" % at: item for at, item in enumerate(items)}])


def test_any_options_become_one_line_of_ascii() -> None:
    numbers = random.Random(5)
    for _ in range(2000):
        line = options.encode({"value": anything(numbers)})
        assert b"\n" not in line and line.isascii() and list(json.loads(line)) == ["value"], line


def test_infinity_is_refused_or_written_as_json_has_it() -> None:
    # JSON has no word for it: what a module cannot read must not be sent.
    for value in (float("inf"), float("nan"), sys.float_info.max):
        try:
            line = options.encode({"value": value})
        except answer.Refusal:
            continue
        json.loads(line, parse_constant=lambda word: pytest.fail("sent " + word))
