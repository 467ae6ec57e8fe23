"""A real Emacs with Eglot in a terminal that tmux holds: keys in, and Lisp through its own server. It starts our server by
the very editors/emacs.el that users paste."""

import itertools
import json
import pathlib
import subprocess
import time

from scenario import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NUMBERS = itertools.count()


class Emacs:
    """One Emacs with one file."""

    def __init__(self, environment, server, directory, variables):
        self.directory = directory
        self.socket = directory / "tmux"
        self.name = str(directory / f"emacs-{next(NUMBERS)}")
        home = directory / "home"
        binaries = directory / "bin"
        home.mkdir()
        binaries.mkdir()
        python = environment / "bin" / "python"
        tee = ROOT / "tests" / "editors" / "tee.py"
        shim = binaries / "ezrouter-lsp"
        shim.write_text(f'#!/bin/sh\nexec "{python}" "{tee}" "{directory}/traffic.log" "{server}" "$@"\n')
        shim.chmod(0o755)
        self.variables = {
            "HOME": str(home),
            "PATH": f"{binaries}:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            **variables,
        }
        self.path = None

    def tmux(self, *arguments):
        command = ["tmux", "-S", str(self.socket), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout

    def lisp(self, expression):
        """The value of an expression, as JSON can tell it."""
        wrapped = f"(let ((json-encoding-pretty-print nil)) (json-encode (progn {expression})))"
        command = ["emacsclient", "-s", self.name, "--eval", wrapped]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False, env={**self.variables}
        )
        if done.returncode:
            raise Failure(f"Emacs does not take {expression}: {done.stderr}\n{self.screen()}")
        # A Lisp string that holds JSON.
        return json.loads(json.loads(done.stdout))

    def open(self, name, text):
        """Opens a file of a small project and waits until our server has it."""
        project = self.directory / "project"
        (project / ".git").mkdir(parents=True, exist_ok=True)
        self.path = project / name
        self.path.write_text(text)
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        start = f'(progn (require (quote json)) (setq server-name "{self.name}" make-backup-files nil) (server-start))'
        self.tmux(
            "new-session", "-d", "-s", "emacs", "-x", "110", "-y", "40", "-c", str(project), "env", "-i", *variables,
            "emacs", "-nw", "-Q", "-l", str(ROOT / "editors" / "emacs.el"), "--eval", start, str(self.path),
        )
        self.wait(lambda: "didOpen" in self.traffic(), "the server to have the file", 20.0)

    def traffic(self):
        log = self.directory / "traffic.log"
        return log.read_text() if log.exists() else ""

    def keys(self, *keys):
        self.tmux("send-keys", "-t", "emacs", *keys)

    def type(self, text):
        self.tmux("send-keys", "-t", "emacs", "-l", text)

    def screen(self):
        return self.tmux("capture-pane", "-t", "emacs", "-p")

    def wait(self, condition, what, seconds=10.0):
        """Polls until the condition holds; a deadline, no guess about how long it takes."""
        deadline = time.monotonic() + seconds
        while not condition():
            if deadline < time.monotonic():
                raise Failure(f"waited in vain for {what}\n{self.screen()}")
            time.sleep(0.05)

    def in_buffer(self, expression):
        return self.lisp(f'(with-current-buffer "{self.path.name}" {expression})')

    def text(self):
        return self.in_buffer("(buffer-substring-no-properties (point-min) (point-max))")

    def goto(self, line):
        """Puts the cursor of the window at the beginning of a line."""
        self.lisp(f'(progn (select-window (get-buffer-window "{self.path.name}" t)) '
                  f"(goto-char (point-min)) (forward-line {line - 1}) nil)")

    def choose(self, first, last, title):
        """Runs the code action on whole lines whose title begins so; gives nothing."""
        self.in_buffer(f"""
          (save-excursion
            (goto-char (point-min))
            (let* ((start (line-beginning-position {first}))
                   (end (line-beginning-position {last + 1}))
                   (actions (eglot-code-actions start end))
                   (action (seq-find (lambda (action) (string-prefix-p "{title}" (plist-get action :title))) actions)))
              (unless action (error "No {title} in %S" actions))
              (eglot-execute (eglot-current-server) action)
              nil))""")

    def hover(self, line):
        """The hover at the beginning of a line, as the server gives it."""
        return self.in_buffer(f"""
          (save-excursion
            (goto-char (point-min))
            (forward-line {line - 1})
            (let ((hover (eglot--request (eglot--current-server-or-lose) :textDocument/hover
                                         (eglot--TextDocumentPositionParams))))
              (plist-get (plist-get hover :contents) :value)))""")

    def messages(self):
        return self.screen()

    def progress(self):
        return []

    def close(self):
        self.tmux("kill-server")
