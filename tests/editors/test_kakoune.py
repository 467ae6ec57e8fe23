"""Scenarios in a real Kakoune with kakoune-lsp against the scripted gateway, with another server beside ours. kak-lsp applies
an edit where it stood in an older text, so a result arrives as one edit, in a pause of the typing."""

import contextlib

from gateway import MODEL, Gateway
from kakoune import Kakoune
from scenario import Bench, equal, scenario, true
from test_neovim import DELTAS, ORIGINAL, REWRITTEN
from undo_table import measured

WORDS = "use an f-string"
WITH_WORDS = ORIGINAL.replace('    message = "Hello', f'    # ez! {WORDS}\n    message = "Hello')


@contextlib.contextmanager
def kakoune_bench(tools, directory, _debounce):
    """Kakoune with both servers, ours on a scripted gateway."""
    gateway = Gateway()
    variables = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
    editor = Kakoune(tools.environment, tools.server, directory, variables)
    try:
        yield Bench(directory, gateway, editor, tools)
    finally:
        editor.close()
        gateway.close()


def start(bench, *deltas, title="Simplify", text=ORIGINAL, first=4, last=5):
    """Takes an action on lines and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    if bench.editor.path is None:
        bench.editor.open("greet.py", text)
    bench.editor.choose(first, last, title)
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


def finish(bench, exchange, text, jobs=1):
    exchange.release_all()
    message = bench.editor.wait_end(jobs)
    true(message.startswith("done"), f"the last progress message is {message!r}")
    bench.editor.wait_text(text)


@scenario(kakoune_bench)
def kakoune_rewrite_and_one_undo(bench):
    """By the keys of the file, with the actions of the other server in the same menu."""
    bench.editor.open("greet.py", ORIGINAL)
    true("[second] Second: do nothing" in bench.editor.titles(4, 5), "the other server offers nothing")
    finish(bench, start(bench), REWRITTEN)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    measured(bench, "nothing", "the new text", 1)


@scenario(kakoune_bench)
def kakoune_typing_above(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.insert_above(1, "# typed above")
    finish(bench, exchange, f"# typed above\n{REWRITTEN}")
    presses = bench.editor.undo_until(f"# typed above\n{ORIGINAL}", 20)
    measured(bench, "you type above it", "the new text, and what you typed", presses)


@scenario(kakoune_bench)
def kakoune_typing_below(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.insert_above(11, "# typed below")

    def with_typed(text):
        return text.replace('leave("all")\n', '# typed below\nleave("all")\n')

    finish(bench, exchange, with_typed(REWRITTEN))
    presses = bench.editor.undo_until(with_typed(ORIGINAL), 20)
    measured(bench, "you type below it", "the new text, and what you typed", presses)


@scenario(kakoune_bench)
def kakoune_own_words_in_a_comment(bench):
    exchange = start(bench, '    message = f"Hello, {name}"', title=f"ez! {WORDS}", text=WITH_WORDS)
    true(WORDS in exchange.request["messages"][-1]["content"], "the words are not in the request")
    finish(bench, exchange, ORIGINAL.replace('"Hello, " + name', 'f"Hello, {name}"'))
    bench.editor.undo()
    equal(bench.editor.text(), WITH_WORDS, "the text after one undo")


@scenario(kakoune_bench)
def kakoune_ask_and_hover(bench):
    exchange = start(bench, "It greets ", "somebody by name.", title="Explain")
    exchange.release_all()
    bench.editor.wait_end()
    bench.editor.goto(4)
    bench.editor.press("k")
    bench.editor.wait_shown("It greets somebody by name.")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(kakoune_bench)
def kakoune_stop_by_key(bench):
    exchange = start(bench)
    exchange.release(3)
    bench.editor.press("s")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end()
    true(message.startswith("cancelled"), f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text after the stop")


@scenario(kakoune_bench)
def kakoune_reject_by_key(bench):
    finish(bench, start(bench), REWRITTEN)
    bench.editor.goto(4)
    bench.editor.press("n")
    bench.editor.wait_text(ORIGINAL)
