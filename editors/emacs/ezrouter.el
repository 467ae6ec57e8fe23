;;; ezrouter.el --- Ask about text and have it rewritten by an LLM  -*- lexical-binding: t; -*-

;; Author: The ezrouter-lsp authors
;; Maintainer: The ezrouter-lsp authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: convenience, tools, languages
;; URL: https://www.ezrouter.dev
;; SPDX-License-Identifier: MIT OR Apache-2.0

;;; Commentary:

;; Ask about text and have it rewritten, through the language server
;; `ezrouter-lsp', beside Eglot or lsp-mode: Eglot gives a buffer one
;; server, so this package has a connection of its own.
;;
;;   (require 'ezrouter)
;;   (setopt ezrouter-keymap-prefix "C-c e")
;;   (global-ezrouter-mode)
;;
;; The commands work in every buffer, also without the mode:
;; `ezrouter-ask', `ezrouter-rewrite', `ezrouter-accept',
;; `ezrouter-reject', `ezrouter-retry', `ezrouter-stop' and the others
;; of `ezrouter-command-map'.  An answer streams into a window that
;; takes follow-up questions.  A rewrite streams into the buffer; one
;; undo takes the whole of it back, and keeps what you typed elsewhere
;; meanwhile.
;;
;; It needs nothing beyond Emacs and `ezrouter-lsp', and uses
;; `markdown-mode' for answers where that is installed.

;;; Code:

(require 'cl-lib)
(require 'easymenu)
(require 'jsonrpc)
(require 'project)
(require 'subr-x)
(require 'url-util)

(declare-function flymake-diagnostics "flymake" (&optional beg end))
(declare-function flymake-diagnostic-beg "flymake" (diag))
(declare-function flymake-diagnostic-end "flymake" (diag))
(declare-function flymake-diagnostic-text "flymake" (diag))
(declare-function flymake-diagnostic-type "flymake" (diag))
(declare-function gfm-view-mode "ext:markdown-mode" ())
(declare-function markdown-ts-mode "ext:markdown-ts-mode" ())

;;;; Options

(defgroup ezrouter nil
  "Ask about text and have it rewritten by an LLM."
  :group 'tools
  :prefix "ezrouter-")

(defcustom ezrouter-program '("ezrouter-lsp" "--stdio")
  "The server and its arguments.
With \"--offline\" added it answers from a script, which needs neither
key nor network."
  :type '(repeat string)
  :risky t)

(defcustom ezrouter-settings nil
  "Settings of the server, as a property list.
The names are those of `ezrouter-lsp schema', as keywords; a table is a
property list, a list is a vector, and `:json-false' is false:

  (:model \"claude-sonnet-4-6\" :rewrite (:review :json-false))

They are read when the server starts: \\[ezrouter-restart] after a change."
  :type '(plist :key-type symbol :value-type sexp)
  :risky t)

(defcustom ezrouter-display-answer-action
  '((display-buffer-reuse-window display-buffer-in-side-window)
    (side . bottom)
    (slot . 0)
    (window-height . 0.33))
  "How the buffer of an answer is shown: an action of `display-buffer'."
  :type 'sexp)

(defcustom ezrouter-select-answer nil
  "Whether the window of an answer is selected when it opens."
  :type 'boolean)

(defcustom ezrouter-review-marks t
  "Whether the new lines of a rewrite are marked until they are accepted."
  :type 'boolean)

(defcustom ezrouter-log-events nil
  "Whether what is said to the server and by it is kept in a buffer.
That buffer holds text of your documents.  It is read when the server
starts."
  :type 'boolean)

(defface ezrouter-new
  '((((class color) (min-colors 88) (background light)) :background "#e3f6e3" :extend t)
    (((class color) (min-colors 88) (background dark)) :background "#16301c" :extend t)
    (t :inherit highlight))
  "New lines that wait for review.")

(defface ezrouter-mark
  '((t :inherit success))
  "The mark beside new lines.")

(defface ezrouter-hint
  '((t :inherit shadow))
  "What is said where text will stand.")

(defface ezrouter-question
  '((t :inherit (bold font-lock-string-face)))
  "A question in the buffer of its answer.")

(defvar ezrouter-ask-history nil "Questions that were asked.")
(defvar ezrouter-rewrite-history nil "Instructions that were given.")
(defvar ezrouter--model-history nil "Models that were chosen.")

;;;; Text on the wire

(defconst ezrouter--no-character "[^\0-\ud7ff\ue000-\x10ffff]"
  "Matches what Emacs has in a text and Unicode has not.")

(defun ezrouter--wire (string)
  "STRING as JSON can hold it.
What is no character of Unicode (the raw bytes of a file that is not
UTF-8) becomes one replacement character each, so that no position
moves."
  (if (string-match-p ezrouter--no-character string)
      (replace-regexp-in-string ezrouter--no-character "\ufffd" string t t)
    string))

(defun ezrouter--text (beg end)
  "The text from BEG to END as the server knows it."
  (ezrouter--wire (buffer-substring-no-properties beg end)))

(cl-defstruct ezrouter--document
  "What the server was told of a buffer."
  connection uri (version 0)
  ;; What is to be told: changes, the newest first, or that all is.
  changes whole timer
  ;; The number of changes of the text that were seen.
  tick
  ;; The change that is under way: first and last place, and both as positions.
  before
  ;; The beginning of the line where something was about to change last, and its number: counting begins there.  Nothing
  ;; before that place has changed since.
  (line-start 1) (line 0)
  ;; Whether there may be a carriage return in the text, so that lines are counted as LSP does.
  has-returns)

(defvar-local ezrouter--document nil
  "The document of this buffer, while a server has it open.")

(defun ezrouter--has-returns ()
  "Whether there may be a carriage return in this buffer, which is widened.
To search a long text for each position would take long."
  (let ((document ezrouter--document))
    (if (and document
             (not (ezrouter--document-whole document))
             (= (ezrouter--document-tick document) (buffer-chars-modified-tick)))
        (ezrouter--document-has-returns document)
      (save-excursion
        (goto-char (point-min))
        (search-forward "\r" nil t)))))

(defun ezrouter--position (pos)
  "POS as a position of LSP, in characters.
For LSP a carriage return alone ends a line too."
  (save-excursion
    (save-restriction
      (widen)
      (let ((inhibit-field-text-motion t)
            (line (1- (line-number-at-pos pos t)))
            (start (progn (goto-char pos) (pos-bol))))
        (goto-char (point-min))
        (when (ezrouter--has-returns)
          (while (search-forward "\r" pos t)
            (unless (eq (char-after) ?\n)
              (setq line (1+ line)
                    start (max start (point))))))
        (list :line line :character (- pos start))))))

(defun ezrouter--point (position)
  "The place in the buffer of POSITION, which is one of LSP."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (let ((line (plist-get position :line)))
        (cl-check-type line natnum)
        (cl-check-type (plist-get position :character) natnum)
        (if (ezrouter--has-returns)
            (unless (or (zerop line) (re-search-forward "\r\n\\|[\r\n]" nil t line))
              (goto-char (point-max)))
          (forward-line line)))
      (let ((start (point)))
        (skip-chars-forward "^\r\n")
        (min (point) (+ start (plist-get position :character)))))))

(defun ezrouter--range (beg end)
  "The range of LSP from BEG to END."
  (list :start (ezrouter--position beg) :end (ezrouter--position end)))

(defun ezrouter--file-uri (file)
  "The URI of FILE, which is local."
  (let ((path (expand-file-name file)))
    (concat "file://" (if (string-prefix-p "/" path) "" "/")
            (mapconcat #'url-hexify-string (split-string path "/") "/"))))

(defun ezrouter--uri-file (uri)
  "The file that URI names, or nil."
  (when (string-prefix-p "file://" uri)
    (let ((path (decode-coding-string (url-unhex-string (substring uri 7)) 'utf-8)))
      (if (string-match-p "\\`/[A-Za-z]:" path) (substring path 1) path))))

(defun ezrouter--buffer-uri ()
  "The URI by which the server knows this buffer."
  (let ((file buffer-file-name))
    (if (and file (not (file-remote-p file)))
        (ezrouter--file-uri file)
      (concat "untitled:" (url-hexify-string (buffer-name))))))

(defconst ezrouter--languages
  '(("c++" . "cpp") ("js" . "javascript") ("js2" . "javascript") ("js-json" . "json")
    ("sh" . "shellscript") ("bash" . "shellscript") ("csharp" . "csharp") ("emacs-lisp" . "elisp")
    ("lisp-interaction" . "elisp") ("gfm" . "markdown") ("mhtml" . "html") ("nxml" . "xml")
    ("latex" . "latex") ("LaTeX" . "latex") ("text" . "plaintext") ("fundamental" . "plaintext")
    ("conf-toml" . "toml") ("tsx" . "typescriptreact") ("cperl" . "perl") ("makefile-gmake" . "makefile")
    ("enh-ruby" . "ruby") ("tuareg" . "ocaml"))
  "The language ids of modes whose name is not the id.")

(defun ezrouter--language ()
  "The language id of this buffer."
  (let ((name (replace-regexp-in-string "\\(?:-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (or (cdr (assoc name ezrouter--languages)) (downcase name))))

;;;; Messages

(defconst ezrouter--log-buffer " *ezrouter log*")

(defconst ezrouter--most-words 1000 "How many characters of a message are shown at most.")

(defun ezrouter--words (value)
  "VALUE, which the server has sent, as one line to show; nil if it is none."
  (when (and (stringp value) (not (string-empty-p value)))
    (replace-regexp-in-string
     "[[:cntrl:]]+" " "
     (if (< ezrouter--most-words (length value))
         (concat (substring value 0 ezrouter--most-words) "…")
       value))))

(defun ezrouter--log (format &rest arguments)
  "Put a line into the log: FORMAT with ARGUMENTS."
  (with-current-buffer (get-buffer-create ezrouter--log-buffer)
    (save-excursion
      (goto-char (point-max))
      (insert (format-time-string "%T ") (or (ezrouter--words (apply #'format format arguments)) "") "\n")
      (when (< 1000 (line-number-at-pos))
        (delete-region (point-min) (progn (goto-char (point-min)) (forward-line 500) (point)))))))

(defun ezrouter--tell (format &rest arguments)
  "Say something in the echo area: FORMAT with ARGUMENTS."
  (let ((text (apply #'format format arguments)))
    (ezrouter--log "%s" text)
    (message "%s%s" (if (string-prefix-p "ezrouter" text) "" "ezrouter: ") text)))

(defmacro ezrouter--safely (what &rest body)
  "Run BODY for WHAT the server sent, beside what the user is doing.
An error goes to the log: it must not get in the user's way."
  (declare (indent 1) (debug t))
  `(let ((deactivate-mark nil))
     (save-match-data
       (condition-case problem
           (progn ,@body)
         (error (ezrouter--log "%s: %s" ,what (error-message-string problem))
                nil)))))

;;;; Documents: what the server knows of a buffer

(defun ezrouter--line-breaks (beg end)
  "How many lines begin behind BEG up to END, both beginnings of lines."
  (save-excursion
    (save-restriction
      (narrow-to-region beg end)
      (goto-char beg)
      (let ((most (1+ (- end beg))))
        (- most (forward-line most))))))

(defun ezrouter--next-position (document pos)
  "POS, where DOCUMENT is about to change, as a position of LSP.
Counts from the place of the change before: that is mostly near."
  (if (ezrouter--document-has-returns document)
      (ezrouter--position pos)
    (save-excursion
      (save-restriction
        (widen)
        (let* ((inhibit-field-text-motion t)
               (start (progn (goto-char pos) (pos-bol)))
               (known (ezrouter--document-line-start document))
               (line (+ (ezrouter--document-line document)
                        (if (<= known start)
                            (ezrouter--line-breaks known start)
                          (- (ezrouter--line-breaks start known))))))
          (setf (ezrouter--document-line-start document) start
                (ezrouter--document-line document) line)
          (list :line line :character (- pos start)))))))

(defun ezrouter--begin-counting (document)
  "Let DOCUMENT count its lines from the beginning of the text."
  (setf (ezrouter--document-line-start document) 1
        (ezrouter--document-line document) 0
        (ezrouter--document-has-returns document)
        (save-excursion
          (save-restriction
            (widen)
            (goto-char (point-min))
            (search-forward "\r" nil t)))))

(defvar-local ezrouter--fresh nil
  "The mark of the rewrite that was put on the undo list last.
It is nil once something of the user's lies above it.")

(defconst ezrouter--document-hooks
  '((before-change-functions . ezrouter--before-change)
    (after-change-functions . ezrouter--after-change)
    (before-revert-hook . ezrouter--flush)
    (after-save-hook . ezrouter--after-save)
    (kill-buffer-hook . ezrouter--close-document)
    (change-major-mode-hook . ezrouter--close-document)
    (clone-buffer-hook . ezrouter--leave-document)
    (clone-indirect-buffer-hook . ezrouter--leave-document))
  "The hooks of a buffer that a server has open, and what is run by them.")

(defun ezrouter--leave-document ()
  "Let this buffer have no document.
A clone has its original's, with the hooks, and must not close that."
  (pcase-dolist (`(,hook . ,function) ezrouter--document-hooks)
    (remove-hook hook function t))
  (setq ezrouter--document nil))

(defun ezrouter--free-uri (connection uri)
  "Let no other buffer have URI on CONNECTION.
One that was renamed since has it still."
  (when-let* ((buffer (gethash uri (ezrouter--buffers connection)))
              ((not (eq buffer (current-buffer)))))
    (with-current-buffer buffer
      (when (equal uri (ezrouter--buffer-uri))
        (user-error "The server knows this file as the buffer %s; go there for that" buffer))
      (ezrouter--close-document)
      (ezrouter--open-document connection))))

(defun ezrouter--open-document (connection)
  "Tell CONNECTION of this buffer, unless it knows of it.
The text of an indirect buffer is its base buffer's."
  (when (and ezrouter--document
             (not (eq connection (ezrouter--document-connection ezrouter--document))))
    (ezrouter--close-document))
  (unless (or ezrouter--document (buffer-base-buffer))
    (let ((uri (ezrouter--buffer-uri)))
      (ezrouter--free-uri connection uri)
      (setq ezrouter--document
            (make-ezrouter--document :connection connection :uri uri :tick (buffer-chars-modified-tick)))
      (ezrouter--begin-counting ezrouter--document)
      (puthash uri (current-buffer) (ezrouter--buffers connection))
      (pcase-dolist (`(,hook . ,function) ezrouter--document-hooks)
        (add-hook hook function nil t))
      (jsonrpc-notify connection :textDocument/didOpen
                      `(:textDocument (:uri ,uri :languageId ,(ezrouter--language) :version 0
                                            :text ,(save-restriction
                                                     (widen)
                                                     (ezrouter--text (point-min) (point-max)))))))))

(defun ezrouter--close-document ()
  "Tell the server that this buffer is gone."
  (when-let* ((document ezrouter--document)
              (connection (ezrouter--document-connection document)))
    (ezrouter--leave-document)
    (when (ezrouter--document-timer document)
      (cancel-timer (ezrouter--document-timer document)))
    (remhash (ezrouter--document-uri document) (ezrouter--buffers connection))
    (when (jsonrpc-running-p connection)
      (ignore-errors
        (jsonrpc-notify connection :textDocument/didClose
                        `(:textDocument (:uri ,(ezrouter--document-uri document))))))))

(defun ezrouter--is-in-line-end (pos)
  "Whether POS is between a carriage return and its line feed.
No position of LSP names that place."
  (and (eq (char-before pos) ?\r) (eq (char-after pos) ?\n)))

(defun ezrouter--before-change (beg end)
  "Remember what is from BEG to END, which is about to change."
  (when-let* ((document ezrouter--document))
    ;; Something has changed the text without telling anybody.
    (unless (= (ezrouter--document-tick document) (buffer-chars-modified-tick))
      (setf (ezrouter--document-whole document) t))
    (when (or (ezrouter--is-in-line-end beg) (ezrouter--is-in-line-end end))
      (setf (ezrouter--document-whole document) t))
    (setf (ezrouter--document-before document)
          (unless (ezrouter--document-whole document)
            (let ((start (ezrouter--next-position document beg)))
              (list beg end start
                    (if (ezrouter--document-has-returns document)
                        (ezrouter--position end)
                      (ezrouter--advanced start (buffer-substring-no-properties beg end)))))))))

(defun ezrouter--advanced (position text)
  "Where POSITION is behind TEXT."
  (let* ((lines (split-string text "\r\n\\|[\r\n]"))
         (last (length (car (last lines)))))
    (if (cdr lines)
        (list :line (+ (plist-get position :line) (length (cdr lines))) :character last)
      (list :line (plist-get position :line) :character (+ (plist-get position :character) last)))))

(defun ezrouter--after-change (beg end length)
  "Note that LENGTH characters were replaced by what is from BEG to END."
  (when-let* ((document ezrouter--document))
    (pcase (ezrouter--document-before document)
      ((and `(,first ,last ,start ,stop)
            (guard (and (<= first beg) (<= (+ beg length) last))))
       ;; The change lies in what was announced, which may be more.
       (let* ((last (+ last (- end beg length)))
              (text (save-restriction (widen) (ezrouter--text first last))))
         (when (string-search "\r" text)
           (setf (ezrouter--document-has-returns document) t))
         (push `(:range (:start ,start :end ,stop) :text ,text) (ezrouter--document-changes document))
         ;; Another may follow in the same place without being announced.
         (setf (ezrouter--document-before document)
               (unless (ezrouter--is-in-line-end last)
                 (list first last start (ezrouter--advanced start text))))))
      (_ (setf (ezrouter--document-whole document) t)))
    (setf (ezrouter--document-tick document) (buffer-chars-modified-tick))
    (ezrouter--part-undo)
    (unless (ezrouter--document-timer document)
      (setf (ezrouter--document-timer document)
            (run-at-time 0 nil #'ezrouter--flush-buffer (current-buffer))))))

(defun ezrouter--flush-buffer (buffer)
  "Tell the server what has changed in BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (ezrouter--safely "didChange" (ezrouter--flush)))))

(defun ezrouter--flush ()
  "Tell the server what has changed in this buffer."
  (when-let* ((document ezrouter--document))
    (when (ezrouter--document-timer document)
      (cancel-timer (ezrouter--document-timer document))
      (setf (ezrouter--document-timer document) nil))
    (unless (= (ezrouter--document-tick document) (buffer-chars-modified-tick))
      (setf (ezrouter--document-whole document) t))
    (let ((changes (if (ezrouter--document-whole document)
                       `[(:text ,(save-restriction (widen) (ezrouter--text (point-min) (point-max))))]
                     (vconcat (reverse (ezrouter--document-changes document))))))
      (when (ezrouter--document-whole document)
        (ezrouter--begin-counting document))
      (unless (seq-empty-p changes)
        (setf (ezrouter--document-changes document) nil
              (ezrouter--document-whole document) nil
              (ezrouter--document-before document) nil
              (ezrouter--document-tick document) (buffer-chars-modified-tick))
        (cl-incf (ezrouter--document-version document))
        (jsonrpc-notify (ezrouter--document-connection document) :textDocument/didChange
                        `(:textDocument (:uri ,(ezrouter--document-uri document)
                                              :version ,(ezrouter--document-version document))
                                        :contentChanges ,changes))))))

(defun ezrouter--after-save ()
  "Tell the server that this buffer was saved."
  (when-let* ((document ezrouter--document))
    (ezrouter--flush)
    (if (equal (ezrouter--document-uri document) (ezrouter--buffer-uri))
        (jsonrpc-notify (ezrouter--document-connection document) :textDocument/didSave
                        `(:textDocument (:uri ,(ezrouter--document-uri document))))
      ;; It was written to another file.
      (let ((connection (ezrouter--document-connection document)))
        (ezrouter--close-document)
        (ezrouter--safely "didOpen" (ezrouter--open-document connection))))))

;;;; The undo list

;; While a rewrite streams its edits are not recorded one by one: after
;; each, the undo list gets one group that replaces the new text by the
;; original.  What the user has changed since the edit before lies above
;; the group of that edit; it goes below the new group, with its places
;; moved to where they were without the rewrite.  So the whole rewrite
;; is at all times one step, the newest, and the user's own steps are
;; untouched.  A group begins with an entry that does nothing, which is
;; never copied, so the group can be found again.

(defun ezrouter--entry-below (entry beg end delta)
  "ENTRY of an undo list as it is below a rewrite.
The rewrite stands from BEG to END and has made the text DELTA
characters longer.  Gives a list of the entry, BEG and END, the last two
as they were before the change that ENTRY is of; nil if that change was
in the rewrite."
  (let ((moved (lambda (pos) (if (<= end pos) (- pos delta) pos))))
    (pcase entry
      ('nil (list nil beg end))
      ((pred integerp)
       (list (cond ((<= end entry) (- entry delta)) ((< beg entry) beg) (t entry)) beg end))
      ;; "Unmodified" was true of a text with the rewrite in it.
      (`(t . ,_) (list (list 'apply #'ignore) beg end))
      (`(,(and text (pred stringp)) . ,(and at (pred integerp)))
       (let ((pos (abs at)) (size (length text)))
         (cond ((<= end pos) (list (cons text (if (< at 0) (- delta pos) (- pos delta))) beg end))
               ((<= pos beg) (list entry (+ beg size) (+ end size))))))
      (`(,(and first (pred integerp)) . ,(and last (pred integerp)))
       (let ((size (- last first)))
         (cond ((<= end first) (list (cons (- first delta) (- last delta)) beg end))
               ((<= last beg) (list entry (- beg size) (- end size))))))
      (`(nil ,property ,value ,first . ,last)
       (cond ((or (<= end first) (<= last beg))
              (list `(nil ,property ,value ,(funcall moved first) . ,(funcall moved last)) beg end))
             (t (list (list 'apply #'ignore) beg end))))
      (`(,(pred markerp) . ,(pred integerp)) (list entry beg end))
      (`(apply ,(or 'ignore 'cdr) . ,_) (list entry beg end)))))

(defun ezrouter--entries-below (entries beg end delta)
  "ENTRIES of an undo list, the newest first, as they are below a rewrite.
BEG, END and DELTA are those of `ezrouter--entry-below'.  Gives
`conflict' if one of them is of a change in the rewrite."
  (catch 'conflict
    (let (below)
      (dolist (entry entries)
        (pcase (ezrouter--entry-below entry beg end delta)
          (`(,moved ,before-beg ,before-end)
           (push moved below)
           (setq beg before-beg end before-end))
          (_ (throw 'conflict 'conflict))))
      (nreverse below))))

(defun ezrouter--above (mark)
  "The entries of the undo list above MARK; t if it is not there."
  (let ((tail buffer-undo-list) above)
    (while (and (consp tail) (not (eq (car tail) mark)))
      (push (pop tail) above))
    (if (consp tail) (nreverse above) t)))

(defun ezrouter--part-undo ()
  "Keep what the user has just changed apart from a rewrite before it.
Emacs takes the boundary away where it joins key presses."
  (when (and ezrouter--fresh (consp buffer-undo-list))
    (let ((tail buffer-undo-list) (left 100))
      (unless (eq (car tail) ezrouter--fresh)
        (while (and tail (car tail) (< 0 (cl-decf left)))
          (when (eq (cadr tail) ezrouter--fresh)
            (setcdr tail (cons nil (cdr tail))))
          (setq tail (cdr tail)))
        (setq ezrouter--fresh nil)))))

;;;; Edits

(cl-defstruct ezrouter--change
  "What a running rewrite has done to its buffer."
  ;; Where its text begins and ends, the original, and the text as it was written, with the number of changes by then.
  beg end base written tick
  ;; Its group on the undo list: its first entry, and how many there are.
  mark (count 0)
  ;; The entry that says that the text was unmodified before.
  saved
  ;; Its edits are not one step of undo any more: nil, or `touched' if the user has changed its text, or `lost'.
  parted
  ;; The server was told so, and puts the whole in place anew.
  plain)

(defun ezrouter--common-prefix (one other)
  "How many characters ONE and OTHER have in common at their beginnings."
  (let ((difference (compare-strings one nil nil other nil nil)))
    (if (eq difference t) (length one) (1- (abs difference)))))

(defun ezrouter--common-suffix (one other most)
  "How many characters, MOST at most, ONE and OTHER have in common at their ends."
  ;; From the beginning: to index a string of more than ASCII takes as long as the way to the place.
  (min most (ezrouter--common-prefix (reverse one) (reverse other))))

(defun ezrouter--replace (beg end text)
  "Replace what is from BEG to END by TEXT, and touch only what differs.
Gives by how much the buffer has grown."
  (let* ((old (ezrouter--text beg end))
         (prefix (ezrouter--common-prefix old text))
         (suffix (ezrouter--common-suffix old text (- (min (length old) (length text)) prefix)))
         (first (+ beg prefix))
         (last (- end suffix))
         (new (substring text prefix (- (length text) suffix)))
         (inside (and (< first (point)) (< (point) last) (- (point) first))))
    (save-excursion
      (goto-char first)
      (delete-region first last)
      (insert new))
    (when inside
      (goto-char (+ first (min inside (length new)))))
    (- (length text) (length old))))

(defun ezrouter--places (edits)
  "EDITS, a vector of text edits of LSP, as (BEG END TEXT), the last first.
Signals an error unless they are, before anything is changed."
  (let (places next)
    (seq-doseq (edit edits)
      (let ((range (plist-get edit :range)))
        (push (list (ezrouter--point (plist-get range :start))
                    (ezrouter--point (plist-get range :end))
                    (plist-get edit :newText))
              places)))
    (unless places
      (error "There is no edit"))
    ;; The list is in reverse order, and the sort is stable: of two insertions at one place the later one comes first.
    (setq places (sort places (lambda (one other) (> (car one) (car other)))))
    (pcase-dolist (`(,beg ,end ,text) places)
      (cl-check-type text string)
      (unless (<= beg end (or next end))
        (error "Edits overlap, or end before they begin"))
      (setq next beg))
    places))

(defun ezrouter--replace-all (places)
  "Make the edits in PLACES; give by how much the buffer has grown."
  (let ((inhibit-field-text-motion t) (grown 0))
    (pcase-dolist (`(,beg ,end ,text) places)
      (cl-incf grown (ezrouter--replace beg end text)))
    grown))

(defun ezrouter--begin-change (change beg end)
  "Let CHANGE begin anew with the text from BEG to END as the original."
  (setf (ezrouter--change-beg change) (copy-marker beg t)
        (ezrouter--change-end change) (copy-marker end)
        (ezrouter--change-base change) (buffer-substring beg end)
        (ezrouter--change-mark change) nil
        (ezrouter--change-count change) 0
        (ezrouter--change-saved change)
        (unless (buffer-modified-p) (cons t (visited-file-modtime)))))

(defun ezrouter--user-entries-below (change)
  "What the user has changed since the last edit of CHANGE, as it is below it.
Gives a symbol, why that cannot be told, if it cannot."
  (let ((beg (marker-position (ezrouter--change-beg change)))
        (end (marker-position (ezrouter--change-end change)))
        (above (ezrouter--above (ezrouter--change-mark change))))
    (cond
     ((eq above t) 'lost)
     ((not (or (eql (ezrouter--change-tick change) (buffer-chars-modified-tick))
               (equal (ezrouter--change-written change) (ezrouter--text beg end))))
      'touched)
     (t (let ((below (ezrouter--entries-below
                      (seq-drop-while #'null above) beg end
                      (- end beg (length (ezrouter--change-base change))))))
          (if (eq below 'conflict)
              'touched
            ;; The boundary below them is that of the rest of the list.
            (nreverse (seq-drop-while #'null (nreverse below)))))))))

(defun ezrouter--undo-list-below (change)
  "The undo list as it is without CHANGE; nil in CHANGE if it begins anew."
  (let ((mark (ezrouter--change-mark change)))
    (if (null mark)
        (progn (setf (ezrouter--change-beg change) nil)
               buffer-undo-list)
      (pcase (ezrouter--user-entries-below change)
        ((and (pred symbolp) why (guard why))
         (setf (ezrouter--change-parted change) why
               (ezrouter--change-beg change) nil)
         buffer-undo-list)
        (entries
         (let ((rest (nthcdr (ezrouter--change-count change) (memq mark buffer-undo-list)))
               (saved (ezrouter--change-saved change)))
           (when (and entries saved)
             (setq entries (append entries (list saved)))
             (setf (ezrouter--change-saved change) nil))
           (append entries rest)))))))

(defun ezrouter--widen-change (change beg end)
  "Let the text of CHANGE take in what is from BEG to END."
  (if (null (ezrouter--change-beg change))
      (ezrouter--begin-change change beg end)
    (let ((first (marker-position (ezrouter--change-beg change)))
          (last (marker-position (ezrouter--change-end change)))
          (base (ezrouter--change-base change)))
      (when (< beg first)
        (setq base (concat (buffer-substring beg first) base)))
      (when (< last end)
        (setq base (concat base (buffer-substring last end))))
      (set-marker (ezrouter--change-beg change) (min beg first))
      (set-marker (ezrouter--change-end change) (max end last))
      (setf (ezrouter--change-base change) base))))

(defun ezrouter--put-group (change below)
  "Put the group of CHANGE on the undo list, with BELOW below it."
  (let* ((beg (marker-position (ezrouter--change-beg change)))
         (base (ezrouter--change-base change))
         (old (ezrouter--wire base))
         (new (ezrouter--change-written change))
         (saved (ezrouter--change-saved change))
         (prefix (ezrouter--common-prefix old new))
         (suffix (ezrouter--common-suffix old new (- (min (length old) (length new)) prefix)))
         (first (+ beg prefix))
         (group (list (list 'apply #'ignore change))))
    (if (equal old new)
        (progn
          (setf (ezrouter--change-mark change) nil)
          (when (and saved (time-equal-p (cdr saved) (visited-file-modtime)))
            (set-buffer-modified-p nil))
          (setq buffer-undo-list (if (car-safe below) (cons nil below) below)))
      (when (< (+ prefix suffix) (length new))
        (push (cons first (+ beg (- (length new) suffix))) group))
      (when (< (+ prefix suffix) (length old))
        (push (cons (substring base prefix (- (length base) suffix)) first) group))
      (when saved
        (push saved group))
      (setf (ezrouter--change-count change) (length group))
      (setq group (nreverse group))
      (setf (ezrouter--change-mark change) (car group))
      (setq ezrouter--fresh (car group))
      (setq buffer-undo-list
            (cons nil (append group (if (car-safe below) (cons nil below) below)))))))

(defun ezrouter--make-joined (change places)
  "Make the edits in PLACES as a part of CHANGE, which is one step of undo."
  (let ((first (apply #'min (mapcar #'car places)))
        (last (apply #'max (mapcar #'cadr places)))
        (below (ezrouter--undo-list-below change)))
    (ezrouter--widen-change change first last)
    (let ((beg (marker-position (ezrouter--change-beg change)))
          (end (marker-position (ezrouter--change-end change))))
      (unwind-protect
          (let ((buffer-undo-list t))
            (cl-incf end (ezrouter--replace-all places))
            (when (and (= (- end beg) (length (ezrouter--change-base change)))
                       (equal (ezrouter--text beg end) (ezrouter--wire (ezrouter--change-base change)))
                       (not (equal (buffer-substring-no-properties beg end)
                                   (substring-no-properties (ezrouter--change-base change)))))
              ;; The original is back, but for bytes that are no text, which the server does not know.
              (save-excursion
                (goto-char beg)
                (delete-region beg end)
                (insert (ezrouter--change-base change)))))
        (set-marker (ezrouter--change-beg change) beg)
        (set-marker (ezrouter--change-end change) end)
        (setf (ezrouter--change-written change) (ezrouter--text beg end)
              (ezrouter--change-tick change) (buffer-chars-modified-tick))
        (ezrouter--put-group change below)))))

(defun ezrouter--make-plain (change places)
  "Make the edits in PLACES, as a step of undo of their own.
CHANGE, if there is one, is told where its text is then."
  (let* ((beg (and change (ezrouter--change-beg change)))
         (first (apply #'min (mapcar #'car places)))
         (last (apply #'max (mapcar #'cadr places)))
         (end (and beg (max last (ezrouter--change-end change)))))
    (undo-boundary)
    (let ((grown (ezrouter--replace-all places)))
      (undo-boundary)
      (when beg
        (set-marker beg (min first beg))
        (set-marker (ezrouter--change-end change) (+ end grown))))))

;;;; Connections

(cl-defstruct ezrouter--job
  "A question or a rewrite."
  connection id kind uri state parked title progress message usage
  ;; What a rewrite has done to its buffer, and the overlays that show it; the timer for those, and what they took last.
  change overlays timer (drawn-in 0)
  ;; The buffer of the answer, and where it waits.
  thread hint
  ;; Some of the answer has come.
  is-begun
  ;; Where the text is that it is about, as an overlay without a look.
  place
  (order 0))

(defclass ezrouter--connection (jsonrpc-process-connection)
  ((root :initarg :root :reader ezrouter--root)
   (buffers :initform (make-hash-table :test #'equal) :reader ezrouter--buffers)
   (jobs :initform (make-hash-table :test #'equal) :reader ezrouter--jobs)
   (expected :initform nil :accessor ezrouter--expected)
   (state :initform 'starting :accessor ezrouter--state)
   (why :initform nil :accessor ezrouter--why))
  :documentation "The server of one project.
STATE is `starting', `ready' or `stopping', the last maybe with WHY it
was given up; EXPECTED holds what is known
of jobs that the server has not told of yet.")

(defvar ezrouter--connections nil "The connections that run.")

(defconst ezrouter--no-object (make-hash-table :test #'eq) "An object of JSON without members.")

(defun ezrouter--settings ()
  "The settings of the server, as it is told them."
  (or ezrouter-settings ezrouter--no-object))

(defvar-local ezrouter--home nil
  "The directory whose server has shown this document, or nil.")
(put 'ezrouter--home 'permanent-local t)

(defun ezrouter--project-root ()
  "The directory of this buffer's project, or its own."
  (or ezrouter--home (ezrouter--own-project-root)))

(defun ezrouter--own-project-root ()
  "The directory of the project that this buffer's file is in, or its own."
  (let ((directory (if (file-remote-p default-directory) "~/" default-directory)))
    (expand-file-name
     (or (let ((default-directory directory))
           (when-let* ((project (project-current nil directory)))
             (project-root project)))
         directory))))

(defun ezrouter--problem ()
  "Why the server cannot be started, with what to do; nil if it can."
  (let ((program (car ezrouter-program)))
    (cond
     ((not (stringp program)) "`ezrouter-program' names no program")
     ((not (executable-find program))
      (format "%s is not found: put it on PATH (and into `exec-path'), or give its place in `ezrouter-program'"
              program)))))

(defun ezrouter--initialize-parameters (root)
  "What the server of ROOT is told at its start."
  `(:processId ,(emacs-pid)
    :clientInfo (:name "Emacs" :version ,emacs-version)
    :rootUri ,(ezrouter--file-uri (directory-file-name root))
    :workspaceFolders [(:uri ,(ezrouter--file-uri (directory-file-name root))
                        :name ,(file-name-nondirectory (directory-file-name root)))]
    :initializationOptions (:ezrouter ,(ezrouter--settings))
    :capabilities
    (:general (:positionEncodings ["utf-32"])
     :workspace (:applyEdit t :configuration t :workspaceFolders t
                 :workspaceEdit (:documentChanges t)
                 :executeCommand (:dynamicRegistration :json-false))
     :textDocument
     (:synchronization (:didSave t)
      :codeAction (:codeActionLiteralSupport
                   (:codeActionKind (:valueSet ["quickfix" "refactor.rewrite" "ezrouter.ask"]))))
     :window (:workDoneProgress t :showDocument (:support t))
     :experimental (:ezrouter (:jobs t :answer t :applyEdit t)))))

(defun ezrouter--make-connection (root)
  "A connection to a new server for ROOT."
  (let ((name (format "ezrouter %s" (abbreviate-file-name root)))
        (default-directory root))
    (apply #'make-instance 'ezrouter--connection
           :name name
           :root root
           :notification-dispatcher #'ezrouter--take-notification
           :request-dispatcher #'ezrouter--take-request
           :on-shutdown #'ezrouter--lose
           :process (make-process :name name
                                  :command ezrouter-program
                                  :connection-type 'pipe
                                  :coding 'utf-8-emacs-unix
                                  :noquery t
                                  :stderr (get-buffer-create (format "*%s stderr*" name)))
           (let ((size (if ezrouter-log-events 2000000 0)))
             (if (< emacs-major-version 30)
                 (list :events-buffer-scrollback-size size)
               (list :events-buffer-config (list :size size :format 'full)))))))

(defun ezrouter--start (root)
  "Start a server for ROOT."
  (let ((connection (ezrouter--make-connection root)))
    (push connection ezrouter--connections)
    (jsonrpc-async-request
     connection :initialize (ezrouter--initialize-parameters root)
     :timeout 20
     :success-fn (lambda (result) (ezrouter--started connection result))
     :error-fn (lambda (problem)
                 (ezrouter--refuse connection (format "the server did not start: %s (see `M-x ezrouter-log')"
                                                      (plist-get problem :message))))
     :timeout-fn (lambda () (ezrouter--refuse connection "the server did not start within 20 s")))
    connection))

(defun ezrouter--refuse (connection why)
  "Give CONNECTION up; WHY is said once its server has ended."
  (setf (ezrouter--state connection) 'stopping
        (ezrouter--why connection) why)
  (delete-process (jsonrpc--process connection)))

(defun ezrouter--log-errors (connection)
  "Put into the log what the server of CONNECTION wrote to its standard error."
  (when-let* ((buffer (jsonrpc-stderr-buffer connection))
              ((buffer-live-p buffer)))
    (with-current-buffer buffer
      (when-let* ((process (get-buffer-process buffer)))
        (accept-process-output process 0.1))
      (mapc (apply-partially #'ezrouter--log "stderr: %s")
            (last (split-string (buffer-string) "\n" t) 20))
      (let ((inhibit-read-only t))
        (erase-buffer)))))

(defun ezrouter--started (connection result)
  "The server of CONNECTION has answered RESULT to its initialization."
  (if (not (equal (plist-get (plist-get result :capabilities) :positionEncoding) "utf-32"))
      (ezrouter--refuse connection "this server does not count characters as Emacs does; install a newer ezrouter-lsp")
    (jsonrpc-notify connection :initialized ezrouter--no-object)
    (setf (ezrouter--state connection) 'ready)
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer
        (when (and (bound-and-true-p ezrouter-mode)
                   (equal (ezrouter--project-root) (ezrouter--root connection)))
          (ezrouter--safely "didOpen" (ezrouter--open-document connection)))))))

(defun ezrouter--lose (connection)
  "The server of CONNECTION has ended."
  (setq ezrouter--connections (delq connection ezrouter--connections))
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when (and ezrouter--document (eq connection (ezrouter--document-connection ezrouter--document)))
        (ezrouter--safely "the end of the server" (ezrouter--close-document)))))
  (let ((why (if (eq (ezrouter--state connection) 'stopping)
                 (ezrouter--why connection)
               "the server has stopped; the next command starts it again (see `M-x ezrouter-log')")))
    (when why
      (ezrouter--safely "the errors of the server" (ezrouter--log-errors connection))
      (ezrouter--tell "%s" why)))
  (maphash (lambda (_ job)
             (unless (ezrouter--is-over job)
               (setf (ezrouter--job-message job) "the server has stopped")
               (ezrouter--safely "the end of the server" (ezrouter--job-to job 'failed))))
           (ezrouter--jobs connection))
  (ezrouter--announce))

(defun ezrouter--say-goodbye (connection)
  "Tell the server of CONNECTION to end; it needs no answer to go."
  (setf (ezrouter--state connection) 'stopping)
  (ignore-errors
    (jsonrpc-async-request connection :shutdown nil :success-fn #'ignore :error-fn #'ignore :timeout-fn #'ignore)
    (jsonrpc-notify connection :exit nil)))

(defun ezrouter--stop-connection (connection)
  "End the server of CONNECTION, and wait until it has ended."
  (ezrouter--say-goodbye connection)
  (with-timeout (2)
    (while (jsonrpc-running-p connection)
      (accept-process-output nil 0.02)))
  (ignore-errors (jsonrpc-shutdown connection t)))

(defun ezrouter--connection-of (root)
  "The connection of ROOT, or nil."
  (seq-find (lambda (connection) (equal root (ezrouter--root connection))) ezrouter--connections))

(defun ezrouter--connect ()
  "The connection for this buffer, once it is ready.
Starts a server if none runs, and waits for it."
  (let* ((root (ezrouter--project-root))
         (connection (or (ezrouter--connection-of root)
                         (if-let* ((problem (ezrouter--problem)))
                             (user-error "Cannot start the server: %s" problem)
                           (ezrouter--start root)))))
    (with-timeout (20 (user-error "The server did not start within 20 s: see `M-x ezrouter-log'"))
      (while (eq (ezrouter--state connection) 'starting)
        (accept-process-output nil 0.02)))
    (unless (and (eq (ezrouter--state connection) 'ready) (jsonrpc-running-p connection))
      (user-error "The server did not start: see `M-x ezrouter-log'"))
    connection))

(defun ezrouter--connect-document ()
  "The connection for this buffer, which the server knows then."
  (when (buffer-base-buffer)
    (user-error "This is an indirect buffer; go to %s for that" (buffer-base-buffer)))
  (let ((connection (ezrouter--connect)))
    (unless (bound-and-true-p ezrouter-mode)
      (ezrouter-mode 1))
    (ezrouter--open-document connection)
    connection))

(defun ezrouter--arguments (command argument)
  "The parameters of a request to execute COMMAND with ARGUMENT."
  `(:command ,command :arguments [,(or argument ezrouter--no-object)]))

(defun ezrouter--demand-running (connection)
  "Signal an error if the server of CONNECTION has ended.
Another one that was started since does not know its jobs."
  (unless (jsonrpc-running-p connection)
    (user-error "The server that did this has ended; ask anew")))

(defun ezrouter--execute (connection command argument &optional done refused)
  "Have CONNECTION execute COMMAND with ARGUMENT, a property list.
DONE is called with the result; a refusal is said, then REFUSED is called."
  (ezrouter--demand-running connection)
  (ezrouter--flush)
  (let ((fail (lambda (why)
                (ezrouter--tell "%s" why)
                (when refused (funcall refused)))))
    (jsonrpc-async-request
     connection :workspace/executeCommand (ezrouter--arguments command argument)
     :timeout 30
     :success-fn (lambda (result) (when done (ezrouter--safely command (funcall done result))))
     :error-fn (lambda (problem) (funcall fail (plist-get problem :message)))
     :timeout-fn (lambda () (funcall fail (format "no answer to %s within 30 s" command))))))

(defun ezrouter--call (connection command &optional argument)
  "The result of COMMAND with ARGUMENT on CONNECTION; waits for it."
  (ezrouter--flush)
  (condition-case problem
      (jsonrpc-request connection :workspace/executeCommand (ezrouter--arguments command argument) :timeout 10)
    (jsonrpc-error (user-error "%s" (or (alist-get 'jsonrpc-error-message (cddr problem))
                                        (error-message-string problem))))))

;;;; What the server sends

(defun ezrouter--take-notification (connection method params)
  "Take the notification METHOD with PARAMS from CONNECTION."
  (ezrouter--safely method
    (pcase method
      ('ezrouter/job (ezrouter--take-job connection params))
      ('ezrouter/answer (ezrouter--take-answer connection params))
      ('$/progress (ezrouter--take-progress connection params))
      ('window/showMessage (when-let* ((words (ezrouter--words (plist-get params :message))))
                             (ezrouter--tell "%s" words)))
      ('window/logMessage (ezrouter--log "%s" (plist-get params :message))))))

(defun ezrouter--take-request (connection method params)
  "Give the answer to the request METHOD with PARAMS from CONNECTION."
  (pcase method
    ('ezrouter/applyEdit (or (ezrouter--safely method (ezrouter--take-edit connection params))
                             (list :applied :json-false)))
    ('workspace/applyEdit (or (ezrouter--safely method (ezrouter--take-workspace-edit connection params))
                              (list :applied :json-false)))
    ('workspace/configuration
     (ezrouter--safely method (vconcat (mapcar (lambda (_) (ezrouter--settings)) (plist-get params :items)))))
    ('window/showDocument (run-at-time 0 nil #'ezrouter--show-document connection params)
                          (list :success t))
    ('workspace/workspaceFolders `[(:uri ,(ezrouter--file-uri (ezrouter--root connection)) :name "")])
    ((or 'window/workDoneProgress/create 'client/registerCapability 'client/unregisterCapability
         'window/showMessageRequest 'workspace/codeLens/refresh)
     nil)
    (_ (jsonrpc-error :code -32601 :message (format "%s is not known" method)))))

(defun ezrouter--visit (file)
  "A buffer that visits FILE, which the server has written.
What a model says must not set variables, and nothing is asked of the
user, who may be typing something else."
  (let ((enable-local-variables nil) (enable-dir-local-variables nil))
    (find-file-noselect file t)))

(defun ezrouter--show-document (connection params)
  "Show the document of PARAMS, which are from CONNECTION."
  (ezrouter--safely 'window/showDocument
    (let* ((uri (plist-get params :uri))
           (file (ezrouter--uri-file uri)))
      (cond
       ((null file)
        (if (string-match-p "\\`https?://" uri) (browse-url uri) (ezrouter--tell "cannot show %s" uri)))
       (t (let ((buffer (ezrouter--visit file)))
            (with-current-buffer buffer
              (setq ezrouter--home (ezrouter--root connection))
              (ezrouter--open-document connection)
              (unless (bound-and-true-p ezrouter-mode)
                (ezrouter-mode 1))
              ;; The server writes a view again where it changes.
              (unless (or (buffer-modified-p) (verify-visited-file-modtime buffer))
                (revert-buffer t t t)))
            (let ((window (if (eq t (plist-get params :takeFocus))
                              (progn (pop-to-buffer buffer) (selected-window))
                            (display-buffer buffer)))
                  (range (plist-get params :selection)))
              (when (and window range)
                (set-window-point window (with-current-buffer buffer
                                           (ezrouter--point (plist-get range :start))))))))))))

(defun ezrouter--take-edit (connection params)
  "Apply an edit of a rewrite: PARAMS of `ezrouter/applyEdit' from CONNECTION."
  (let* ((edit (plist-get params :edit))
         (document (plist-get edit :textDocument))
         (buffer (gethash (plist-get document :uri) (ezrouter--buffers connection)))
         (job (gethash (plist-get params :job) (ezrouter--jobs connection))))
    (if (not (and job (buffer-live-p buffer)))
        (list :applied :json-false)
      (with-current-buffer buffer
        (ezrouter--flush)
        (let ((is-current (equal (plist-get document :version) (ezrouter--document-version ezrouter--document)))
              (change (or (ezrouter--job-change job)
                          (setf (ezrouter--job-change job) (make-ezrouter--change)))))
          (cond
           ((or buffer-read-only (not is-current) (ezrouter--is-elsewhere job)
                (ezrouter--is-protected (plist-get edit :edits)))
            (ezrouter--edit-answer nil))
           ((and (equal (plist-get params :phase) "last")
                 (ezrouter--is-lost change)
                 (not (ezrouter--change-plain change)))
            (setf (ezrouter--change-plain change) t)
            (append (ezrouter--edit-answer nil) (list :joined :json-false)))
           (t
            (ezrouter--edit-buffer job change (plist-get edit :edits))
            (ezrouter--edit-answer t))))))))

(defun ezrouter--is-elsewhere (job)
  "Whether JOB is about another buffer than this one."
  (if-let* ((beg (ezrouter--change-beg (ezrouter--job-change job))))
      (not (eq (marker-buffer beg) (current-buffer)))
    (and (eq (ezrouter--job-kind job) 'rewrite)
         (not (eq (ezrouter--job-buffer job) (current-buffer))))))

(defun ezrouter--is-lost (change)
  "Whether the undo list does not hold all of CHANGE any more."
  (or (eq (ezrouter--change-parted change) 'lost)
      (and (ezrouter--change-mark change) (eq t (ezrouter--above (ezrouter--change-mark change))))))

(defun ezrouter--is-protected (edits)
  "Whether some of the text that EDITS change is read-only."
  (save-restriction
    (widen)
    (seq-some (lambda (place) (text-property-not-all (car place) (cadr place) 'read-only nil))
              (ezrouter--places edits))))

(defun ezrouter--edit-answer (is-applied)
  "The answer to an edit that IS-APPLIED or not."
  (list :applied (if is-applied t :json-false)
        :version (ezrouter--document-version ezrouter--document)))

(defun ezrouter--edit-buffer (job change edits)
  "Apply EDITS of JOB to this buffer as a part of CHANGE."
  (save-restriction
    (widen)
    (let ((places (ezrouter--places edits)))
      (unwind-protect
          (if (or (eq buffer-undo-list t)
                  (ezrouter--change-plain change)
                  (not (ezrouter--is-running job)))
              (ezrouter--make-plain change places)
            (ezrouter--make-joined change places))
        (ezrouter--flush)))
    (if (eq (ezrouter--job-kind job) 'ask)
        (ezrouter--goes-elsewhere job)
      (ezrouter--draw-soon job))))

(defun ezrouter--take-workspace-edit (connection params)
  "Apply PARAMS of `workspace/applyEdit' from CONNECTION."
  (let* ((edit (plist-get params :edit))
         (documents
          (if-let* ((changes (plist-get edit :documentChanges)))
              (mapcar (lambda (one) (list (plist-get (plist-get one :textDocument) :uri)
                                          (plist-get (plist-get one :textDocument) :version)
                                          (plist-get one :edits)))
                      changes)
            (cl-loop for (uri edits) on (plist-get edit :changes) by #'cddr
                     collect (list (substring (symbol-name uri) 1) nil edits)))))
    (list :applied
          (if (seq-every-p (lambda (one) (apply #'ezrouter--apply-to-document connection one)) documents)
              t
            :json-false))))

(defun ezrouter--apply-to-document (connection uri version edits)
  "Apply EDITS, made for VERSION, to the document URI of CONNECTION.
Gives whether that was done."
  (when-let* ((buffer (or (gethash uri (ezrouter--buffers connection))
                          (and (ezrouter--uri-file uri)
                               (ezrouter--visit (ezrouter--uri-file uri))))))
    (with-current-buffer buffer
      (ezrouter--flush)
      (unless (or buffer-read-only
                  (and version ezrouter--document
                       (/= version (ezrouter--document-version ezrouter--document))))
        (save-restriction
          (widen)
          (ezrouter--make-plain nil (ezrouter--places edits)))
        (ezrouter--flush)
        t))))

;;;; Jobs

(defvar ezrouter--order 0 "How many jobs there were.")

(defconst ezrouter--states '("waiting" "thinking" "streaming" "pending" "done" "cancelled" "failed")
  "The states of a job.")

(defun ezrouter--is-over (job)
  "Whether JOB has ended for good."
  (memq (ezrouter--job-state job) '(done cancelled failed)))

(defun ezrouter--is-running (job)
  "Whether JOB is under way."
  (memq (ezrouter--job-state job) '(waiting thinking streaming)))

(defun ezrouter--is-pending (job)
  "Whether JOB waits for review."
  (eq (ezrouter--job-state job) 'pending))

(defun ezrouter--all-jobs (&optional fits)
  "The jobs that FITS is true of, the newest first."
  (let (jobs)
    (dolist (connection ezrouter--connections)
      (maphash (lambda (_ job) (when (or (null fits) (funcall fits job)) (push job jobs)))
               (ezrouter--jobs connection)))
    (sort jobs (lambda (one other) (> (ezrouter--job-order one) (ezrouter--job-order other))))))

(defun ezrouter--job-buffer (job)
  "The buffer that JOB is about, or nil."
  (let ((buffer (gethash (ezrouter--job-uri job) (ezrouter--buffers (ezrouter--job-connection job)))))
    (and (buffer-live-p buffer) buffer)))

(defun ezrouter--extent (job)
  "Where the text of JOB is: a pair of places, or nil."
  (let ((change (ezrouter--job-change job)) (place (ezrouter--job-place job)))
    (cond
     ((and change (ezrouter--change-beg change) (marker-buffer (ezrouter--change-beg change)))
      (cons (marker-position (ezrouter--change-beg change)) (marker-position (ezrouter--change-end change))))
     ((and place (overlay-buffer place)) (cons (overlay-start place) (overlay-end place))))))

(defun ezrouter--covers (job pos)
  "Whether JOB is about the line of POS in this buffer."
  (when-let* (((eq (current-buffer) (ezrouter--job-buffer job)))
              (extent (ezrouter--extent job)))
    (save-excursion
      (and (<= (progn (goto-char (car extent)) (pos-bol)) pos)
           (<= pos (progn (goto-char (cdr extent))
                          (if (and (bolp) (< (car extent) (cdr extent))) (1- (point)) (pos-eol))))))))

(defun ezrouter--meant (fits)
  "The job that the user means: the newest at point that FITS is true of.
If there is none there, the only one of this buffer."
  (let* ((here (seq-filter (lambda (job) (eq (current-buffer) (ezrouter--job-buffer job)))
                           (ezrouter--all-jobs fits)))
         (covering (seq-filter (lambda (job) (ezrouter--covers job (point))) here)))
    (or (car covering)
        (and here (null (cdr here)) (car here)))))

(defun ezrouter--take-job (connection params)
  "Take the state of a job: PARAMS of `ezrouter/job' from CONNECTION.
What is no state is passed over, and what comes behind the end of a job."
  (let* ((id (plist-get params :job))
         (state (car (member (plist-get params :state) ezrouter--states)))
         (job (and (stringp id) state
                   (or (gethash id (ezrouter--jobs connection))
                       (ezrouter--new-job connection params)))))
    (unless (or (null job) (ezrouter--is-over job))
      (setf (ezrouter--job-parked job) (eq t (plist-get params :parked))
            (ezrouter--job-message job) (ezrouter--words (plist-get params :message))
            (ezrouter--job-usage job) (or (plist-get params :usage) (ezrouter--job-usage job)))
      (let ((is-new (null (ezrouter--job-state job))))
        (ezrouter--job-to job (intern state) (and is-new (ezrouter--job-title job)))))))

(defun ezrouter--new-job (connection params)
  "The job that PARAMS of `ezrouter/job' from CONNECTION tell of first, or nil."
  (when-let* ((kind (car (member (plist-get params :kind) '("ask" "rewrite")))))
    (let* ((expected (ezrouter--take-expected connection params))
           (id (plist-get params :job))
           (job (make-ezrouter--job :connection connection :id id :kind (intern kind)
                                    :uri (plist-get params :uri) :order (cl-incf ezrouter--order)
                                    :place (plist-get expected :place)
                                    :thread (plist-get expected :thread)
                                    :title (plist-get expected :words))))
      (unless (ezrouter--job-place job)
        (ezrouter--place-job job (plist-get params :range)))
      (puthash id job (ezrouter--jobs connection))
      (ezrouter--forget-old-jobs)
      job)))

(defun ezrouter--forget-old-jobs ()
  "Forget the oldest jobs that are over and shown nowhere."
  (let ((over (ezrouter--all-jobs (lambda (job) (and (ezrouter--is-over job)
                                                     (not (buffer-live-p (ezrouter--job-thread job))))))))
    (dolist (job (seq-drop over 100))
      (remhash (ezrouter--job-id job) (ezrouter--jobs (ezrouter--job-connection job))))))

(defun ezrouter--place-job (job range)
  "Remember where JOB is, by RANGE of LSP."
  (when-let* ((range) (buffer (ezrouter--job-buffer job)))
    (with-current-buffer buffer
      (setf (ezrouter--job-place job)
            (make-overlay (ezrouter--point (plist-get range :start)) (ezrouter--point (plist-get range :end)))))))

(defun ezrouter--job-to (job state &optional words)
  "JOB has come to STATE; WORDS are what was asked, if it is new."
  (setf (ezrouter--job-state job) state)
  (if (eq (ezrouter--job-kind job) 'ask)
      (ezrouter--update-thread job words)
    (ezrouter--draw job))
  ;; In the buffer of an answer one can ask on about its place.
  (when (and (ezrouter--is-over job) (ezrouter--job-place job)
             (not (buffer-live-p (ezrouter--job-thread job))))
    (delete-overlay (ezrouter--job-place job)))
  (ezrouter--announce))

(defun ezrouter--take-progress (connection params)
  "Take how far a job has come: PARAMS of `$/progress' from CONNECTION."
  (when-let* ((token (plist-get params :token))
              ((stringp token))
              (job (gethash (string-remove-prefix "ezrouter/" token) (ezrouter--jobs connection)))
              (value (plist-get params :value)))
    (setf (ezrouter--job-title job) (or (ezrouter--words (plist-get value :title)) (ezrouter--job-title job))
          (ezrouter--job-progress job) (or (ezrouter--words (plist-get value :message)) (ezrouter--job-progress job)))
    (when (eq (ezrouter--job-kind job) 'ask)
      (ezrouter--update-hint job))
    (ezrouter--announce)))

(defvar ezrouter--lighter " ez" "The text for the mode line.")

(defconst ezrouter--draw-seconds 0.05 "How long marks and mode lines may wait for what comes next.")

(defvar ezrouter--announcing nil "The timer for the mode lines, if something has changed since they were made.")

(defun ezrouter--announce ()
  "Show in the mode lines before long what has changed; more may change first."
  (unless ezrouter--announcing
    (setq ezrouter--announcing (run-at-time ezrouter--draw-seconds nil #'ezrouter--show-lighter))))

(defun ezrouter--show-lighter ()
  "Show in the mode lines what has changed."
  (setq ezrouter--announcing nil)
  (ezrouter--safely "the mode line"
    (setq ezrouter--lighter (ezrouter--make-lighter))
    (force-mode-line-update t)))

(defun ezrouter--make-lighter ()
  "The text for the mode line, made anew."
  (let* ((running (ezrouter--all-jobs #'ezrouter--is-running))
         (pending (length (ezrouter--all-jobs #'ezrouter--is-pending)))
         (job (car running)))
    (concat " ez"
            (cond
             ((cdr running) (format "[%d running]" (length running)))
             (job (format "[%s: %s]"
                          (truncate-string-to-width (or (ezrouter--job-title job) "") 24 nil nil t)
                          (or (ezrouter--job-progress job) (symbol-name (ezrouter--job-state job)))))
             ((< 0 pending) (format "[%d to review]" pending))
             (t "")))))

;;;; Marks on new lines

(defun ezrouter--line-table (old new)
  "For vectors of lines OLD and NEW, the lengths of their common endings."
  (let* ((rows (1+ (length old))) (columns (1+ (length new)))
         (table (make-vector (* rows columns) 0)))
    (cl-loop for row from (- rows 2) downto 0 do
             (cl-loop for column from (- columns 2) downto 0 do
                      (aset table (+ (* row columns) column)
                            (if (equal (aref old row) (aref new column))
                                (1+ (aref table (+ (* (1+ row) columns) column 1)))
                              (max (aref table (+ (* (1+ row) columns) column))
                                   (aref table (+ (* row columns) column 1)))))))
    table))

(defun ezrouter--same-lines (old new)
  "How many lines OLD and NEW, lists, have in common at their beginnings."
  (let ((count 0))
    (while (and old new (equal (pop old) (pop new)))
      (setq count (1+ count)))
    count))

(defun ezrouter--new-lines (old new)
  "The numbers, from 0, of the lines of the text NEW that are not in OLD."
  (let* ((old (split-string old "\n")) (new (split-string new "\n"))
         (head (ezrouter--same-lines old new))
         (old (nthcdr head old)) (new (nthcdr head new))
         (tail (ezrouter--same-lines (reverse old) (reverse new))))
    (mapcar (apply-partially #'+ head)
            (ezrouter--unmatched-lines (vconcat (butlast old tail)) (vconcat (butlast new tail))))))

(defun ezrouter--unmatched-lines (old new)
  "The numbers of the lines in NEW that are not in OLD; both are vectors.
Where that would take long, all of them."
  (if (< 40000 (* (length old) (length new)))
      (number-sequence 0 (1- (length new)))
    (let ((table (ezrouter--line-table old new))
          (columns (1+ (length new))) (row 0) (column 0) found)
      (while (< column (length new))
        (cond
         ((and (< row (length old)) (equal (aref old row) (aref new column)))
          (setq row (1+ row) column (1+ column)))
         ((and (< row (length old))
               (<= (aref table (+ (* row columns) column 1)) (aref table (+ (* (1+ row) columns) column))))
          (setq row (1+ row)))
         (t (push column found)
            (setq column (1+ column)))))
      (nreverse found))))

(defun ezrouter--draw-soon (job)
  "Show before long which lines of JOB are new; other edits may come first.
What takes long is done seldom: it never takes a fifth of the time."
  (unless (ezrouter--job-timer job)
    (setf (ezrouter--job-timer job)
          (run-at-time (max ezrouter--draw-seconds (* 4 (ezrouter--job-drawn-in job))) nil
                       (lambda () (ezrouter--safely "the marks" (ezrouter--draw job)))))))

(defun ezrouter--draw (job)
  "Show which lines of JOB are new, as long as it is not decided.
What marks a line in its place stays: a long rewrite has many of them,
and an edit moves few."
  (when (ezrouter--job-timer job)
    (cancel-timer (ezrouter--job-timer job))
    (setf (ezrouter--job-timer job) nil))
  (let ((began (float-time)) (marks (make-hash-table :test #'eql)))
    (dolist (overlay (ezrouter--job-overlays job))
      (when-let* ((start (overlay-start overlay)))
        (puthash start (cons overlay (gethash start marks)) marks)))
    (setf (ezrouter--job-overlays job) nil)
    (ezrouter--draw-lines job marks)
    (maphash (lambda (_ overlays) (mapc #'delete-overlay overlays)) marks)
    (setf (ezrouter--job-drawn-in job) (- (float-time) began))))

(defun ezrouter--draw-lines (job overlays)
  "Mark the new lines of JOB, as long as it is not decided.
OVERLAYS are those that are there, in lists by where they begin; what is
used of them is taken out."
  (when-let* ((ezrouter-review-marks)
              ((or (ezrouter--is-running job) (ezrouter--is-pending job)))
              (change (ezrouter--job-change job))
              (beg (ezrouter--change-beg change))
              (buffer (marker-buffer beg)))
    (with-current-buffer buffer
      (save-excursion
        (save-restriction
          (widen)
          (let* ((end (marker-position (ezrouter--change-end change)))
                 ;; Whole lines on both sides.
                 (first (progn (goto-char beg) (pos-bol)))
                 (last (progn (goto-char end) (pos-eol)))
                 (head (buffer-substring-no-properties first beg))
                 (tail (buffer-substring-no-properties end last))
                 (lines (ezrouter--new-lines (concat head (ezrouter--change-base change) tail)
                                             (buffer-substring-no-properties first last))))
            (goto-char first)
            (let ((at 0))
              (dolist (line lines)
                (forward-line (- line at))
                (setq at line)
                (ezrouter--mark-line job overlays)))))))))

(defun ezrouter--mark-line (job overlays)
  "Mark the line at point as a new one of JOB, by one of OVERLAYS if it is there."
  (let* ((beg (pos-bol))
         (end (min (point-max) (1+ (pos-eol))))
         (here (gethash beg overlays))
         (there (car here)))
    (if (and there (= end (overlay-end there)))
        (puthash beg (cdr here) overlays)
      (setq there (make-overlay beg end))
      (overlay-put there 'face 'ezrouter-new)
      (overlay-put there 'ezrouter-job job)
      (overlay-put there 'help-echo "New: ezrouter-accept or ezrouter-reject")
      (overlay-put there 'before-string
                   (propertize "+" 'display `(left-fringe right-triangle ezrouter-mark))))
    (push there (ezrouter--job-overlays job))))

;;;; Answers

(defvar-local ezrouter--thread nil
  "What the buffer of an answer is about, as a property list.
`:place' (an overlay there) and `:jobs', the newest first.")

(defvar-keymap ezrouter-answer-mode-map
  :doc "Keys in the buffer of an answer."
  "RET" #'ezrouter-ask
  "f" #'ezrouter-ask
  "k" #'ezrouter-stop
  "d" #'ezrouter-dismiss
  "q" #'quit-window)

(define-minor-mode ezrouter-answer-mode
  "Read an answer and ask on.
\\{ezrouter-answer-mode-map}"
  :lighter nil
  :interactive nil
  (setq buffer-read-only t
        truncate-lines nil
        word-wrap t
        header-line-format '(:eval (ezrouter--header))))

(defvar ezrouter--markdown-keywords
  '(("^#+ .*$" . 'bold)
    ("\\*\\*[^*\n]+\\*\\*" . 'bold)
    ("`[^`\n]+`" . 'font-lock-constant-face))
  "How Markdown looks where no mode for it is installed.")

(define-derived-mode ezrouter-text-mode text-mode "Answer"
  "Markdown, where no mode for it is installed."
  :interactive nil
  (setq font-lock-defaults '(ezrouter--markdown-keywords t)))

(defun ezrouter--answer-look ()
  "Turn on the best mode for Markdown that there is."
  (let ((try (lambda (mode) (and (fboundp mode) (ignore-errors (funcall mode) t)))))
    (or (funcall try 'gfm-view-mode)
        (and (fboundp 'treesit-ready-p) (treesit-ready-p 'markdown t) (funcall try 'markdown-ts-mode))
        (ezrouter-text-mode))))

(defun ezrouter--header ()
  "The line above an answer."
  (let* ((job (car (plist-get ezrouter--thread :jobs)))
         (running (and job (ezrouter--is-running job))))
    (string-replace
     "%" "%%"
     (concat " " (and job (or (ezrouter--job-progress job) (symbol-name (ezrouter--job-state job))))
             (substitute-command-keys
              (if running "  \\<ezrouter-answer-mode-map>\\[ezrouter-stop] stop"
                "  \\<ezrouter-answer-mode-map>\\[ezrouter-ask] ask on"))
             (substitute-command-keys "  \\<ezrouter-answer-mode-map>\\[quit-window] close")))))

(defun ezrouter--new-thread (job)
  "A buffer for the answer of JOB."
  (let ((buffer (generate-new-buffer "*ezrouter answer*")))
    (with-current-buffer buffer
      (ezrouter--answer-look)
      (buffer-disable-undo)
      (ezrouter-answer-mode 1)
      (setq ezrouter--thread (list :place (ezrouter--job-place job) :jobs nil))
      (add-hook 'kill-buffer-hook #'ezrouter--forget-thread nil t))
    buffer))

(defun ezrouter--forget-thread ()
  "Stop what is under way for this buffer, which is about to be killed."
  (dolist (job (plist-get ezrouter--thread :jobs))
    (when (and (ezrouter--is-running job) (jsonrpc-running-p (ezrouter--job-connection job)))
      (ezrouter--execute (ezrouter--job-connection job) "ezrouter.cancel" (list :job (ezrouter--job-id job)))))
  (when-let* ((place (plist-get ezrouter--thread :place)))
    (delete-overlay place)))

(defmacro ezrouter--at-end (buffer &rest body)
  "Run BODY at the end of BUFFER, which nobody but us writes.
Windows that show the end go on to show it."
  (declare (indent 1) (debug t))
  `(with-current-buffer ,buffer
     (let* ((inhibit-read-only t)
            (is-there (= (point) (point-max)))
            (windows (seq-filter (lambda (window) (= (window-point window) (point-max)))
                                 (get-buffer-window-list nil nil t))))
       (save-excursion
         (save-restriction
           (widen)
           (goto-char (point-max))
           ,@body))
       (when is-there (goto-char (point-max)))
       (dolist (window windows)
         (set-window-point window (point-max)))
       (set-buffer-modified-p nil))))

(defun ezrouter--begin-answer (job words)
  "Make room for the answer of JOB to WORDS, and show it."
  (let* ((old (ezrouter--job-thread job))
         (buffer (if (buffer-live-p old) old (ezrouter--new-thread job))))
    (setf (ezrouter--job-thread job) buffer)
    (ezrouter--at-end buffer
      (push job (plist-get ezrouter--thread :jobs))
      (unless (bobp)
        (insert "\n\n---\n\n"))
      (when words
        (insert (propertize (concat "> " (string-replace "\n" "\n> " words)) 'face 'ezrouter-question
                            'font-lock-face 'ezrouter-question)
                "\n\n")))
    (unless (get-buffer-window buffer t)
      (let ((window (display-buffer buffer ezrouter-display-answer-action)))
        (when window
          (set-window-point window (with-current-buffer buffer (point-max)))
          (when (and ezrouter-select-answer (not (active-minibuffer-window)))
            (select-window window)))))))

(defun ezrouter--update-thread (job words)
  "Show the state of JOB, a question of WORDS, in the buffer of its answer."
  (when words
    (ezrouter--begin-answer job words))
  (ezrouter--update-hint job)
  (when (buffer-live-p (ezrouter--job-thread job))
    (let ((end (pcase (ezrouter--job-state job)
                 ('failed (format "**Failed:** %s" (or (ezrouter--job-message job) "the server does not say why")))
                 ('cancelled "*Stopped.*"))))
      (when end
        (ezrouter--at-end (ezrouter--job-thread job)
          (insert (if (bolp) "" "\n\n") end "\n"))))))

(defun ezrouter--goes-elsewhere (job)
  "Close the buffer for the answer of JOB: it streams into a document."
  (let ((buffer (ezrouter--job-thread job)))
    (when (and (buffer-live-p buffer) (not (ezrouter--job-is-begun job))
               (equal (list job) (plist-get (buffer-local-value 'ezrouter--thread buffer) :jobs)))
      (setf (ezrouter--job-thread job) nil)
      (with-current-buffer buffer
        (setq ezrouter--thread nil))
      (if-let* ((window (get-buffer-window buffer t)))
          (quit-window t window)
        (kill-buffer buffer)))))

(defun ezrouter--update-hint (job)
  "Show where the answer of JOB will stand that it is waited for."
  (when (ezrouter--job-hint job)
    (delete-overlay (ezrouter--job-hint job))
    (setf (ezrouter--job-hint job) nil))
  (when (and (memq (ezrouter--job-state job) '(waiting thinking))
             (buffer-live-p (ezrouter--job-thread job)))
    (with-current-buffer (ezrouter--job-thread job)
      (let ((overlay (make-overlay (point-max) (point-max))))
        (overlay-put overlay 'after-string
                     (propertize (or (ezrouter--job-progress job) (symbol-name (ezrouter--job-state job)))
                                 'face 'ezrouter-hint))
        (setf (ezrouter--job-hint job) overlay)))))

(defun ezrouter--take-answer (connection params)
  "Take a piece of an answer: PARAMS of `ezrouter/answer' from CONNECTION."
  (when-let* ((job (gethash (plist-get params :job) (ezrouter--jobs connection)))
              (delta (plist-get params :delta))
              ((not (string-empty-p delta))))
    ;; It may have been asked by a comment or by another client of the server.
    (unless (ezrouter--job-thread job)
      (ezrouter--begin-answer job (ezrouter--job-title job)))
    (setf (ezrouter--job-is-begun job) t)
    (when (buffer-live-p (ezrouter--job-thread job))
      (when (ezrouter--job-hint job)
        (delete-overlay (ezrouter--job-hint job))
        (setf (ezrouter--job-hint job) nil))
      (ezrouter--at-end (ezrouter--job-thread job)
        (insert (string-replace "\r" "" delta))))))

;;;; Commands

(defun ezrouter--take-expected (connection params)
  "What is known of the new job in PARAMS, which are from CONNECTION."
  (let ((found (seq-find (lambda (one) (and (equal (plist-get one :kind) (plist-get params :kind))
                                            (equal (plist-get one :uri) (plist-get params :uri))))
                         (ezrouter--expected connection))))
    (setf (ezrouter--expected connection) (delq found (ezrouter--expected connection)))
    found))

(defun ezrouter--start-job (kind place argument &optional words thread)
  "Have the server start a job of KIND about the overlay PLACE.
ARGUMENT is what the command is given beside that, WORDS what the user
said, THREAD the buffer in which the answer goes on."
  ;; While the user said it the buffer may have been killed, and the server may have ended.
  (unless (overlay-buffer place)
    (user-error "The text that this is about is gone"))
  (with-current-buffer (overlay-buffer place)
    (let* ((connection (ezrouter--connect-document))
           (uri (ezrouter--document-uri ezrouter--document))
           (expected (list :kind kind :uri uri :place place :words words :thread thread)))
      (ezrouter--expect
       connection expected (concat "ezrouter." kind)
       `(:uri ,uri :range ,(ezrouter--range (overlay-start place) (overlay-end place)) ,@argument)))))

(defun ezrouter--expect (connection expected command argument)
  "Have CONNECTION start a job by COMMAND with ARGUMENT.
EXPECTED is what is known of that."
  (ezrouter--demand-running connection)
  (setf (ezrouter--expected connection) (append (ezrouter--expected connection) (list expected)))
  (ezrouter--execute
   connection command argument nil
   (lambda () (setf (ezrouter--expected connection) (delq expected (ezrouter--expected connection))))))

(defun ezrouter--place-here (kind)
  "The place that a command of KIND is about, as an overlay.
That is the region; without one a question is about the whole buffer, and
a rewrite writes at point."
  (cond ((use-region-p) (make-overlay (region-beginning) (region-end)))
        ((equal kind "ask") (make-overlay (point-min) (point-max)))
        (t (make-overlay (point) (point)))))

(defun ezrouter--read (prompt history place)
  "Ask for words with PROMPT and HISTORY, while PLACE is marked.
Without words nothing is left of PLACE."
  (overlay-put place 'face 'region)
  (let (words)
    (unwind-protect
        (progn
          (setq words (string-trim (read-string prompt nil history)))
          (when (string-empty-p words)
            (setq words nil)
            (user-error "Nothing was said"))
          words)
      (overlay-put place 'face nil)
      (unless words
        (delete-overlay place)))))

(defun ezrouter--follow-up (words)
  "Ask WORDS about the same text as the question before in this buffer."
  (let ((place (plist-get ezrouter--thread :place)))
    (when (string-empty-p words)
      (user-error "Nothing was said"))
    (unless (and place (overlay-buffer place))
      (user-error "The text that this is about is gone"))
    (goto-char (point-max))
    (ezrouter--start-job "ask" place (list :question words) words (current-buffer))))

;;;###autoload
(defun ezrouter-ask (&optional question)
  "Ask QUESTION about the region, or about the buffer if there is none.
In the buffer of an answer ask on.  The answer streams into a window."
  (interactive)
  (if ezrouter--thread
      (ezrouter--follow-up (or question (string-trim (read-string "Ask on: " nil 'ezrouter-ask-history))))
    (ezrouter--connect-document)
    (let* ((place (ezrouter--place-here "ask"))
           (words (or question (ezrouter--read "Ask: " 'ezrouter-ask-history place))))
      (deactivate-mark)
      (ezrouter--start-job "ask" place (list :question words) words))))

;;;###autoload
(defun ezrouter-rewrite (&optional instruction)
  "Have the region rewritten according to INSTRUCTION.
Without a region the new text is written at point.  One undo takes the
whole back; `ezrouter-accept' and `ezrouter-reject' decide about it."
  (interactive "*")
  (ezrouter--connect-document)
  (let* ((place (ezrouter--place-here "rewrite"))
         (words (or instruction (ezrouter--read "Rewrite: " 'ezrouter-rewrite-history place))))
    (deactivate-mark)
    (ezrouter--start-job "rewrite" place (list :instruction words) words)))

(defun ezrouter--tell-kept (result)
  "Say what a rejection with RESULT has left."
  (let ((kept (length (plist-get result :kept))))
    (when (< 0 kept)
      (ezrouter--tell "%d %s left, because you changed that text since"
                      kept (if (= kept 1) "change was" "changes were")))))

(defun ezrouter--diagnostics (beg end)
  "The diagnostics of Flymake from BEG to END, as LSP has them."
  (vconcat
   (mapcar (lambda (one)
             (list :range (ezrouter--range (flymake-diagnostic-beg one) (flymake-diagnostic-end one))
                   :severity (pcase (flymake-diagnostic-type one)
                               ((or :error 'eglot-error) 1) ((or :warning 'eglot-warning) 2) (_ 3))
                   :message (substring-no-properties (flymake-diagnostic-text one))))
           (and (bound-and-true-p flymake-mode)
                (flymake-diagnostics (save-excursion (goto-char beg) (pos-bol))
                                     (save-excursion (goto-char end) (pos-eol)))))))

(defun ezrouter--actions (connection beg end &optional only)
  "The code actions of CONNECTION from BEG to END, of the kinds in ONLY."
  (ezrouter--flush)
  (append
   (jsonrpc-request connection :textDocument/codeAction
                    `(:textDocument (:uri ,(ezrouter--document-uri ezrouter--document))
                      :range ,(ezrouter--range beg end)
                      :context (:diagnostics ,(ezrouter--diagnostics beg end) :triggerKind 1 ,@(and only (list :only only))))
                    :timeout 10)
   nil))

(defun ezrouter--hunk (job command)
  "The number of the hunk at point that COMMAND would decide, of JOB."
  (or (seq-some (lambda (action)
                  (let* ((run (plist-get action :command))
                         (argument (and (listp run) (> (length (plist-get run :arguments)) 0)
                                        (aref (plist-get run :arguments) 0))))
                    (and (equal (plist-get run :command) command)
                         (equal (plist-get argument :job) (ezrouter--job-id job))
                         (plist-get argument :hunk))))
                (ezrouter--actions (ezrouter--job-connection job) (pos-bol) (pos-bol) ["quickfix"]))
      (user-error "There is no hunk to decide at point")))

(defun ezrouter--judge (command hunk)
  "Run COMMAND about the rewrite at point, or with HUNK about the hunk there."
  (let* ((job (or (ezrouter--meant #'ezrouter--is-pending)
                  (user-error "There is no rewrite to review here")))
         (number (and hunk (ezrouter--hunk job command)))
         (line (pos-bol)))
    (ezrouter--execute (ezrouter--job-connection job) command
                       `(:job ,(ezrouter--job-id job) ,@(and number (list :hunk number)))
                       (lambda (result)
                         (ezrouter--tell-kept result)
                         (when (and number (equal command "ezrouter.accept"))
                           (ezrouter--settle-lines job line))))))

(defun ezrouter--settle-lines (job pos)
  "Unmark the lines of JOB around POS."
  (dolist (step '(1 -1))
    (let ((at pos) found)
      (save-excursion
        (while (setq found (seq-find (lambda (overlay)
                                       (and (overlay-buffer overlay) (<= (overlay-start overlay) at)
                                            (< at (overlay-end overlay))))
                                     (ezrouter--job-overlays job)))
          (let ((next (if (= step 1) (overlay-end found) (1- (overlay-start found)))))
            (unless (and (= at pos) (= step 1))
              (delete-overlay found))
            (setq at next))))))
  (dolist (overlay (ezrouter--job-overlays job))
    (when (and (overlay-buffer overlay) (<= (overlay-start overlay) pos) (< pos (overlay-end overlay)))
      (delete-overlay overlay))))

;;;###autoload
(defun ezrouter-accept (&optional hunk)
  "Keep the rewrite at point; with a prefix argument HUNK only that hunk."
  (interactive "P")
  (ezrouter--judge "ezrouter.accept" hunk))

;;;###autoload
(defun ezrouter-reject (&optional hunk)
  "Take the rewrite at point back; with a prefix argument HUNK only that hunk."
  (interactive "P")
  (ezrouter--judge "ezrouter.reject" hunk))

;;;###autoload
(defun ezrouter-retry (&optional instruction)
  "Have the rewrite at point done again.
With a prefix argument ask for another INSTRUCTION."
  (interactive (list (and current-prefix-arg
                          (read-string "Instead: " (car ezrouter-rewrite-history) 'ezrouter-rewrite-history))))
  (let ((job (or (car (plist-get ezrouter--thread :jobs))
                 (ezrouter--meant (lambda (job) (eq (ezrouter--job-kind job) 'rewrite)))
                 (user-error "There is nothing to retry here"))))
    (ezrouter--expect
     (ezrouter--job-connection job)
     (list :kind (symbol-name (ezrouter--job-kind job)) :uri (ezrouter--job-uri job)
           :words (or instruction (ezrouter--job-title job) "") :thread (ezrouter--job-thread job)
           :place (and (eq (ezrouter--job-kind job) 'ask) (ezrouter--job-place job)))
     "ezrouter.retry"
     `(:job ,(ezrouter--job-id job) ,@(and instruction (list :instruction instruction))))))

;;;###autoload
(defun ezrouter-stop ()
  "Stop everything, or in the buffer of an answer that one."
  (interactive)
  (let* ((own (plist-get ezrouter--thread :jobs))
         (running (ezrouter--all-jobs (lambda (job) (and (ezrouter--is-running job)
                                                         (or (null own) (memq job own)))))))
    (unless running
      (user-error "Nothing runs"))
    (dolist (job running)
      (ezrouter--execute (ezrouter--job-connection job) "ezrouter.cancel" (list :job (ezrouter--job-id job))))))

(defun ezrouter--thread-here ()
  "The buffer of the answer that the user means."
  (if ezrouter--thread
      (current-buffer)
    (let ((fits (lambda (job) (buffer-live-p (ezrouter--job-thread job)))))
      (ezrouter--job-thread (or (ezrouter--meant fits)
                                (car (ezrouter--all-jobs fits))
                                (user-error "There is no answer here"))))))

;;;###autoload
(defun ezrouter-show-answer ()
  "Go to the answer about the text at point, else to the newest."
  (interactive)
  (pop-to-buffer (ezrouter--thread-here) ezrouter-display-answer-action))

;;;###autoload
(defun ezrouter-dismiss ()
  "Take the answer away that is about the text at point."
  (interactive)
  (let* ((buffer (ezrouter--thread-here))
         (job (car (plist-get (buffer-local-value 'ezrouter--thread buffer) :jobs))))
    (when (and job (not (ezrouter--is-running job)) (jsonrpc-running-p (ezrouter--job-connection job)))
      (ezrouter--execute (ezrouter--job-connection job) "ezrouter.dismiss" (list :job (ezrouter--job-id job))))
    (if-let* ((window (get-buffer-window buffer t)))
        (quit-window t window)
      (kill-buffer buffer))))

;;;###autoload
(defun ezrouter-chat ()
  "Open the conversation of this project as a document.
What is written at its end is sent by `ezrouter-send'."
  (interactive)
  (ezrouter--execute (ezrouter--connect) "ezrouter.openConversation"
                     (and ezrouter--document (list :uri (ezrouter--document-uri ezrouter--document)))))

;;;###autoload
(defun ezrouter-send ()
  "Send what is written at the end of this conversation."
  (interactive)
  (let ((connection (ezrouter--connect-document)))
    (ezrouter--execute connection "ezrouter.send" (list :uri (ezrouter--document-uri ezrouter--document)))))

;;;###autoload
(defun ezrouter-new-conversation ()
  "Begin a new conversation: what was said before is not sent any more."
  (interactive)
  (ezrouter--execute (ezrouter--connect) "ezrouter.newConversation" nil
                     (lambda (_) (ezrouter--tell "a new conversation has begun"))))

;;;###autoload
(defun ezrouter-action (title)
  "Run the code action TITLE of ezrouter on the region, or at point."
  (interactive
   (progn
     (ezrouter--connect-document)
     (list (completing-read "Action: " (mapcar (lambda (one) (plist-get one :title)) (ezrouter--actions-here))
                            nil t))))
  (let* ((connection (ezrouter--connect-document))
         (action (or (seq-find (lambda (one) (equal title (plist-get one :title))) (ezrouter--actions-here))
                     (user-error "There is no %s here" title)))
         (run (plist-get action :command))
         (argument (and (> (length (plist-get run :arguments)) 0) (aref (plist-get run :arguments) 0)))
         (kind (cadr (member (plist-get run :command) '("ezrouter.ask" "ask" "ezrouter.rewrite" "rewrite")))))
    (if (not kind)
        (ezrouter--execute connection (plist-get run :command) argument #'ezrouter--tell-kept)
      (let ((range (plist-get argument :range)))
        (ezrouter--start-job
         kind
         (make-overlay (ezrouter--point (plist-get range :start)) (ezrouter--point (plist-get range :end)))
         (cl-loop for (key value) on argument by #'cddr
                  unless (memq key '(:uri :range)) append (list key value))
         title))
      (deactivate-mark))))

(defun ezrouter--actions-here ()
  "The code actions on the region, or at point."
  (let ((is-region (use-region-p)))
    (ezrouter--actions (ezrouter--connect-document)
                       (if is-region (region-beginning) (point))
                       (if is-region (region-end) (point)))))

;;;###autoload
(defun ezrouter-select-model (model)
  "Let MODEL answer from now on."
  (interactive
   (let* ((catalog (ezrouter--call (ezrouter--connect) "ezrouter.models"))
          (ids (mapcar (lambda (one) (plist-get one :id)) (plist-get catalog :models))))
     (list (completing-read (format-prompt "Model" (plist-get catalog :model)) ids nil nil nil
                            'ezrouter--model-history (plist-get catalog :model)))))
  (ezrouter--execute (ezrouter--connect) "ezrouter.selectModel" (list :model model)
                     (lambda (result)
                       (ezrouter--tell "%s" (or (plist-get result :message)
                                                (format "%s answers from now on" (plist-get result :model)))))))

(defun ezrouter--show-table (title lines)
  "Show LINES in a window, under TITLE."
  (with-current-buffer (get-buffer-create (format "*ezrouter %s*" title))
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (string-join lines "\n") "\n")
      (goto-char (point-min)))
    (special-mode)
    (display-buffer (current-buffer))))

;;;###autoload
(defun ezrouter-usage ()
  "Show how many tokens were used, by day and model."
  (interactive)
  (let ((days (append (ezrouter--call (ezrouter--connect) "ezrouter.usage") nil))
        (row "%-12s %-28s %9s %10s %10s %10s"))
    (ezrouter--show-table
     "usage"
     (if (null days)
         '("Nothing was used yet.")
       (cons (format row "day" "model" "requests" "in" "cached" "out")
             (mapcar (lambda (one)
                       (format row (plist-get one :day) (plist-get one :model) (or (plist-get one :requests) "")
                               (or (plist-get one :input) 0) (or (plist-get one :cached) 0)
                               (or (plist-get one :output) 0)))
                     days))))))

;;;###autoload
(defun ezrouter-show-request (question)
  "Show what would be sent if QUESTION were asked about the region now."
  (interactive (list (read-string "Show the request for: " nil 'ezrouter-ask-history)))
  (let* ((connection (ezrouter--connect-document))
         (place (ezrouter--place-here "ask")))
    (ezrouter--execute
     connection "ezrouter.showRequest"
     `(:uri ,(ezrouter--document-uri ezrouter--document)
       :range ,(ezrouter--range (overlay-start place) (overlay-end place))
       :kind "ask" ,@(unless (string-empty-p question) (list :question question))))
    (delete-overlay place)))

;;;###autoload
(defun ezrouter-show-diff ()
  "Show what the rewrite at point has changed."
  (interactive)
  (let ((job (or (ezrouter--meant #'ezrouter--is-pending)
                 (user-error "There is no rewrite to review here"))))
    (ezrouter--execute (ezrouter--job-connection job) "ezrouter.showDiff" (list :job (ezrouter--job-id job)))))

;;;###autoload
(defun ezrouter-apply ()
  "Put the rest of the rewrite at point in place, where it could not land."
  (interactive)
  (let ((job (or (ezrouter--meant #'ezrouter--job-parked)
                 (user-error "There is no rewrite here that waits to be put in place"))))
    (ezrouter--execute (ezrouter--job-connection job) "ezrouter.apply" (list :job (ezrouter--job-id job))
                       #'ezrouter--tell-kept)))

(defun ezrouter--outline (value depth)
  "VALUE of JSON as lines that a person can read, DEPTH deep."
  (let ((indent (make-string (* 2 depth) ?\s)))
    (cond
     ((and (consp value) (keywordp (car value)))
      (cl-loop for (key one) on value by #'cddr
               append (if (or (and (consp one)) (and (vectorp one) (< 0 (length one))))
                          (cons (format "%s%s:" indent (substring (symbol-name key) 1))
                                (ezrouter--outline one (1+ depth)))
                        (list (format "%s%s: %s" indent (substring (symbol-name key) 1)
                                      (ezrouter--scalar one))))))
     ((vectorp value)
      (cl-loop for one across value
               append (ezrouter--outline one depth)))
     (t (list (concat indent (ezrouter--scalar value)))))))

(defun ezrouter--scalar (value)
  "VALUE, which is no table, as text."
  (pcase value
    ('nil "-")
    ('t "true")
    (:json-false "false")
    ((pred stringp) value)
    ((pred vectorp) "none")
    (_ (format "%s" value))))

;;;###autoload
(defun ezrouter-status ()
  "Show the jobs, the settings in force and the version of the server."
  (interactive)
  (ezrouter--show-table "status" (ezrouter--outline (ezrouter--call (ezrouter--connect) "ezrouter.status") 0)))

(defun ezrouter-log ()
  "Show what the server has said."
  (interactive)
  (pop-to-buffer (get-buffer-create ezrouter--log-buffer)))

(defun ezrouter-restart ()
  "Start the servers again, with the settings as they are now."
  (interactive)
  (mapc #'ezrouter--stop-connection (copy-sequence ezrouter--connections))
  (setq ezrouter--connections nil)
  (ezrouter--connect)
  (ezrouter--tell "the server runs anew"))

(defun ezrouter-next-change (&optional backward)
  "Go to the next new line that waits for review, or with BACKWARD the one before."
  (interactive "P")
  (let* ((starts (sort (delete-dups
                        (cl-loop for job in (ezrouter--all-jobs)
                                 append (cl-loop for overlay in (ezrouter--job-overlays job)
                                                 when (eq (overlay-buffer overlay) (current-buffer))
                                                 collect (overlay-start overlay))))
                       (if backward #'> #'<)))
         (start (or (seq-find (lambda (start) (if backward (< start (pos-bol)) (< (pos-bol) start))) starts)
                    (car starts)
                    (user-error "Nothing waits for review in this buffer"))))
    (push-mark nil t)
    (goto-char start)))

;;;; Modes and keys

(defvar-keymap ezrouter-command-map
  :doc "The commands of ezrouter, for a prefix of your choice."
  "a" #'ezrouter-ask
  "r" #'ezrouter-rewrite
  "e" #'ezrouter-action
  "y" #'ezrouter-accept
  "n" #'ezrouter-reject
  "t" #'ezrouter-retry
  "k" #'ezrouter-stop
  "c" #'ezrouter-chat
  "s" #'ezrouter-send
  "w" #'ezrouter-show-answer
  "d" #'ezrouter-dismiss
  "m" #'ezrouter-select-model
  "u" #'ezrouter-usage
  "q" #'ezrouter-show-request
  "=" #'ezrouter-show-diff
  "p" #'ezrouter-apply
  "j" #'ezrouter-next-change
  "i" #'ezrouter-status)

;;;###autoload (autoload 'ezrouter-command-map "ezrouter" "The commands of ezrouter." nil 'keymap)
(fset 'ezrouter-command-map ezrouter-command-map)

(defvar-keymap ezrouter-mode-map
  :doc "Keys of `ezrouter-mode': none but those below `ezrouter-keymap-prefix'.")

(defcustom ezrouter-keymap-prefix nil
  "The key below which the commands are in `ezrouter-mode', as for `keymap-set'.
Nil takes no key."
  :type '(choice (const :tag "None" nil) (string :tag "Key"))
  :set (lambda (option key)
         (when-let* ((old (and (boundp option) (symbol-value option))))
           (keymap-unset ezrouter-mode-map old t))
         (set-default-toplevel-value option key)
         (when key
           (keymap-set ezrouter-mode-map key 'ezrouter-command-map))))

(easy-menu-define ezrouter-menu ezrouter-mode-map
  "The menu of ezrouter."
  '("ezrouter"
    ["Ask…" ezrouter-ask]
    ["Rewrite…" ezrouter-rewrite :enable (not buffer-read-only)]
    ["Action…" ezrouter-action]
    "---"
    ["Accept" ezrouter-accept :enable (ezrouter--meant #'ezrouter--is-pending)]
    ["Reject" ezrouter-reject :enable (ezrouter--meant #'ezrouter--is-pending)]
    ["Next new line" ezrouter-next-change :enable (ezrouter--meant #'ezrouter--is-pending)]
    ["Retry" ezrouter-retry]
    ["Show diff" ezrouter-show-diff :enable (ezrouter--meant #'ezrouter--is-pending)]
    ["Apply the rest" ezrouter-apply :enable (ezrouter--meant #'ezrouter--job-parked)]
    ["Stop" ezrouter-stop :enable (ezrouter--all-jobs #'ezrouter--is-running)]
    "---"
    ["Show answer" ezrouter-show-answer]
    ["Dismiss answer" ezrouter-dismiss]
    ["Conversation" ezrouter-chat]
    ["New conversation" ezrouter-new-conversation]
    "---"
    ["Model…" ezrouter-select-model]
    ["Usage" ezrouter-usage]
    ["Show request…" ezrouter-show-request]
    ["Status" ezrouter-status]
    ["Log" ezrouter-log]
    ["Restart" ezrouter-restart]))

(defvar ezrouter--told-problem nil "The problem that was told last, so that it is told once.")

;;;###autoload
(define-minor-mode ezrouter-mode
  "Let `ezrouter-lsp' know this buffer, beside any other language server.
\\{ezrouter-mode-map}"
  :lighter ezrouter--lighter
  (if (not ezrouter-mode)
      (ezrouter--close-document)
    (let ((problem (ezrouter--problem)))
      (if problem
          (unless (equal problem ezrouter--told-problem)
            (setq ezrouter--told-problem problem)
            (ezrouter--tell "%s" problem))
        (ezrouter--safely "the start of the server"
          (let* ((root (ezrouter--project-root))
                 (connection (or (ezrouter--connection-of root) (ezrouter--start root))))
            (when (eq (ezrouter--state connection) 'ready)
              (ezrouter--open-document connection))))))))

(put 'ezrouter-mode 'permanent-local t)

(defun ezrouter--turn-on ()
  "Turn on `ezrouter-mode' where a person edits a file."
  (when (and buffer-file-name (not (buffer-base-buffer)) (not (file-remote-p buffer-file-name)))
    (ezrouter-mode 1)))

;;;###autoload
(define-globalized-minor-mode global-ezrouter-mode ezrouter-mode ezrouter--turn-on)

(defun ezrouter--stop-all ()
  "Tell all servers to end, because Emacs ends.
It does not wait: nothing may hold Emacs up when its terminal is gone."
  (mapc #'ezrouter--say-goodbye ezrouter--connections))

(add-hook 'kill-emacs-hook #'ezrouter--stop-all)

(provide 'ezrouter)

;;; ezrouter.el ends here
