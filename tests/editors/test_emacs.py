"""Scenarios in a real Emacs with Eglot against the scripted gateway, without a plugin. Eglot takes edits for older text, so
a result arrives as one edit, in a pause of the typing."""

import contextlib
import time

from emacs import Emacs
from gateway import MODEL, Gateway, failure
from scenario import Bench, equal, scenario, true
from test_neovim import CLOSED_SECONDS, DELTAS, ORIGINAL, REWRITTEN


@contextlib.contextmanager
def emacs_bench(tools, directory, _debounce):
    """Emacs with our server on a scripted gateway."""
    gateway = Gateway()
    variables = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
    editor = Emacs(tools.environment, tools.server, directory, variables)
    try:
        yield Bench(directory, gateway, editor, tools)
    finally:
        editor.close()
        gateway.close()


def start(bench, *deltas, title="Simplify", text=ORIGINAL, line=4):
    """Takes an action on two lines and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    if bench.editor.path is None:
        bench.editor.open("greet.py", text)
    bench.editor.choose(line, line + 1, title)
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


def finish(bench, exchange):
    """Lets the answer end and waits for the end of the progress."""
    exchange.release_all()
    bench.editor.wait(lambda: "$/progress end" in bench.editor.traffic(), "the end of the progress")


@scenario(emacs_bench)
def emacs_rewrite_and_one_undo(bench):
    exchange = start(bench)
    exchange.release(3)
    finish(bench, exchange)
    equal(bench.editor.text(), REWRITTEN, "the text after the end")
    true(bench.editor.traffic().count("workspace/applyEdit") == 1, "one edit")
    bench.editor.goto(1)
    bench.editor.keys("C-_")
    bench.editor.wait(lambda: bench.editor.text() != REWRITTEN, "the undo")
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(emacs_bench)
def emacs_rewrite_behind_emoji_and_wide_characters(bench):
    before = 'wide = "日本"  # 😀😀\n'
    exchange = start(bench, text=before + ORIGINAL, line=5)
    finish(bench, exchange)
    equal(bench.editor.text(), before + REWRITTEN, "the text after the end")


@scenario(emacs_bench, name="emacs_typing_above", line=1, typed="# above")
@scenario(emacs_bench, name="emacs_typing_below", line=8, typed="# below")
def emacs_typing(bench, line, typed):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.goto(line)
    for key in typed:
        bench.editor.type(key)
    bench.editor.keys("Enter")
    bench.editor.wait(lambda: f"{typed}\n" in bench.editor.text(), "what was typed")
    finish(bench, exchange)
    equal(bench.editor.text().replace(f"{typed}\n", "", 1), REWRITTEN, "the text but for what was typed")


@scenario(emacs_bench)
def emacs_stop(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.choose(4, 5, "Stop")
    stopped = time.monotonic()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    true(exchange.closed_at - stopped < CLOSED_SECONDS, f"closed after {exchange.closed_at - stopped:.3f} s")
    equal(bench.editor.text(), ORIGINAL, "the text after the stop")


@scenario(emacs_bench)
def emacs_reject(bench):
    exchange = start(bench)
    finish(bench, exchange)
    bench.editor.choose(4, 5, "Reject")
    bench.editor.wait(lambda: bench.editor.text() == ORIGINAL, "the original")


@scenario(emacs_bench)
def emacs_ask_and_hover(bench):
    exchange = start(bench, "It greets ", "somebody by name.", title="Explain")
    exchange.release_all()
    bench.editor.wait(lambda: "$/progress end" in bench.editor.traffic(), "the end of the progress")
    hover = bench.editor.hover(4)
    true(hover.startswith("It greets somebody by name.") and "tokens in" in hover, f"the hover reads {hover!r}")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(emacs_bench)
def emacs_wrong_key_is_said(bench):
    bench.gateway.refuse(401, failure("authentication_error", "Invalid token", "invalid_api_key"))
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.choose(4, 5, "Simplify")
    bench.editor.wait(lambda: "does not accept the key" in bench.editor.lisp(
        '(with-current-buffer "*Messages*" (buffer-string))'), "the message")
    equal(bench.editor.text(), ORIGINAL, "the text")
