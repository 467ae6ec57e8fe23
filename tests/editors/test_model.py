"""Scenarios in a real Neovim against a real model (SmolLM2 in llama.cpp): what a scripted gateway cannot prove. The
model is small and its words are not judged; what happens to them is."""

import contextlib
import functools
import time

from model_server import KEY, MODEL, ModelServer
from neovim import Neovim
from scenario import AT_END, Bench, Failure, equal, scenario, true

ORIGINAL = """\
def area(width, height):
    result = width * height
    return result

def name():
    return "box"
"""
SELECTED = '    result = width * height\n    return result\n'

# Long enough for an answer, and short enough for a small model that does not find the end.
SETTINGS = {"max_output_tokens": 800, "context": {"max_bytes": 400}}
# On one thread of a busy machine a short answer takes seconds; the first one reads the whole prompt.
ANSWER_SECONDS = 80
# llama.cpp looks for a closed connection between two tokens (after 0.3 s on a quiet machine), and a token takes a second on one
# that is busy. That the connection itself is closed in time is what the scripted gateway sees.
IDLE_SECONDS = 3.0


@functools.cache
def model_server(environment):
    """One server for all scenarios."""
    server = ModelServer(environment)
    AT_END.callback(server.close)
    return server


@contextlib.contextmanager
def model_bench(tools, directory, debounce):
    """Neovim with our server on the real model."""
    server = model_server(tools.environment)
    environment = {"EZROUTER_API_KEY": KEY, "EZROUTER_BASE_URL": server.url, "EZROUTER_MODEL": MODEL}
    editor = Neovim(tools.environment, tools.server, directory, environment, debounce, SETTINGS)
    try:
        yield Bench(directory, server, editor, tools)
        editor.quit()
    finally:
        editor.close()


def start(bench, title):
    """Selects two lines of the usual file and picks an action from the menu."""
    bench.editor.open("area.py", ORIGINAL)
    bench.editor.select(2, 3)
    bench.editor.menu(title)
    bench.editor.normal_mode()


@scenario(model_bench)
def model_ask_shows_an_answer_and_its_usage(bench):
    start(bench, "Explain")
    message = bench.editor.wait_end(seconds=ANSWER_SECONDS)
    true(message.startswith("done"), f"the last progress message is {message!r}")
    bench.editor.go_to(2)
    text = bench.editor.hover()
    answer = text.partition("# ezrouter")[2]
    true(20 < len(answer), f"no answer in the hover: {text!r}")
    true(MODEL in answer, f"no model in the footer: {text!r}")
    footer = [line for line in answer.splitlines() if MODEL in line][-1]
    true(any(character.isdigit() for character in footer.replace(MODEL, "")), f"no usage in the footer: {footer!r}")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(model_bench)
def model_rewrite_changes_the_lines_and_one_undo_gives_them_back(bench):
    start(bench, "Document")
    message = bench.editor.wait_end(seconds=ANSWER_SECONDS)
    true(message.startswith("done"), f"the last progress message is {message!r}")
    text = bench.editor.text()
    head, _, tail = ORIGINAL.partition(SELECTED)
    true(text.startswith(head) and text.endswith(tail), f"text outside the selection was changed: {text!r}")
    region = text[len(head) : len(text) - len(tail)]
    true(region.strip() and region != SELECTED, f"the selection was not rewritten: {text!r}")
    true(not region.lstrip().startswith("```"), f"the fence round the answer is left: {text!r}")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(model_bench)
def model_cancel_stops_the_generation(bench):
    start(bench, "Explain")
    # The first words are there: while llama.cpp reads the prompt it looks at no connection.
    bench.editor.wait("an answer", lambda: "tokens" in str(bench.editor.progress()[-1:]), seconds=ANSWER_SECONDS)
    true(bench.gateway.busy(), "the model is not at work")
    asked_at = time.monotonic()
    bench.editor.execute("ezrouter.cancel")
    while bench.gateway.busy():
        if IDLE_SECONDS < time.monotonic() - asked_at:
            raise Failure(f"the model is still at work {IDLE_SECONDS} s after the cancel")
        time.sleep(0.01)
    message = bench.editor.wait_end()
    true("cancelled" in message, f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text")
