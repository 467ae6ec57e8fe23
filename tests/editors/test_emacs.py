"""Scenarios in a real Emacs with Eglot against the scripted gateway, without a plugin. Eglot takes edits for older text, so
a result arrives as one edit, in a pause of the typing."""

import contextlib
import time

from emacs import Emacs
from gateway import MODEL, Gateway, failure
from scenario import Bench, equal, scenario, true
from test_neovim import CLOSED_SECONDS, DELTAS, ORIGINAL, REWRITTEN
from undo_table import measured


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
    bench.editor.wait_end()


@scenario(emacs_bench)
def emacs_rewrite_and_one_undo(bench):
    exchange = start(bench)
    exchange.release(3)
    finish(bench, exchange)
    equal(bench.editor.text(), REWRITTEN, "the text after the end")
    true(bench.editor.traffic().count("workspace/applyEdit") == 1, "one edit")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    measured(bench, "nothing", "the new text", 1)


@scenario(emacs_bench)
def emacs_rewrite_behind_emoji_and_wide_characters(bench):
    before = 'wide = "日本"  # 😀😀\n'
    exchange = start(bench, text=before + ORIGINAL, line=5)
    finish(bench, exchange)
    equal(bench.editor.text(), before + REWRITTEN, "the text after the end")


@scenario(emacs_bench)
def emacs_rewrite_by_the_menu_of_eglot(bench):
    """By keys alone: mark two lines, open the menu, choose."""
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.goto(4)
    bench.editor.keys("C-Space", "C-n", "C-n", "M-x")
    bench.editor.type("eglot-code-actions")
    bench.editor.keys("Enter")
    bench.editor.wait_shown("Pick an action")
    bench.editor.type("Simplify")
    bench.editor.keys("Enter")
    true(exchange.wait_request(), "no request reached the gateway")
    finish(bench, exchange)
    equal(bench.editor.text(), REWRITTEN, "the text after the end")


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
    bench.editor.wait_end()
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
