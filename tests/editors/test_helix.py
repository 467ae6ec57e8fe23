"""Scenarios in a real Helix against the scripted gateway, without a plugin: Helix has none."""

import contextlib
import time

from gateway import MODEL, Gateway, failure
from helix import Helix
from scenario import Bench, equal, scenario, true
from test_neovim import CLOSED_SECONDS, DELTAS, FIRST, ORIGINAL, REWRITTEN, SECOND
from undo_table import measured


@contextlib.contextmanager
def helix_bench(tools, directory, _debounce):
    """Helix with our server on a scripted gateway."""
    gateway = Gateway()
    variables = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
    editor = Helix(tools.environment, tools.server, directory, variables)
    try:
        yield Bench(directory, gateway, editor, tools)
    finally:
        editor.close()
        gateway.close()


def start(bench, *deltas, title="Simplify", text=ORIGINAL, line=4):
    """Selects two lines, picks an action from the menu, and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    if bench.editor.path is None:
        bench.editor.open("greet.py", text)
    bench.editor.goto(line)
    bench.editor.type("xx")
    bench.editor.menu(title)
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


def finish(bench, exchange, first="log(name)"):
    """Lets the answer end and waits for the end of the progress."""
    exchange.release_all()
    bench.editor.wait_shown(first)
    bench.editor.wait_end()


@scenario(helix_bench)
def helix_rewrite_from_the_menu_and_one_undo(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.wait_shown(FIRST)
    finish(bench, exchange)
    equal(bench.editor.text(), REWRITTEN, "the text after the end")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    measured(bench, "nothing", "the new text", 1)


@scenario(helix_bench)
def helix_rewrite_behind_emoji_and_wide_characters(bench):
    before = 'wide = "日本"  # 😀😀\n'
    exchange = start(bench, text=before + ORIGINAL, line=5)
    finish(bench, exchange)
    equal(bench.editor.text(), before + REWRITTEN, "the text after the end")


@scenario(helix_bench)
def helix_stop_from_the_menu(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.wait_shown(FIRST)
    bench.editor.menu("Stop")
    stopped = time.monotonic()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    true(exchange.closed_at - stopped < CLOSED_SECONDS, f"closed after {exchange.closed_at - stopped:.3f} s")
    bench.editor.wait(lambda: FIRST not in bench.editor.screen(), "the original")
    equal(bench.editor.text(), ORIGINAL, "the text after the stop")


@scenario(helix_bench)
def helix_undo_in_mid_stream_stops(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.wait_shown(FIRST)
    bench.editor.normal_mode()
    bench.editor.type("u")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    # The undo takes the last edit; what was written before it is taken back by the server, a moment later.
    bench.editor.wait(lambda: "text =" not in bench.editor.screen(), "the original")
    equal(bench.editor.text(), ORIGINAL, "the text after the undo")
    measured(bench, "you undo in the middle of it", "the original; it stops", 1)


@scenario(helix_bench)
def helix_reject(bench):
    exchange = start(bench)
    finish(bench, exchange)
    bench.editor.goto(4)
    bench.editor.menu("Reject")
    bench.editor.wait(lambda: SECOND not in bench.editor.screen(), "the original")
    equal(bench.editor.text(), ORIGINAL, "the text after the rejection")


@scenario(helix_bench)
def helix_ask_and_hover(bench):
    exchange = start(bench, "It greets ", "somebody by name.", title="Explain")
    exchange.release_all()
    bench.editor.wait_shown("Answer ready: hover over lines 4-5")
    bench.editor.goto(4)
    bench.editor.keys("Space")
    bench.editor.type("k")
    bench.editor.wait_shown("It greets somebody by name.")
    bench.editor.wait_shown("tokens in")
    bench.editor.keys("Escape")
    bench.editor.wait(lambda: "tokens in" not in bench.editor.screen(), "the hover to close")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(helix_bench)
def helix_wrong_key_is_said(bench):
    bench.gateway.refuse(401, failure("authentication_error", "Invalid token", "invalid_api_key"))
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.goto(4)
    bench.editor.type("xx")
    bench.editor.menu("Simplify")
    bench.editor.wait_shown("Simplify failed: The gateway does not accept the key")
    equal(bench.editor.text(), ORIGINAL, "the text")


WITH_WORDS = ORIGINAL.replace('    message = "Hello', '    # ez! use an f-string\n    message = "Hello')


@scenario(helix_bench)
def helix_rewrite_and_reject_by_keys(bench):
    """The keys of helix-keys.toml: the words are in a comment among the selected lines."""
    exchange = bench.gateway.script('    message = f"Hello, {name}"')
    bench.editor.open("greet.py", WITH_WORDS)
    bench.editor.select(4, 5)
    bench.editor.press("r")
    true(exchange.wait_request(), "no request reached the gateway")
    true("use an f-string" in exchange.request["messages"][-1]["content"], f"the words are not in {exchange.request}")
    bench.editor.keys("Escape")
    exchange.release_all()
    message = bench.editor.wait_end()
    true(message.startswith("done"), f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL.replace('"Hello, " + name', 'f"Hello, {name}"'), "the text after the end")
    bench.editor.press("n")
    bench.editor.wait_text(WITH_WORDS)


@scenario(helix_bench)
def helix_ask_and_stop_by_keys(bench):
    exchange = bench.gateway.script("It greets.", " More.")
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.press("a")
    true(exchange.wait_request(), "no request reached the gateway")
    true("lines 4 to 5" in exchange.request["messages"][-1]["content"], f"what was asked: {exchange.request}")
    bench.editor.keys("Escape")
    exchange.release(1)
    bench.editor.normal_mode()
    bench.editor.press("s")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    bench.editor.wait_end()
