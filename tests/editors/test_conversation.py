"""A conversation in a Markdown document, played alike in a real Neovim, a real Helix and a real Emacs without a plugin."""

import contextlib
import re

from gateway import MODEL, Gateway
from scenario import Bench, equal, scenario, true
from test_every_editor import EDITORS, MOST, in_editors
from test_neovim import ORIGINAL

QUESTION = "Why two lines?"
PIECES = ("Because\n", "- it greets\n", "- and prints.")
ANSWER = "### Answer\n\nBecause\n- it greets\n- and prints.\n\n*USAGE*\n\n## You\n\n\n"
SECTION = '## Explain\n\ngreet.py, lines 4 to 5, WHEN\n\n```python\n    message = "Hello, " + name\n    print(message)\n```\n\n'


def plain(text):
    """A document without what differs from run to run."""
    text = re.sub(r"\*deepseek[^\n]* <!-- turn [0-9a-f]+ -->", "*USAGE*", text)
    return re.sub(r", \d{4}-\d\d-\d\d \d\d:\d\d\n", ", WHEN\n", text)


def converse(bench):
    """Opens the conversation from the code, and writes a question where the cursor is put. Gives the text then."""
    if not (bench.editor.project / "greet.py").exists():
        bench.editor.open("greet.py", ORIGINAL)
    bench.editor.command("ezrouter.openConversation")
    bench.editor.turn_to_conversation()
    bench.editor.type_here(QUESTION)
    text = bench.editor.text()
    true(text.endswith(f"\n## You\n\n{QUESTION}\n"), f"the question is not where it should be: {text!r}")
    return text


def send(bench, *pieces):
    exchange = bench.gateway.script(*(pieces or PIECES))
    bench.editor.act("Send")
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


@in_editors()
def a_conversation_in_a_document(bench):
    first = bench.gateway.script("It greets.", gated=False)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.choose(4, 5, "Explain")
    true(first.wait_request(), "no request reached the gateway")
    bench.editor.wait_end(1)
    asked = converse(bench)
    true(SECTION in plain(asked), f"the answer about the code is not there: {asked!r}")
    exchange = send(bench)
    equal([message["content"] for message in exchange.request["messages"][2:]], ["It greets.", QUESTION], "what is sent")
    exchange.release(2)
    if bench.editor.streams:
        bench.editor.wait_line("- it greets")
    exchange.release_all()
    message = bench.editor.wait_end(2)
    true(message.startswith("done"), f"the last progress message is {message!r}")
    equal(plain(bench.editor.text()), f"{plain(asked)}\n{ANSWER}", "the whole document")
    bench.editor.undo()
    equal(bench.editor.text(), asked, "the text after one undo")


@in_editors()
def stop_in_a_conversation_while_typing_above(bench):
    asked = converse(bench)
    exchange = send(bench)
    exchange.release(1)
    if bench.editor.streams:
        bench.editor.wait_line("Because")
    bench.editor.insert_above(1, "typed above")
    bench.editor.act("Stop")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end(1)
    true(message.startswith("cancelled"), f"the last progress message is {message!r}")
    equal(bench.editor.text(), f"typed above\n{asked}", "the text after the stop")
    again = send(bench, "So.")
    again.release_all()
    bench.editor.wait_end(2)
    text = bench.editor.text()
    true(f"{QUESTION}\n\n### Answer\n\nSo.\n" in text, f"the answer is not there: {text!r}")
    bench.editor.undo_until(lambda text: text in (f"typed above\n{asked}", asked), MOST)


def document_bench(editor):
    """An editor whose user wants answers in the document of the conversation."""

    @contextlib.contextmanager
    def bench(tools, directory, _debounce):
        gateway = Gateway()
        user_file = directory / "config.toml"
        user_file.write_text('answer.show = "document"\n')
        variables = {
            "EZROUTER_API_KEY": "sk-test",
            "EZROUTER_BASE_URL": gateway.url,
            "EZROUTER_MODEL": MODEL,
            "EZROUTER_CONFIG": str(user_file),
        }
        running = EDITORS[editor](tools.environment, tools.server, directory, variables)
        try:
            yield Bench(directory, gateway, running, tools)
        finally:
            running.close()
            gateway.close()

    return bench


@scenario(document_bench("neovim"), "neovim_answers_in_the_document")
@scenario(document_bench("helix"), "helix_answers_in_the_document")
@scenario(document_bench("emacs"), "emacs_answers_in_the_document")
def answers_in_the_document(bench):
    exchange = bench.gateway.script("It greets", " by name.\n")
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.choose(4, 5, "Explain")
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.turn_to_conversation()
    exchange.release(1)
    if bench.editor.streams:
        bench.editor.wait_line("It greets")
    exchange.release_all()
    bench.editor.wait_end(1)
    text = plain(bench.editor.text())
    section = SECTION.replace(", WHEN", "")
    true(section in text and text.endswith("\n\nIt greets by name.\n\n*USAGE*\n\n## You\n\n\n"), f"the document is {text!r}")
