"""The first minutes of a user who makes every mistake, in a real Neovim with the configuration that users paste: each
mistake is met with a short message that names it and with a longer one in the log that says what to do. What was shown
is printed, to be read."""

import contextlib
import pathlib
import socket

from gateway import MODEL, Gateway, failure
from neovim import CONFIGURATION, Neovim
from scenario import Bench, scenario, true

TEXT = "def greet(name):\n    return 'Hello, ' + name\n"

# Name of the mistake: variables beside a good set-up (None takes one away), what the screen names, what the log advises.
MISTAKES = {
    "no_key": ({"EZROUTER_API_KEY": None}, "No API key is set", "Set EZROUTER_API_KEY"),
    "key_with_a_newline_inside": ({"EZROUTER_API_KEY": "sk-one\nsk-two"}, "The API key holds characters", "Set EZROUTER_API_KEY"),
    "address_without_https": ({"EZROUTER_BASE_URL": "www.ezrouter.invalid"}, "base URL is not a web address", "begins with https://"),
    "address_that_does_not_exist": ({"EZROUTER_BASE_URL": "https://www.ezrouter.invalid"}, "has no known addre", "EZROUTER_BASE_URL"),
    "address_of_a_web_page": ({"EZROUTER_BASE_URL": "{gateway}/page"}, "answers with a web page", "EZROUTER_BASE_URL"),
    "address_with_a_wrong_path": ({"EZROUTER_BASE_URL": "{gateway}/wrong"}, "no chat endpoint at this address", "EZROUTER_BASE_URL"),
    "proxy_that_does_not_answer": (
        {"EZROUTER_BASE_URL": "https://www.ezrouter.invalid", "HTTPS_PROXY": "http://127.0.0.1:{closed}"},
        "The proxy did not open a connection",
        "HTTPS_PROXY",
    ),
}


@contextlib.contextmanager
def first_bench(tools, directory, debounce, changes):
    """Neovim as a beginner has set it up."""
    gateway = Gateway()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        environment = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
        environment |= {name: value and value.format(closed=closed, gateway=gateway.url) for name, value in changes.items()}
        environment = {name: value for name, value in environment.items() if value is not None}
        editor = Neovim(tools.environment, tools.server, directory, environment, debounce, {"retry": {"attempts": 1}})
        try:
            yield Bench(directory, gateway, editor, tools, debounce)
            editor.quit()
        finally:
            editor.close()
            gateway.close()


def bench_with(changes):
    """A bench for `scenario` with these changes of the environment."""
    return lambda tools, directory, debounce: first_bench(tools, directory, debounce, changes)


def advice_in(bench, advice):
    """The line of Neovim's own log of language servers that holds this advice."""
    log = bench.editor.lua("return vim.lsp.log.get_filename()")
    lines = pathlib.Path(log).read_text().splitlines() if pathlib.Path(log).exists() else []
    return next((line.split("\t")[-1] for line in lines if advice in line), None)


def met(bench, words, advice):
    """Asks, and looks at what the user is told: one short line on the screen, the advice in the log."""
    bench.editor.open("greet.py", TEXT)
    bench.editor.select(1, 2)
    bench.editor.menu("Explain")
    end = bench.editor.wait_end()
    true(end.startswith("failed"), f"the progress ends with {end!r}")
    shown = bench.editor.wait("a message", lambda: [line for line in bench.editor.messages().splitlines() if "LSP[ezrouter]" in line])
    logged = bench.editor.wait("Neovim's log of the message", lambda: advice_in(bench, advice))
    print(f"    screen: {shown[-1]}\n    log:    {logged}")
    true(any(words in line for line in shown), f"{words!r} is not on the screen: {shown}")
    true(all(len(line) <= 79 for line in shown), f"a message that waits for a key: {shown}")
    true(bench.editor.text() == TEXT, "the text changed")


for mistake, (changed, shown_words, logged_advice) in MISTAKES.items():
    scenario(bench_with(changed), f"first_minutes_{mistake}", words=shown_words, advice=logged_advice)(met)


@scenario(bench_with({}))
def first_minutes_wrong_key(bench):
    bench.gateway.refuse(401, failure("authentication_error", "Invalid token", "invalid_api_key"))
    met(bench, "does not accept the key", "EZROUTER_API_KEY")


@scenario(bench_with({"EZROUTER_API_KEY": "  sk-test\n"}))
def first_minutes_key_with_a_newline_at_its_end(bench):
    """As `export EZROUTER_API_KEY="$(cat key; echo)"` and a copied line give it: it is meant without."""
    exchange = bench.gateway.script("It greets.", gated=False)
    bench.editor.open("greet.py", TEXT)
    bench.editor.select(1, 2)
    bench.editor.menu("Explain")
    end = bench.editor.wait_end()
    true(end.startswith("done"), f"the progress ends with {end!r}")
    true(exchange.request is not None, "no request reached the gateway")
    keys = {request["headers"]["authorization"] for request in bench.gateway.requests}
    true(keys == {"Bearer sk-test"}, f"the key that was sent is {keys}")


@scenario(bench_with({"EZROUTER_MODEL": "claude-sonet"}))
def first_minutes_unknown_model(bench):
    bench.gateway.refuse(404, failure("invalid_request_error", "The model claude-sonet does not exist", "model_not_found"))
    met(bench, "does not know the model", "Choose another model")


@scenario(bench_with({}))
def first_minutes_server_not_on_path(bench):
    editor = bench.editor
    (bench.directory / "bin" / "ezrouter-lsp").unlink()
    editor.lua("local path = ... vim.schedule(function() dofile(path) end)", str(CONFIGURATION))
    words = editor.wait("a message", lambda: [line for line in editor.messages().splitlines() if "not on PATH" in line])
    print(f"    screen: {words[-1]}")
    true("cargo install" in words[-1], f"no help in {words}")


@scenario(bench_with({"EZROUTER_API_KEY": None, "EZROUTER_OFFLINE": "1"}))
def first_minutes_offline(bench):
    editor = bench.editor
    editor.open("greet.py", TEXT)
    editor.select(1, 2)
    editor.menu("Simplify")
    end = editor.wait_end()
    true(end.startswith("done"), f"the progress ends with {end!r}")
    true("# Scripted, no model was asked" in editor.text(), f"the text is {editor.text()!r}")
    editor.undo()
    true(editor.text() == TEXT, "one undo did not take it back")
