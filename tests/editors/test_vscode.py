"""Scenarios in a real VS Code with our extension, installed from its package: what a user does with keyboard and mouse, and
what is then to be seen. A workspace that is full of hostile settings lies under most of them."""

import time

from gateway import MODEL, failure
from scenario import Failure, equal, scenario, true
from test_every_editor import BOTH_HUNKS, BYE, FIRST_HUNK, HUNKS, LEAVE, LEFT, SAID
from test_neovim import DELTAS, FIRST, OLD, ORIGINAL, REWRITTEN, SECOND
from undo_table import measured
from vscode_bench import vscode_bench

# More presses than any scenario needs.
MOST = 20
# A cancel closes the connection within 100 ms; the rest is for the browser, the workbench, and a busy machine.
CLOSED_SECONDS = 0.1 + 0.9
THREAD = ".review-widget"
SEND = ".action-label[aria-label^='Send Conversation']"


def in_vscode(function):
    return scenario(vscode_bench, f"vscode_{function.__name__}")(function)


def begin(bench, *deltas, first=4, last=5, words="use an f-string"):
    """Starts a rewrite with the keys, and waits for its request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(first, last)
    bench.editor.press("Control+k", "Shift+A")
    bench.editor.answer_prompt(words)
    true(exchange.wait_request(), "no request reached the gateway")
    true(words in exchange.request["messages"][-1]["content"], "the instruction is not in the request")
    return exchange


def begun(bench, **options):
    """A rewrite whose first line stands in the text."""
    exchange = begin(bench, **options)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    return exchange


def finish(bench, exchange, text):
    """Lets the answer end; the result waits for a verdict."""
    exchange.release_all()
    bench.editor.wait_text(text)
    bench.editor.until("the result waits for a verdict", lambda: bench.editor.has_lens("Accept"))
    equal(bench.editor.text(), text, "the text after the end")


def undone(bench, text):
    """Presses undo until the text is this, and counts."""
    for presses in range(1, MOST + 1):
        bench.editor.undo()
        if bench.editor.text() == text:
            return presses
    raise Failure(f"{MOST} undos did not give the text back: {bench.editor.text()!r}")


@in_vscode
def rewrite_and_one_undo(bench):
    exchange = begun(bench)
    bench.editor.until("the lens offers to stop", lambda: bench.editor.has_lens("Stop"))
    bench.editor.picture("rewrite-streaming")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN)
    true(bench.editor.has_lens("Reject") and bench.editor.has_lens("Retry"), "the verdicts are not offered")
    bench.editor.picture("rewrite-pending")
    presses = undone(bench, ORIGINAL)
    measured(bench, "nothing", "the new text", presses)
    bench.editor.until("nothing is left to decide", lambda: not bench.editor.has_lens("Accept"))
    true(not (bench.editor.project / "stolen").exists(), "a program of the workspace was run")


@in_vscode
def instructions_of_before_can_be_chosen_again(bench):
    finish(bench, begin(bench, words="say it in one line"), REWRITTEN)
    bench.editor.press("Control+k", "n")
    bench.editor.wait_text(ORIGINAL)
    again = bench.gateway.script(*DELTAS)
    bench.editor.select(4, 5)
    bench.editor.press("Control+k", "Shift+A")
    bench.editor.page.wait_for_selector(".quick-input-widget input:focus")
    bench.editor.shows("say it in one line")
    bench.editor.picture("prompt-history")
    bench.editor.press("Enter")
    true(again.wait_request(), "no request reached the gateway")
    true("say it in one line" in again.request["messages"][-1]["content"], "another instruction was sent")
    finish(bench, again, REWRITTEN)


@in_vscode
def typing_above(bench):
    exchange = begun(bench)
    bench.editor.goto(1)
    bench.editor.type("# typed above\n")
    finish(bench, exchange, f"# typed above\n{REWRITTEN}")
    presses = undone(bench, f"# typed above\n{ORIGINAL}")
    measured(bench, "you type above it", "the new text, and what you typed", presses)


@in_vscode
def typing_below(bench):
    exchange = begun(bench)
    bench.editor.press("Control+End")
    bench.editor.type("# typed below\n")
    finish(bench, exchange, f"{REWRITTEN}# typed below\n")
    presses = undone(bench, f"{ORIGINAL}# typed below\n")
    measured(bench, "you type below it", "the new text, and what you typed", presses)


@in_vscode
def moving_the_cursor(bench):
    exchange = begun(bench)
    bench.editor.press("Control+Home", "ArrowDown")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    bench.editor.press("ArrowDown")
    finish(bench, exchange, REWRITTEN)
    equal(undone(bench, ORIGINAL), 1, "presses of undo")


@in_vscode
def typing_inside_written(bench):
    exchange = begun(bench)
    bench.editor.goto(4, end=True)
    bench.editor.type("  # mine")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN.replace(FIRST, f"{FIRST}  # mine"))
    presses = undone(bench, ORIGINAL)
    measured(bench, "you type in the new text", "the new text, with what you typed in it", presses)


@in_vscode
def typing_in_waiting(bench):
    exchange = begun(bench, last=6)
    line = bench.editor.text().splitlines().index("    print(message)") + 1
    bench.editor.goto(line, end=True)
    bench.editor.type("  # keep")
    bench.editor.wait_line("    print(message)  # keep")
    left = bench.editor.text()
    exchange.release_all()
    bench.editor.until("the rest is offered", lambda: bench.editor.has_lens("Apply the rest"))
    equal(bench.editor.text(), left, "the text after the end of a parked rewrite")
    presses = undone(bench, ORIGINAL)
    measured(bench, "you type in text that it was still to replace", "what you typed; it stops editing", presses)


@in_vscode
def undo_in_mid_stream_stops(bench):
    exchange = begun(bench)
    presses = undone(bench, ORIGINAL)
    measured(bench, "you undo in the middle of it", "the original; it stops", presses)
    true(exchange.wait_closed(), "the connection to the gateway stays open")
    bench.editor.until("nothing runs", lambda: not bench.editor.has_lens("Stop"))
    equal(bench.editor.text(), ORIGINAL, "the text afterwards")


@in_vscode
def reject_by_lens_and_by_key(bench):
    finish(bench, begin(bench), REWRITTEN)
    bench.editor.lens("Reject")
    bench.editor.wait_text(ORIGINAL)
    bench.editor.undo()
    equal(bench.editor.text(), REWRITTEN, "undo takes the rejection back")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "and then the rewrite")


@in_vscode
def accept_by_key(bench):
    finish(bench, begin(bench), REWRITTEN)
    bench.editor.press("Control+k", "y")
    bench.editor.until("nothing is left to decide", lambda: not bench.editor.has_lens("Accept"))
    equal(bench.editor.text(), REWRITTEN, "the text after accepting")


@in_vscode
def stop_by_escape(bench):
    exchange = begun(bench)
    pressed = time.monotonic()
    bench.editor.press("Escape")
    true(exchange.wait_closed(), "the connection to the gateway stays open")
    took = exchange.closed_at - pressed
    print(f"    Escape closed the connection after {took * 1000:.0f} ms")
    true(took < CLOSED_SECONDS, f"the connection closed {took * 1000:.0f} ms after the key")
    bench.editor.wait_text(ORIGINAL)


@in_vscode
def escape_closes_what_lies_over_the_text_first(bench):
    exchange = begun(bench)
    peek = ".reference-zone-widget"
    bench.editor.js(
        """const { document } = vscode.window.activeTextEditor;
        const place = new vscode.Location(document.uri, new vscode.Position(7, 0));
        await vscode.commands.executeCommand("editor.action.peekLocations", document.uri, new vscode.Position(0, 0), [place]);"""
    )
    bench.editor.page.wait_for_selector(peek)
    bench.editor.page.click(".view-line:has-text('import os')")
    bench.editor.press("Escape")
    bench.editor.until("it is closed", lambda: bench.editor.page.query_selector(peek) is None)
    finish(bench, exchange, REWRITTEN)


@in_vscode
def escape_in_another_file_stops_nothing(bench):
    exchange = begun(bench)
    bench.editor.open("other.py", "other = 1\n")
    bench.editor.press("Escape")
    bench.editor.open("greet.py")
    finish(bench, exchange, REWRITTEN)


@in_vscode
def saving_meanwhile(bench):
    exchange = begun(bench)
    bench.editor.press("Control+s")
    bench.editor.until("it is saved", lambda: FIRST in (bench.editor.project / bench.editor.folder / "greet.py").read_text())
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN)
    equal(undone(bench, ORIGINAL), 1, "presses of undo")


@in_vscode
def other_line_ends_and_characters_beyond_the_basic_plane(bench):
    def windows(text):
        return text.replace("Hello", "\U0001f600 Hello").replace("\n", "\r\n")

    exchange = bench.gateway.script(*(piece.replace("Hello", "\U0001f600 Hello") for piece in DELTAS))
    bench.editor.open("greet.py", windows(f"# \U0001f600\n{ORIGINAL}"))
    bench.editor.select(5, 6)
    bench.editor.press("Control+k", "Shift+A")
    bench.editor.answer_prompt("use an f-string")
    exchange.release_all()
    bench.editor.wait_text(windows(f"# \U0001f600\n{REWRITTEN}"))
    bench.editor.until("the result waits for a verdict", lambda: bench.editor.has_lens("Accept"))
    equal(undone(bench, windows(f"# \U0001f600\n{ORIGINAL}")), 1, "presses of undo")


@in_vscode
def nothing_selected(bench):
    """An instruction writes at the cursor; a question is about the line, or what an outline says is around the cursor."""
    editor = bench.editor
    exchange = bench.gateway.script("    check(name)\n", gated=False)
    editor.open("greet.py", ORIGINAL)
    editor.goto(4)
    editor.press("Control+k", "Shift+A")
    editor.shows("Write at the cursor")
    editor.answer_prompt("check the name first")
    true(exchange.wait_request(), "no request reached the gateway")
    editor.until("it stands there", lambda: "\ncheck(name)\n" in editor.text())
    editor.until("it waits for a verdict", lambda: editor.has_lens("Accept"))
    equal(undone(bench, ORIGINAL), 1, "presses of undo")
    editor.open("notes.md", "# One\n\nFirst.\n\n# Two\n\nSecond.\n")
    editor.goto(7)
    about = bench.gateway.script("About two.", gated=False)
    editor.command("ezrouter: Explain")
    true(about.wait_request(), "no second request reached the gateway")
    editor.shows("About two.")
    equal(editor.text(), "# One\n\nFirst.\n\n# Two\n\nSecond.\n", "the text")


@in_vscode
def an_outline_that_does_not_come_holds_nothing_up(bench):
    editor = bench.editor
    editor.js(
        """globalThis.slow = vscode.languages.registerDocumentSymbolProvider(
          { pattern: "**/greet.py" }, { provideDocumentSymbols: () => new Promise(() => {}) });"""
    )
    try:
        exchange = bench.gateway.script("It greets.", gated=False)
        editor.open("greet.py", ORIGINAL)
        editor.goto(4)
        editor.command("ezrouter: Explain")
        true(exchange.wait_request(), "no request reached the gateway")
        editor.shows("It greets.")
    finally:
        editor.js("globalThis.slow.dispose();")


@in_vscode
def typing_above_the_text_while_the_box_is_open(bench):
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.press("Control+k", "Shift+A")
    bench.editor.page.wait_for_selector(".quick-input-widget input:focus")
    bench.editor.type("use an f-string")
    bench.editor.focus()
    bench.editor.press("Control+Home")
    bench.editor.type("# one\n# two\n# three\n")
    bench.editor.page.click(".quick-input-widget input")
    bench.editor.press("Enter")
    true(exchange.wait_request(), "no request reached the gateway")
    finish(bench, exchange, f"# one\n# two\n# three\n{REWRITTEN}")


@in_vscode
def a_file_without_a_name(bench):
    editor = bench.editor
    editor.js(
        """const document = await vscode.workspace.openTextDocument({ language: "python", content: argument });
        await vscode.window.showTextDocument(document);""",
        ORIGINAL,
    )
    exchange = bench.gateway.script(*DELTAS)
    editor.select(4, 5)
    editor.press("Control+k", "Shift+A")
    editor.answer_prompt("use an f-string")
    true(exchange.wait_request(), "no request reached the gateway")
    finish(bench, exchange, REWRITTEN)
    equal(undone(bench, ORIGINAL), 1, "presses of undo")


@in_vscode
def a_failure_is_told_once_and_changes_nothing(bench):
    bench.gateway.refuse(400, failure("invalid_request_error", "Wrong: [press](command:workbench.action.quit) this"))
    editor = bench.editor
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.press("Control+k", "Shift+A")
    editor.answer_prompt("use an f-string")
    editor.until("it is told", lambda: any("failed" in text for text in editor.notifications()))
    told = [text for text in editor.notifications() if "failed" in text]
    editor.picture("failed")
    equal(len(told), 1, f"how often it is told: {told}")
    true("scripted-1" in told[0], f"the id of the request is missing: {told}")
    link = editor.page.query_selector(".notification-list-item-message a")
    equal(link and link.inner_text(), None, "a link that the gateway has put into a message")
    true("[press] (command:" in told[0], f"what the gateway said is missing: {told}")
    equal(editor.text(), ORIGINAL, "the text")


@in_vscode
def stop_by_the_notification(bench):
    exchange = begun(bench)
    bench.editor.page.wait_for_selector(".notification-toast:has-text('ezrouter: use an f-string')")
    bench.editor.picture("notification")
    bench.editor.page.click(".notification-toast:has-text('ezrouter: use an f-string') a:has-text('Cancel')")
    true(exchange.wait_closed(), "the connection to the gateway stays open")
    bench.editor.wait_text(ORIGINAL)


@in_vscode
def stop_by_the_status_bar(bench):
    exchange = begun(bench)
    bench.editor.page.click(".statusbar-item:has-text('use an f-string')")
    true(exchange.wait_closed(), "the connection to the gateway stays open")
    bench.editor.wait_text(ORIGINAL)


@in_vscode
def a_hidden_tab_is_rewritten_too(bench):
    exchange = begun(bench)
    bench.editor.open("other.py", "other = 1\n")
    exchange.release_all()
    bench.editor.until("the hidden text is whole", lambda: bench.editor.text("greet.py") == REWRITTEN)
    equal(bench.editor.text(), "other = 1\n", "the visible text")
    bench.editor.open("greet.py")
    bench.editor.until("the result waits for a verdict", lambda: bench.editor.has_lens("Accept"))
    equal(undone(bench, ORIGINAL), 1, "presses of undo")


@in_vscode
def ask_and_follow_up(bench):
    first = bench.gateway.script("It greets ", "whoever is named.")
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.command("ezrouter: Explain")
    true(first.wait_request(), "no request reached the gateway")
    true(OLD.strip() in first.request["messages"][-1]["content"], "the selection is not in the request")
    first.release(1)
    bench.editor.shows("It greets")
    bench.editor.shows("still writing")
    first.release_all()
    bench.editor.shows("900 tokens in (600 cached), 40 out")
    bench.editor.picture("answer")
    second = bench.gateway.script("Nothing is ", "returned by it.")
    ask_on(bench, "What does it return?")
    true(second.wait_request(), "no second request reached the gateway")
    asked = second.request["messages"]
    true(any("whoever is named" in str(one["content"]) for one in asked), f"the earlier turn does not go along: {asked}")
    true("What does it return?" in asked[-1]["content"], "the question is not in the request")
    second.release(1)
    bench.editor.shows("Nothing is")
    bench.editor.thread_button("Open Answer as Preview")
    bench.editor.page.wait_for_selector("iframe.webview.ready")
    bench.editor.picture("answer-streaming")
    second.release_all()
    bench.editor.until("the preview follows", lambda: "returned by it" in preview(bench))
    bench.editor.picture("answer-and-preview")


def ask_on(bench, question):
    """Asks the next question in the box of the thread."""
    bench.editor.page.click(f"{THREAD} :is(.review-thread-reply-button, .comment-form .monaco-editor):visible")
    bench.editor.type(question)
    # The key sends nothing before VS Code has seen that there is something to send.
    bench.editor.page.wait_for_selector(f"{THREAD} .form-actions .monaco-button:not(.disabled):visible")
    bench.editor.press("Control+Enter")


def preview(bench):
    """What the Markdown preview shows: it lies two frames deep."""
    texts = []
    for frame in bench.editor.page.frames:
        try:
            texts.append(frame.inner_text("body", timeout=500))
        except Exception:
            continue
    return "\n".join(texts[1:])


@in_vscode
def reject_one_hunk(bench):
    exchange = begin(bench, *HUNKS, last=9)
    finish(bench, exchange, BOTH_HUNKS)
    bench.editor.goto(9)
    bench.editor.choose("Reject hunk")
    bench.editor.wait_text(FIRST_HUNK)
    presses = undone(bench, ORIGINAL)
    measured(bench, "afterwards you reject one hunk", "the new text without that hunk", presses)


@in_vscode
def two_rewrites_at_once(bench):
    above = begin(bench)
    below = bench.gateway.script(*LEAVE)
    bench.editor.select(8, 9)
    bench.editor.press("Control+k", "Shift+A")
    bench.editor.answer_prompt("say it otherwise")
    true(below.wait_request(), "no second request reached the gateway")
    above.release(3)
    below.release(4)
    bench.editor.wait_line(FIRST)
    bench.editor.wait_line(SAID)
    below.release_all()
    bench.editor.until("the second waits for a verdict", lambda: bench.editor.has_lens("Accept"))
    above.release_all()
    both = REWRITTEN.replace(BYE, LEFT)
    bench.editor.wait_text(both)
    bench.editor.until("both wait for a verdict", lambda: not bench.editor.has_lens("Stop"))
    bench.editor.picture("two-rewrites")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL.replace(BYE, LEFT), "one undo takes back the one that ended last")
    presses = 1 + undone(bench, ORIGINAL)
    measured(bench, "two rewrites run at once", "both new texts", presses)


@in_vscode
def retry_by_key_and_compare(bench):
    finish(bench, begin(bench), REWRITTEN)
    bench.editor.command("ezrouter: Show Changes of the Rewrite")
    bench.editor.shows("greet.py (before and after the rewrite)")
    bench.editor.until("both sides are shown", lambda: "Hello, " in bench.editor.visible())
    bench.editor.picture("changes")
    bench.editor.js('await vscode.commands.executeCommand("workbench.action.closeActiveEditor");')
    bench.editor.focus()
    again = bench.gateway.script('    print(f"Hello, {name}")')
    bench.editor.press("Control+k", "t")
    true(again.wait_request(), "no second request reached the gateway")
    bench.editor.wait_text(ORIGINAL)
    finish(bench, again, ORIGINAL.replace(OLD, '    print(f"Hello, {name}")\n'))


@in_vscode
def an_answer_from_the_menu_is_stopped_repeated_and_put_away(bench):
    editor = bench.editor
    first = bench.gateway.script("It greets ", "whoever is named.")
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.choose("Explain")
    true(first.wait_request(), "no request reached the gateway")
    first.release(1)
    editor.shows("It greets")
    editor.thread_button("Stop")
    true(first.wait_closed(), "the connection to the gateway stays open")
    editor.shows("Stopped")
    second = bench.gateway.script("It says hello.", gated=False)
    editor.thread_button("Ask Again")
    true(second.wait_request(), "no second request reached the gateway")
    editor.shows("It says hello.")
    true("Stopped" not in editor.page.inner_text(THREAD), "the stopped answer is still there")
    editor.thread_button("Dismiss Answer")
    editor.until("the thread is gone", lambda: editor.page.query_selector(THREAD) is None)


@in_vscode
def an_answer_put_away_in_mid_stream_stays_away(bench):
    """The last piece of a stopped answer closes the code that it broke off in: nobody wants it any more."""
    editor = bench.editor
    exchange = bench.gateway.script("Look:\n\n```python\nfirst = 1\n", "second = 2\n", "```\n")
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release(1)
    editor.shows("first = 1")
    editor.thread_button("Dismiss Answer")
    true(exchange.wait_closed(), "the connection to the gateway stays open")
    editor.until("nothing runs", lambda: editor.status().strip() == "ezrouter")
    editor.until("the thread is gone", lambda: editor.page.query_selector(THREAD) is None)


@in_vscode
def a_question_may_be_cut_in_a_character(bench):
    """The name of its preview has the first 40 units of it, and an emoji is two."""
    question = "Is it in the right place for a laughing\U0001f600?"
    bench.gateway.script("It is.", gated=False)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.press("Control+k", "a")
    bench.editor.answer_prompt(question)
    bench.editor.shows("It is.")
    bench.editor.shows("900 tokens in")
    bench.editor.thread_button("Open Answer as Preview")
    bench.editor.until("the preview shows it", lambda: "It is." in preview(bench))


@in_vscode
def a_follow_up_is_about_the_lines_of_its_thread(bench):
    editor = bench.editor
    bench.gateway.script("It greets whoever is named.", gated=False)
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    editor.shows("whoever is named.")
    editor.goto(1)
    editor.type("# one\n# two\n# three\n")
    exchange = bench.gateway.script("Nothing.", gated=False)
    ask_on(bench, "What does it return?")
    true(exchange.wait_request(), "no second request reached the gateway")
    question = exchange.request["messages"][-1]["content"]
    true(f"<selection>\n{OLD}</selection>" in question, f"it is about other lines: {question}")
    editor.shows("Nothing.")


@in_vscode
def an_answer_is_text(bench):
    """What a model writes loads nothing and runs nothing, neither in the thread nor in the preview."""
    editor = bench.editor
    pixel = f"{bench.gateway.url}/page/pixel"
    bench.gateway.script(
        f"Look: ![pixel]({pixel}) <img src='{pixel}'> <b>bold</b>\n\n",
        "[run](command:workbench.action.closeWindow) and that is all.",
        gated=False,
    )
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    editor.shows("that is all")
    editor.thread_button("Open Answer as Preview")
    editor.until("the preview shows it", lambda: "that is all" in preview(bench))
    equal(editor.page.query_selector(f"{THREAD} .comment-body img"), None, "an image of the answer")
    equal(editor.page.query_selector(f"{THREAD} a[data-href^='command:']"), None, "a command of the answer")
    fetched = [request["path"] for request in bench.gateway.requests if request["path"].startswith("/page/")]
    equal(fetched, [], "what the answer made the editor fetch")


@in_vscode
def what_would_be_sent_is_shown(bench):
    editor = bench.editor
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.press("Control+k", "a")
    editor.page.wait_for_selector(".quick-input-widget input:focus")
    editor.type("Who is greeted?")
    editor.page.click(".quick-input-widget .action-label[aria-label*='Show exactly what would be sent']")
    editor.until("the request is shown", lambda: "Who is greeted?" in (editor.text() or ""))
    editor.picture("request")
    asked = [request for request in bench.gateway.requests if request["method"] == "POST"]
    equal(asked, [], "something was sent")


@in_vscode
def a_model_is_chosen(bench):
    editor = bench.editor
    editor.open("greet.py", ORIGINAL)
    editor.command("ezrouter: Select Model")
    editor.page.wait_for_selector(".quick-input-list .monaco-list-row:has-text('in force')")
    editor.picture("models")
    editor.type("other-model")
    editor.page.wait_for_selector(".quick-input-list .monaco-list-row:has-text('other-model')")
    editor.press("Enter")
    editor.shows("other-model is selected, but")
    exchange = bench.gateway.script("Fine.", gated=False)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    true(exchange.wait_request(), "no request reached the gateway")
    equal(exchange.request["model"], "other-model", "the model of the request")
    editor.command("ezrouter: Restart Server")
    again = bench.gateway.script("Fine again.", gated=False)
    editor.until("the server is there again", lambda: "ezrouter.status" in editor.commands())
    editor.select(8, 9)
    editor.command("ezrouter: Explain")
    true(again.wait_request(), "no request reached the gateway")
    equal(again.request["model"], "other-model", "the model after a restart")
    editor.js('await vscode.commands.executeCommand("ezrouter.selectModel", { model: argument });', MODEL)


@in_vscode
def a_model_with_the_beginning_of_another_name(bench):
    editor = bench.editor
    part = MODEL[:-2]
    editor.open("greet.py", ORIGINAL)
    editor.command("ezrouter: Select Model")
    editor.page.wait_for_selector(f".quick-input-list .monaco-list-row:has-text('{MODEL}')")
    editor.type(part)
    # The list has what is typed so far.
    editor.page.click(f".quick-input-list .monaco-list-row:has-text('{part}'):has-text('not in the catalog')")
    editor.shows(f"{part} is selected, but")
    editor.js('await vscode.commands.executeCommand("ezrouter.selectModel", { model: argument });', MODEL)


@in_vscode
def a_conversation_in_a_document(bench):
    editor = bench.editor
    bench.gateway.script("It greets whoever is named.", gated=False)
    editor.open("greet.py", ORIGINAL)
    editor.select(4, 5)
    editor.command("ezrouter: Explain")
    editor.shows("whoever is named.")
    editor.command("ezrouter: Open Conversation")
    editor.until("the conversation is shown", lambda: "whoever is named." in (editor.text() or "") and "greet.py" in editor.text())
    second = bench.gateway.script("It returns ", "nothing at all.")
    editor.focus()
    editor.page.wait_for_selector(SEND)
    editor.press("Control+End")
    editor.type("What does it return?")
    editor.press("Control+Enter")
    true(second.wait_request(), "no second request reached the gateway")
    true("What does it return?" in second.request["messages"][-1]["content"], "the question is not in the request")
    second.release(1)
    editor.until("the answer streams into the document", lambda: "It returns" in editor.text())
    editor.picture("conversation")
    second.release_all()
    editor.until("the answer stands in the document", lambda: "It returns nothing at all." in editor.text())
    equal(editor.page.query_selector(THREAD), None, "a thread for an answer in a document")


@in_vscode
def an_answer_in_a_document_that_was_cut_off_waits_for_a_verdict(bench):
    editor = bench.editor
    editor.open("greet.py", ORIGINAL)
    editor.command("ezrouter: Open Conversation")
    editor.until("the conversation is shown", lambda: "# Conversation" in (editor.text() or ""))
    editor.focus()
    editor.press("Control+End")
    editor.type("What does it return?")
    editor.wait_line("What does it return?")
    before = editor.text()
    exchange = bench.gateway.script("It returns ", finish="length", gated=False)
    editor.press("Control+Enter")
    true(exchange.wait_request(), "no request reached the gateway")
    editor.until("the rest is offered", lambda: editor.has_lens("Apply the rest"))
    true("It returns" in editor.text(), "what has come of the answer is missing")
    editor.press("Control+k", "n")
    editor.until("nothing is left to decide", lambda: not editor.has_lens("Apply the rest"))
    equal(editor.text(), before, "the text after rejecting")


@in_vscode
def markdown_of_others_is_no_conversation(bench):
    bench.editor.open("conversations/notes.md", "one\ntwo\n")
    bench.editor.goto(1)
    bench.editor.press("Control+Enter")
    bench.editor.wait_text("one\n\ntwo\n")
    equal(bench.editor.page.query_selector(SEND), None, "the button to send it")


@in_vscode
def the_walkthrough_has_its_pictures(bench):
    editor = bench.editor
    editor.js("""await vscode.commands.executeCommand("workbench.action.openWalkthrough", "ezrouter.ezrouter#begin", false);
        await vscode.commands.executeCommand("workbench.action.closeSidebar");""")
    titles = ("Set your API key", "Ask about some code", "Have some code rewritten", "Choose a model, and look at what is sent")
    for number, title in enumerate(titles, 1):
        editor.page.click(f".getting-started-step:has-text('{title}')")
        editor.until(f"the picture of {title!r} is there", lambda: editor.page.evaluate(PICTURE_IS_THERE))
        editor.picture(f"walkthrough-{number}")
    editor.js('await vscode.commands.executeCommand("workbench.view.explorer");')


PICTURE_IS_THERE = """(() => {
  const pictures = [...document.querySelectorAll(".getting-started-media img")];
  return pictures.some((one) => one.complete && 0 < one.naturalWidth && 0 < one.getBoundingClientRect().width);
})()"""
