"""A real Emacs in a terminal that tmux holds: keys in, and Lisp through its own server. Our server is started by Eglot, with
the very editors/emacs.el that users paste, or by the plugin in editors/emacs, beside Eglot with another server."""

import json
import subprocess
import sys

from in_tmux import HERE, ROOT, InTmux
from scenario import Failure, made_offline

CONFIGURATION = ROOT / "editors" / "emacs.el"
# The plugin, and what its README tells to write for it.
PLUGIN = ROOT / "editors" / "emacs"
PLUGIN_SET_UP = """(require 'ezrouter)
(setopt ezrouter-keymap-prefix "C-c e")
(global-ezrouter-mode)"""
# What the file tells to change to try it without a key.
ONLINE, OFFLINE = '("ezrouter-lsp" "--stdio")', '("ezrouter-lsp" "--stdio" "--offline")'


class Emacs(InTmux):
    """One Emacs with one file."""

    client = "Emacs 30"
    # Eglot takes edits for older text, so a result arrives as one edit at its end.
    streams = False

    def __init__(self, _environment, server, directory, variables, offline=False, settings=None):
        super().__init__(server, directory, variables)
        self.configuration = CONFIGURATION
        if offline:
            self.configuration = directory / "offline.el"
            self.configuration.write_text(made_offline(CONFIGURATION.read_text(), ONLINE, OFFLINE))
        if settings is not None:
            pairs = " ".join(f":{name} {json.dumps(value)}" for name, value in settings.items())
            self.configuration = directory / "settings.el"
            own = f"(setq-default eglot-workspace-configuration '(:ezrouter ({pairs})))\n"
            self.configuration.write_text(CONFIGURATION.read_text() + own)
        self.name = str(directory / "emacs")

    def open(self, name, text):
        """Opens a file of the project and waits until our server has it."""
        self.start_with(name, text)
        self.wait(lambda: "didOpen" in self.traffic(), "the server to have the file", 20.0)

    def start_with(self, name, text):
        """Starts Emacs with a file of the project."""
        self.write(name, text)
        start = f'(progn (require (quote json)) (setq server-name "{self.name}" make-backup-files nil) (server-start))'
        self.start("emacs", "-nw", "-Q", "-l", self.configuration, "--eval", start, self.path)

    def lisp(self, expression):
        """The value of an expression, as JSON can tell it."""
        wrapped = f"(let ((json-encoding-pretty-print nil)) (json-encode (progn {expression})))"
        command = ["emacsclient", "-s", self.name, "--eval", wrapped]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=self.variables)
        if done.returncode:
            raise Failure(f"Emacs does not take {expression}: {done.stderr}\n{self.screen()}")
        # A Lisp string that holds JSON.
        return json.loads(json.loads(done.stdout))

    def in_buffer(self, expression):
        return self.lisp(f'(with-current-buffer "{self.path.name}" {expression})')

    def text(self):
        return self.in_buffer("(buffer-substring-no-properties (point-min) (point-max))")

    def wait_line(self, line):
        """Waits until the buffer has this line."""
        self.wait(lambda: line in self.text().split("\n"), f"a line {line!r}")

    def goto(self, line):
        """Puts the cursor of the window at the beginning of a line."""
        self.lisp(f'(progn (select-window (get-buffer-window "{self.path.name}" t)) '
                  f"(goto-char (point-min)) (forward-line {line - 1}) nil)")

    def insert_above(self, line, text):
        """Types a line of its own above a line."""
        self.goto(line)
        # Key by key: a burst is a paste to Emacs.
        for key in text:
            self.type(key)
        self.keys("Enter")
        self.wait(lambda: f"{text}\n" in self.text(), "what was typed")

    def append(self, line, text):
        """Types at the end of the only line that reads so."""
        self.goto(self.line_of(line))
        self.keys("C-e")
        for key in text:
            self.type(key)
        self.wait(lambda: f"{line}{text}\n" in self.text(), "what was typed")

    def type_here(self, text):
        """Types where the cursor is."""
        for key in text:
            self.type(key)
        self.wait(lambda: text in self.text(), "what was typed")

    def act(self, title):
        """Runs the code action whose title begins so, where the cursor is."""
        self.run(title, "(append (eglot-code-actions (point) (point)) nil)")

    def undo(self):
        """Presses C-/ once."""
        before = self.text()
        # What a terminal sends for C-/.
        self.keys("C-_")
        self.wait(lambda: self.text() != before, "an undo")

    def wait_document(self, text):
        """Waits until some buffer has this text in it."""
        # A JSON string is one of Lisp too.
        found = f"(string-search {json.dumps(text)} (with-current-buffer buffer (buffer-string)))"
        somewhere = f"(if (seq-some (lambda (buffer) {found}) (buffer-list)) 1 0)"
        self.wait(lambda: self.lisp(somewhere), f"a document with {text!r}")

    def start_server_again(self):
        """As a user does after the server died: visits the file anew."""
        opened = self.opened()
        self.wait(lambda: self.in_buffer("(if (eglot-managed-p) 0 1)"), "Emacs to notice")
        self.keys("C-x", "C-v", "Enter")
        self.wait(lambda: opened < self.opened(), "the new server to have the file")

    def titles(self, first, last):
        """What the menu has there, one title a line."""
        return "\n".join(self.in_buffer(f"(mapcar (lambda (action) (plist-get action :title)) {actions(first, last)})"))

    def choose(self, first, last, title):
        """Runs the code action on whole lines whose title begins so; gives nothing."""
        self.run(title, actions(first, last))

    def run(self, title, found):
        """Runs the first of the actions that an expression finds whose title begins so."""
        self.in_buffer(f"""
          (let* ((actions {found})
                 (action (seq-find (lambda (action) (string-prefix-p "{title}" (plist-get action :title))) actions)))
            (unless action (error "No {title} in %S" actions))
            (eglot-execute (eglot-current-server) action)
            nil)""")

    def command(self, name):
        """Runs a command of our server, as a key that is bound to it does."""
        self.in_buffer(f'(progn (eglot-execute (eglot-current-server) (list :title "" :command "{name}")) nil)')

    def hover(self, line):
        """The hover at the beginning of a line, as the server gives it."""
        return self.in_buffer(f"""
          (save-excursion
            (goto-char (point-min))
            (forward-line {line - 1})
            (let ((hover (eglot--request (eglot--current-server-or-lose) :textDocument/hover
                                         (eglot--TextDocumentPositionParams))))
              (plist-get (plist-get hover :contents) :value)))""")


def actions(first, last):
    """The expression for the code actions on whole lines."""
    return f"""
      (save-excursion
        (goto-char (point-min))
        (append (eglot-code-actions (line-beginning-position {first}) (line-beginning-position {last + 1})) nil))"""


class EmacsPlugin(Emacs):
    """The same with `ezrouter.el`, and Eglot with another server in the same buffer. `set_up` is what its user writes."""

    client = "Emacs plugin"
    streams = True

    def __init__(self, _environment, server, directory, variables, set_up=PLUGIN_SET_UP, settings=None, program=None):
        super().__init__(_environment, server, directory, variables)
        second = f'"{sys.executable}" "{HERE / "second_server.py"}" "{directory / "second.log"}"'
        lines = [f'(add-to-list \'load-path "{PLUGIN}")', set_up]
        if settings is not None:
            lines.append(f"(setq ezrouter-settings '{plist(settings)})")
        if program is not None:
            lines.append(f'(setq ezrouter-program \'("{program}"))')
        lines += [
            f"(with-eval-after-load 'eglot (push '(python-mode . ({second})) eglot-server-programs))",
            "(add-hook 'python-mode-hook #'eglot-ensure)",
        ]
        self.configuration = directory / "init.el"
        self.configuration.write_text("\n".join(lines) + "\n")

    def open(self, name, text):
        super().open(name, text)
        self.wait(lambda: self.in_buffer("(if (eglot-managed-p) 1 0)"), "the second server to have the file", 20.0)

    def open_without_server(self, name, text):
        """Opens a file of the project, which our server will not have."""
        self.start_with(name, text)
        self.wait(lambda: name in self.screen(), "the file")

    def goto_hidden(self):
        """Shows the file again."""
        self.lisp(f'(progn (switch-to-buffer "{self.path.name}") nil)')

    def second_text(self):
        """The text of the buffer as the second server has it."""
        return self.in_buffer("""
          (progn (eglot--signal-textDocument/didChange)
                 (jsonrpc-request (eglot-current-server) :second/text (eglot--TextDocumentIdentifier)))""")

    def start_server_again(self):
        """As a user does after the server died: goes on."""
        self.wait(lambda: self.in_buffer("(if ezrouter--document 0 1)"), "Emacs to notice")
        opened = self.opened()
        self.in_buffer("(progn (ezrouter-status) nil)")
        self.wait(lambda: opened < self.opened(), "the new server to have the file")

    def with_lines(self, first, last, expression):
        """The value of an expression while whole lines are marked."""
        return self.in_buffer(f"""
          (save-mark-and-excursion
            (goto-char (point-min))
            (forward-line {last})
            (push-mark (point) t t)
            (goto-char (point-min))
            (forward-line {first - 1})
            {expression})""")

    def titles(self, first, last):
        return "\n".join(self.with_lines(first, last, "(mapcar (lambda (one) (plist-get one :title)) (ezrouter--actions-here))"))

    def choose(self, first, last, title):
        titles = self.titles(first, last).split("\n")
        found = [one for one in titles if one.startswith(title)]
        if not found:
            raise Failure(f"no {title!r} in {titles}")
        self.with_lines(first, last, f"(progn (ezrouter-action {json.dumps(found[0])}) nil)")

    def act(self, title):
        titles = self.in_buffer("(mapcar (lambda (one) (plist-get one :title)) (ezrouter--actions-here))")
        found = [one for one in titles if one.startswith(title)]
        if not found:
            raise Failure(f"no {title!r} in {titles}")
        self.in_buffer(f"(progn (ezrouter-action {json.dumps(found[0])}) nil)")

    def command(self, name):
        self.in_buffer(f'(progn (ezrouter--execute (ezrouter--connect) "{name}" nil) nil)')

    def hover(self, line):
        return self.in_buffer(f"""
          (let ((hover (jsonrpc-request (ezrouter--connect) :textDocument/hover
                         (list :textDocument (list :uri (ezrouter--buffer-uri))
                               :position (list :line {line - 1} :character 0)))))
            (plist-get (plist-get hover :contents) :value))""")

    def call(self, first, last, expression):
        """Calls a command of the plugin on whole lines."""
        self.with_lines(first, last, f"(progn {expression} nil)")

    def answer(self):
        """The text of the newest answer."""
        return self.lisp("""
          (let ((job (seq-find (lambda (one) (eq (ezrouter--job-kind one) 'ask)) (ezrouter--all-jobs))))
            (and job (buffer-live-p (ezrouter--job-thread job))
                 (with-current-buffer (ezrouter--job-thread job)
                   (buffer-substring-no-properties (point-min) (point-max)))))""") or ""

    def state(self):
        """The state of the newest job."""
        return self.lisp("(let ((job (car (ezrouter--all-jobs)))) (if job (symbol-name (ezrouter--job-state job)) \"none\"))")

    def said(self):
        """What Emacs has said so far."""
        return self.lisp('(with-current-buffer "*Messages*" (buffer-string))')

    def marked(self):
        """The lines that are marked as new."""
        return self.in_buffer("""
          (vconcat (sort (cl-loop for job in (ezrouter--all-jobs)
                    append (cl-loop for overlay in (ezrouter--job-overlays job)
                                    when (overlay-buffer overlay)
                                    collect (line-number-at-pos (overlay-start overlay)))) #'<))""")


def plist(settings):
    """Settings as a property list."""
    return "(" + " ".join(f":{name} {json.dumps(value)}" for name, value in settings.items()) + ")"
