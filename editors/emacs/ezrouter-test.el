;;; ezrouter-test.el --- Tests of ezrouter.el that need no server  -*- lexical-binding: t; -*-

;;; Commentary:

;; The real-editor tests run them, by `ert-run-tests-batch-and-exit'.

;;; Code:

(require 'ert)
(require 'ezrouter)

(defun ezrouter-test--worked ()
  "How many seconds of a processor Emacs has taken until now.
Other programs do not matter to that."
  (let ((seconds (float-time (get-internal-run-time))))
    (should (< 0 seconds))
    seconds))

(ert-deftest ezrouter-test-positions ()
  "Places and positions are the same, whatever ends the lines."
  (dolist (text '("" "a" "a\n" "日本 😀x\nb\r\nc\rd\n\r\re\n"))
    (with-temp-buffer
      (insert text)
      (let ((lines (split-string text "\r\n\\|[\r\n]")))
        (dotimes (line (length lines))
          (dotimes (character (1+ (length (nth line lines))))
            (let ((position (list :line line :character character)))
              (should (equal (ezrouter--position (ezrouter--point position)) position)))))
        (should (= (ezrouter--point '(:line 99 :character 3)) (point-max)))
        (should (= (ezrouter--point '(:line 0 :character 99)) (1+ (length (car lines)))))))))

(ert-deftest ezrouter-test-narrowed-positions ()
  "A narrowed buffer has the same positions."
  (with-temp-buffer
    (insert "one\ntwo\nthree\n")
    (narrow-to-region 5 8)
    (should (equal (ezrouter--position 6) '(:line 1 :character 1)))
    (should (= (ezrouter--point '(:line 2 :character 0)) 9))))

(defun ezrouter-test--apply (text told)
  "What a server has that had TEXT and was TOLD of edits since."
  (with-temp-buffer
    (insert text)
    (seq-doseq (change told)
      (let* ((range (plist-get change :range))
             (beg (ezrouter--point (plist-get range :start)))
             (end (ezrouter--point (plist-get range :end))))
        (delete-region beg end)
        (goto-char beg)
        (insert (plist-get change :text))))
    (buffer-string)))

(ert-deftest ezrouter-test-changes-at-random ()
  "What the server is told of changes gives the text, wherever they are."
  (dotimes (seed 300)
    (random (format "changes %d" seed))
    (with-temp-buffer
      (dotimes (_ (random 8)) (insert (make-string (random 5) ?a) (nth (random 5) '("\n" "\n" "\n" "日\n" "\n"))))
      (when (= 0 (random 4)) (insert "x\r\ny\rz\n"))
      (let* ((text (buffer-string))
             (document (make-ezrouter--document :tick (buffer-chars-modified-tick) :timer t)))
        (setq ezrouter--document document)
        (ezrouter--begin-counting document)
        (add-hook 'before-change-functions #'ezrouter--before-change nil t)
        (add-hook 'after-change-functions #'ezrouter--after-change nil t)
        (dotimes (_ (random 12))
          (let* ((beg (1+ (random (1+ (buffer-size))))) (end (min (1+ (buffer-size)) (+ beg (random 6)))))
            (goto-char beg)
            (pcase (random 5)
              (0 (delete-region beg end))
              (1 (upcase-region beg end))
              (2 (insert "new\nline"))
              (3 (subst-char-in-region beg end ?a ?b))
              (4 (insert (nth (random 4) '("x" "\n" "\r" "😀")))))))
        (ert-info ((format "seed %d, %S" seed text))
          (unless (ezrouter--document-whole document)
            (should (equal (ezrouter-test--apply text (reverse (ezrouter--document-changes document)))
                           (buffer-string)))))))))

(ert-deftest ezrouter-test-wire ()
  "What is no character of Unicode becomes one character each."
  (should (equal (ezrouter--wire (string ?a (unibyte-char-to-multibyte #xff) #xd800 #x110000 ?😀)) "a\ufffd\ufffd\ufffd😀"))
  (should (json-serialize (ezrouter--wire (string (unibyte-char-to-multibyte 200))))))

(ert-deftest ezrouter-test-uris ()
  "A file's URI names the file."
  (dolist (file '("/a b/c#d?.py" "/tmp/日本/ä.el" "/x/100%/[id].tsx"))
    (let ((uri (ezrouter--file-uri file)))
      (should (string-match-p "\\`file:///[-_.~/%0-9A-Za-z]+\\'" uri))
      (should (equal (ezrouter--uri-file uri) file))))
  (should-not (ezrouter--uri-file "untitled:x")))

(ert-deftest ezrouter-test-new-lines ()
  "The lines that are not in the old text are new."
  (pcase-dolist (`(,old ,new ,lines) '(("a\nb\nc" "a\nx\nc" (1)) ("a" "a" nil) ("" "a\nb" (0 1)) ("a\nb" "b" nil)
                                       ("a\nb\nc\nd" "a\nn\nb\nc\nm" (1 4))))
    (should (equal (ezrouter--new-lines old new) lines))))

;; What a server sends that has a defect, or means harm.

(defmacro ezrouter-test--with-server (told buffers &rest body)
  "Run BODY with a connection that puts the methods it is told into TOLD.
BUFFERS, a list of names, are made and open on it; they are killed after."
  (declare (indent 2))
  `(let* ((connection (make-instance 'ezrouter--connection :name "test" :root "/test/"
                                     :process (make-pipe-process :name "test" :noquery t)))
          (ezrouter--connections (list connection))
          (inhibit-message t)
          ,told)
     (setf (ezrouter--state connection) 'ready)
     (cl-letf (((symbol-function 'jsonrpc-notify) (lambda (_ method _params) (push method ,told)))
               ((symbol-function 'jsonrpc-async-request) (lambda (_ _method params &rest _) (push (plist-get params :command) ,told)))
               ((symbol-function 'ezrouter--project-root) (lambda () "/test/")))
       (unwind-protect
           (progn
             (dolist (name ,buffers)
               (with-current-buffer (get-buffer-create name)
                 (insert "one\ntwo\nthree\n")
                 (ezrouter--open-document connection)))
             ,@body)
         (maphash (lambda (_ job)
                    (when (buffer-live-p (ezrouter--job-thread job))
                      (kill-buffer (ezrouter--job-thread job))))
                  (ezrouter--jobs connection))
         (mapc (lambda (name) (when (get-buffer name) (kill-buffer name))) ,buffers)
         (delete-process (jsonrpc--process connection))))))

(defun ezrouter-test--job (connection id kind state &rest more)
  "Tell by CONNECTION that job ID of KIND has come to STATE, with MORE."
  (ezrouter--take-notification connection 'ezrouter/job
                               `(,@more :job ,id :kind ,kind :uri "untitled:one" :state ,state)))

(defun ezrouter-test--lsp-edit (first last text)
  "An edit of LSP from FIRST to LAST, as (LINE CHARACTER), to TEXT."
  (pcase-let ((`(,line ,character) first) (`(,last-line ,last-character) last))
    `(:range (:start (:line ,line :character ,character) :end (:line ,last-line :character ,last-character)) :newText ,text)))

(defun ezrouter-test--send-edit (connection id uri edits)
  "Send by CONNECTION the EDITS of job ID for URI, and give the answer."
  (let ((version (with-current-buffer (gethash uri (ezrouter--buffers connection))
                   (ezrouter--document-version ezrouter--document))))
    (ezrouter--take-request connection 'ezrouter/applyEdit
                            `(:job ,id :seq 1 :phase "next"
                              :edit (:textDocument (:uri ,uri :version ,version) :edits ,(vconcat edits))))))

(ert-deftest ezrouter-test-edits-that-make-no-sense-are-refused ()
  "Of edits that name no range, or overlap, none is made."
  (ezrouter-test--with-server told '("one")
    (ezrouter-test--job connection "1" "rewrite" "streaming")
    (with-current-buffer "one"
      (dolist (edits (list '((0 1) (1 -3) "x") '((-1 0) (1 0) "x") '((2 0) (0 1) "x") '((0 1.5) (1 0) "x") '((0 0) (nil 0) "x")
                           '((0 0) (1 0) nil) '((0 0) (1 0) 7) '((0 0) (2 0) "a" (1 0) (2 3) "b")
                           '((0 0) (0 1) nil (1 0) (2 3) "b")))
        (ert-info ((format "%S" edits))
          (should (eq :json-false
                      (plist-get (ezrouter-test--send-edit
                                  connection "1" "untitled:one"
                                  (cl-loop for (first last text) on edits by #'cdddr
                                           collect (ezrouter-test--lsp-edit first last text)))
                                 :applied)))
          (should (equal (buffer-string) "one\ntwo\nthree\n"))))
      (should (eq t (plist-get (ezrouter-test--send-edit connection "1" "untitled:one"
                                                         (list (ezrouter-test--lsp-edit '(1 0) '(1 0) "new\n")
                                                               (ezrouter-test--lsp-edit '(1 0) '(2 0) "")))
                               :applied)))
      (should (equal (buffer-string) "one\nnew\nthree\n")))))

(ert-deftest ezrouter-test-edits-of-another-document-are-refused ()
  "A rewrite changes the document that it is about, and no other."
  (ezrouter-test--with-server told '("one" "two")
    (ezrouter-test--job connection "1" "rewrite" "streaming")
    (ezrouter-test--job connection "2" "ask" "streaming")
    (let ((edits (list (ezrouter-test--lsp-edit '(1 0) '(1 3) "new"))))
      (should (eq :json-false (plist-get (ezrouter-test--send-edit connection "1" "untitled:two" edits) :applied)))
      (should (eq t (plist-get (ezrouter-test--send-edit connection "2" "untitled:two" edits) :applied)))
      (should (eq :json-false (plist-get (ezrouter-test--send-edit connection "2" "untitled:one" edits) :applied))))
    (should (equal (with-current-buffer "one" (buffer-string)) "one\ntwo\nthree\n"))
    (should (equal (with-current-buffer "two" (buffer-string)) "one\nnew\nthree\n"))))

(ert-deftest ezrouter-test-thousands-of-jobs ()
  "Each job costs little, however many there are."
  (ezrouter-test--with-server told '("one")
    (let ((began (ezrouter-test--worked)))
      (dotimes (id 2000)
        (ezrouter-test--job connection (number-to-string id) "ask" "streaming"))
      (should (< (- (ezrouter-test--worked) began) 8)))))

(ert-deftest ezrouter-test-what-is-left-of-a-server-that-ended ()
  "An answer of a server that runs no more can be dismissed, and nothing else is asked of a new server by it."
  (ezrouter-test--with-server told '("one")
    (ezrouter-test--job connection "1" "ask" "streaming")
    (ezrouter--take-notification connection 'ezrouter/answer '(:job "1" :delta "It greets."))
    (ezrouter-test--job connection "1" "ask" "done")
    (let ((buffer (ezrouter--job-thread (gethash "1" (ezrouter--jobs connection)))))
      (delete-process (jsonrpc--process connection))
      (with-current-buffer buffer
        (should-error (ezrouter-retry) :type 'user-error)
        (should-error (ezrouter-stop) :type 'user-error)
        (should-not (ezrouter--expected connection))
        (ezrouter-dismiss))
      (should-not (buffer-live-p buffer))
      (should-not (seq-filter #'stringp told)))))

(ert-deftest ezrouter-test-the-prompt-outlives-what-it-is-about ()
  "Where the buffer is gone, or its server has ended, while the words are typed, that is said or mended."
  (ezrouter-test--with-server told '("one" "two")
    (cl-letf (((symbol-function 'read-string) (lambda (&rest _) (ezrouter--close-document) "why")))
      (with-current-buffer "one"
        (ezrouter-ask)
        (should ezrouter--document))
      (should (equal '("ezrouter.ask") (seq-filter #'stringp told))))
    (cl-letf (((symbol-function 'read-string) (lambda (&rest _) (kill-buffer "two") "why")))
      (should-error (with-current-buffer "two" (ezrouter-ask)) :type 'user-error))))

(ert-deftest ezrouter-test-a-follow-up-needs-words ()
  "Where no words are given nothing is asked on."
  (ezrouter-test--with-server told '("one")
    (ezrouter-test--job connection "1" "ask" "streaming" :range '(:start (:line 0 :character 0) :end (:line 1 :character 0)))
    (ezrouter--take-notification connection 'ezrouter/answer '(:job "1" :delta "It greets."))
    (with-current-buffer (ezrouter--job-thread (gethash "1" (ezrouter--jobs connection)))
      (cl-letf (((symbol-function 'read-string) (lambda (&rest _) " ")))
        (should-error (ezrouter-ask) :type 'user-error)))
    (should-not (seq-filter #'stringp told))))

(ert-deftest ezrouter-test-odd-words-show-on-one-line ()
  "Titles and messages that are no text, hold line breaks, or are far too long, wherever words are shown."
  (ezrouter-test--with-server told '("one")
    (ezrouter-test--job connection "1" "ask" "waiting")
    (let ((job (gethash "1" (ezrouter--jobs connection))) said)
      (ezrouter--begin-answer job "why?")
      (cl-letf (((symbol-function 'message) (lambda (format &rest arguments) (push (apply #'format format arguments) said))))
        (dolist (odd (list "a\nb\r\tc\e[31m\0" 7 nil '(:a 1) [1] "" "%d %s" (make-string 1000000 ?x)))
          (ert-info ((format "%.50S" odd))
            (ezrouter--take-notification connection '$/progress
                                         `(:token "ezrouter/1" :value (:kind "report" :title ,odd :message ,odd)))
            (dolist (shown (list (ezrouter--make-lighter)
                                 (with-current-buffer (ezrouter--job-thread job) (ezrouter--header))
                                 (overlay-get (ezrouter--job-hint job) 'after-string)))
              (should-not (string-match-p "[[:cntrl:]]" shown))
              (should (< (length shown) 2000)))
            (setq said nil)
            (ezrouter--take-notification connection 'window/showMessage `(:type 1 :message ,odd))
            (should (eq (null said) (not (and (stringp odd) (not (equal odd ""))))))
            (when said
              (should-not (string-match-p "[[:cntrl:]]" (car said)))
              (should (< (length (car said)) 2000)))))))
    (with-current-buffer ezrouter--log-buffer
      (should (< (buffer-size) 100000)))))

(ert-deftest ezrouter-test-jobs-that-make-no-sense ()
  "A state or kind that nobody knows is passed over, and a job that has ended stays so."
  (ezrouter-test--with-server told '("one")
    (pcase-dolist (`(,id ,kind ,state) '(("1" "ask" "odd") ("2" "odd" "waiting") ("3" nil "waiting") ("4" "ask" nil) ("5" 7 7)
                                         (nil "ask" "waiting")))
      (ezrouter-test--job connection id kind state))
    (should (= 0 (hash-table-count (ezrouter--jobs connection))))
    (dolist (state '("waiting" "streaming" "odd"))
      (ezrouter-test--job connection "1" "rewrite" state))
    (should (eq 'streaming (ezrouter--job-state (gethash "1" (ezrouter--jobs connection)))))
    (dolist (state '("done" "streaming" "pending" "failed"))
      (ezrouter-test--job connection "1" "rewrite" state))
    (should (eq 'done (ezrouter--job-state (gethash "1" (ezrouter--jobs connection)))))))

(ert-deftest ezrouter-test-nothing-stays-of-a-job-without-an-answer ()
  "An answer that goes into a document, or does not come, leaves no overlay where it was asked."
  (ezrouter-test--with-server told '("one" "two")
    (let ((range '(:start (:line 0 :character 0) :end (:line 1 :character 0))))
      (ezrouter-test--job connection "1" "ask" "waiting" :range range)
      (ezrouter-test--job connection "1" "ask" "failed" :range range)
      (with-current-buffer "one" (ezrouter-ask "why?"))
      (ezrouter-test--job connection "2" "ask" "streaming" :range range)
      (ezrouter-test--send-edit connection "2" "untitled:two" (list (ezrouter-test--lsp-edit '(1 0) '(1 3) "new")))
      (ezrouter-test--job connection "2" "ask" "done" :range range)
      (with-current-buffer "one"
        (should-not (overlays-in (point-min) (point-max)))))))

(ert-deftest ezrouter-test-an-answer-in-a-narrowed-buffer ()
  "An answer goes on at its end, whatever of it is shown."
  (ezrouter-test--with-server told '("one")
    (ezrouter-test--job connection "1" "ask" "streaming")
    (ezrouter--take-notification connection 'ezrouter/answer '(:job "1" :delta "one\ntwo\n"))
    (with-current-buffer (ezrouter--job-thread (gethash "1" (ezrouter--jobs connection)))
      (narrow-to-region 1 4)
      (ezrouter--take-notification connection 'ezrouter/answer '(:job "1" :delta "three"))
      (should (equal (buffer-string) "one"))
      (widen)
      (should (equal (buffer-string) "one\ntwo\nthree")))))

(ert-deftest ezrouter-test-why-a-server-does-not-start ()
  "What a server says before it ends is in the log, and the reason is what is said last."
  (dolist (script '("echo no such option >&2; exit 3"
                    "echo no such option >&2; printf 'Content-Length: 36\\r\\n\\r\\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'; cat"))
    (let ((ezrouter-program (list "sh" "-c" script))
          (default-directory temporary-file-directory)
          (ezrouter--connections nil)
          (inhibit-message t) said)
      (ignore-errors (kill-buffer ezrouter--log-buffer))
      (cl-letf (((symbol-function 'message) (lambda (format &rest arguments)
                                              (when format (push (apply #'format format arguments) said)))))
        (with-temp-buffer
          (should-error (ezrouter--connect) :type 'user-error)))
      (should (string-prefix-p "ezrouter: " (car said)))
      (should-not ezrouter--connections)
      (with-current-buffer ezrouter--log-buffer
        (should (string-search "no such option" (buffer-string)))))))

(ert-deftest ezrouter-test-a-request-that-makes-no-sense-is-answered ()
  "Also where errors are debugged."
  (ezrouter-test--with-server told nil
    (let ((debug-on-error t))
      (should-not (ezrouter--take-request connection 'workspace/configuration '(:items 7))))))

(ert-deftest ezrouter-test-positions-in-a-long-document ()
  "A place is found soon in a long text, and rightly once there is a carriage return."
  (ezrouter-test--with-server told '("one")
    (with-current-buffer "one"
      (insert (string-join (make-list 100000 "this is a line of a long text\n")))
      (ezrouter--flush)
      (let ((began (ezrouter-test--worked)))
        (dotimes (_ 400)
          (ezrouter--position (point-max)))
        (should (< (- (ezrouter-test--worked) began) 3)))
      (should (= (point-max) (ezrouter--point (ezrouter--position (point-max)))))
      (erase-buffer)
      (insert "one\rtwo\n")
      (should (equal '(:line 1 :character 1) (ezrouter--position 6)))
      (should (= 6 (ezrouter--point '(:line 1 :character 1))))
      (erase-buffer)
      (ezrouter--flush)
      (let ((inhibit-modification-hooks t))
        (insert "one\rtwo\n"))
      (should (equal '(:line 1 :character 1) (ezrouter--position 6))))))

;; What Emacs does with buffers.

(ert-deftest ezrouter-test-clones-leave-the-document-alone ()
  "What happens to a clone of a buffer does not close the buffer's document."
  (ezrouter-test--with-server told '("one")
    (dolist (clone (list (lambda () (make-indirect-buffer "one" "clone" t))
                         (lambda () (with-current-buffer "one" (clone-buffer "clone")))))
      (let ((buffer (funcall clone)))
        (with-current-buffer buffer
          (should-not ezrouter--document)
          (goto-char (point-max))
          (insert "four\n"))
        (kill-buffer buffer))
      (should-not (memq :textDocument/didClose told))
      (with-current-buffer "one"
        (should (eq (current-buffer) (gethash "untitled:one" (ezrouter--buffers connection))))
        (ezrouter--flush)))
    (should (= 1 (seq-count (lambda (method) (eq method :textDocument/didChange)) told)))))

(ert-deftest ezrouter-test-a-name-that-was-given-up-is-free ()
  "A buffer that has the name that another had is another document."
  (ezrouter-test--with-server told '("one")
    (let ((first (get-buffer "one")))
      (with-current-buffer first (rename-buffer "before"))
      (unwind-protect
          (let ((second (get-buffer-create "one")))
            (with-current-buffer second (ezrouter--open-document connection))
            (should (eq second (gethash "untitled:one" (ezrouter--buffers connection))))
            (should (eq first (gethash "untitled:before" (ezrouter--buffers connection))))
            (should (equal (take 3 told) '(:textDocument/didOpen :textDocument/didOpen :textDocument/didClose))))
        (kill-buffer first)))))

;; Quadratic, this took more than ten seconds.
(ert-deftest ezrouter-test-common-endings-of-long-texts ()
  "Where two texts begin to be the same is found soon, also beyond ASCII."
  (pcase-dolist (`(,one ,other ,most ,count) '(("" "" 0 0) ("a" "b" 1 0) ("日ab" "öab" 3 2) ("aa" "aaa" 1 1) ("ab" "xab" 2 2)))
    (should (= count (ezrouter--common-suffix one other most))))
  (let ((text (make-string 200000 ?x)) (began (ezrouter-test--worked)))
    (should (= 200001 (ezrouter--common-suffix (concat "ä" text "日") (concat "ö日" text "日") 200002)))
    (should (< (- (ezrouter-test--worked) began) 2))))

;; The undo list. A buffer has a rewrite, or two, of a text between others; the user types around them. One undo takes a
;; rewrite back, and all undos give the original.

(defmacro ezrouter-test--in-buffer (text &rest body)
  "Run BODY in a buffer with TEXT that is shown and whose undo list is empty."
  (declare (indent 1))
  `(let ((buffer (generate-new-buffer "ezrouter-test")))
     (unwind-protect
         (with-current-buffer buffer
           (setq buffer-undo-list t)
           (insert ,text)
           (setq buffer-undo-list nil)
           (set-buffer-modified-p nil)
           (add-hook 'after-change-functions (lambda (&rest _) (ezrouter--part-undo)) nil t)
           ,@body)
       (kill-buffer buffer))))

(defun ezrouter-test--user (function)
  "Change the buffer by FUNCTION, as a command does."
  (undo-boundary)
  (funcall function)
  (setq last-command 'self-insert-command))

(defun ezrouter-test--undo ()
  "Press undo once, behind another command."
  (undo-boundary)
  (setq last-command 'ignore)
  (undo))

(defun ezrouter-test--undo-on ()
  "Press undo again."
  (undo-boundary)
  (setq last-command 'undo)
  (undo))

(defun ezrouter-test--edit (change old new)
  "Replace the only OLD in the buffer by NEW, as a part of CHANGE."
  (save-excursion
    (goto-char (point-min))
    (search-forward old)
    (ezrouter--make-joined change (list (list (match-beginning 0) (match-end 0) new)))))

(defun ezrouter-test--marked (job)
  "The lines that JOB has marked as new, as text."
  (sort (mapcar (lambda (one) (buffer-substring (overlay-start one) (overlay-end one))) (ezrouter--job-overlays job)) #'string<))

(ert-deftest ezrouter-test-marks-that-are-in-place-stay ()
  "What marks a line that is still new is not made again; what marks another one goes."
  (ezrouter-test--in-buffer "x\nb\ny\nz\n"
    (let* ((change (make-ezrouter--change :beg (copy-marker 1) :end (copy-marker (point-max)) :base "a\nb\nc\n"))
           (job (make-ezrouter--job :state 'streaming :change change)))
      (ezrouter--draw job)
      (should (equal (ezrouter-test--marked job) '("x\n" "y\n" "z\n")))
      (let ((before (ezrouter--job-overlays job)))
        (goto-char (point-min))
        (search-forward "y")
        (replace-match "c")
        (insert "\nw")
        (ezrouter--draw job)
        (should (equal (ezrouter-test--marked job) '("w\n" "x\n" "z\n")))
        (should (= 2 (length (seq-intersection before (ezrouter--job-overlays job)))))
        (should (= 3 (length (seq-filter (lambda (one) (overlay-get one 'ezrouter-job))
                                         (overlays-in (point-min) (point-max)))))))
      (setf (ezrouter--job-state job) 'done)
      (ezrouter--draw job)
      (should-not (overlays-in (point-min) (point-max))))))

(ert-deftest ezrouter-test-nothing-stays-of-what-was-not-asked ()
  "Where no words are given the place is not kept."
  (ezrouter-test--in-buffer "a\nb\n"
    (cl-letf (((symbol-function 'read-string) (lambda (&rest _) " ")))
      (should-error (ezrouter--read "Ask: " nil (ezrouter--place-here "ask")) :type 'user-error))
    (should-not (overlays-in (point-min) (point-max)))
    (cl-letf (((symbol-function 'read-string) (lambda (&rest _) " why ")))
      (should (equal "why" (ezrouter--read "Ask: " nil (ezrouter--place-here "ask")))))
    (should (= 1 (length (overlays-in (point-min) (point-max)))))))

(ert-deftest ezrouter-test-one-undo ()
  "One undo takes back all edits, and the text is unmodified again."
  (ezrouter-test--in-buffer "above\nold\nbelow\n"
    (let ((change (make-ezrouter--change)))
      (ezrouter-test--edit change "old" "new")
      (ezrouter-test--edit change "new" "new and more")
      (should (buffer-modified-p))
      (ezrouter-test--undo)
      (should (equal (buffer-string) "above\nold\nbelow\n"))
      (should-not (buffer-modified-p)))))

(ert-deftest ezrouter-test-typing-right-behind ()
  "What is typed right behind a rewrite is a step of its own, as Emacs joins key presses."
  (ezrouter-test--in-buffer "above\nold\nbelow"
    (let ((change (make-ezrouter--change)))
      (goto-char (point-max))
      (ezrouter-test--user (lambda () (insert "1")))
      (ezrouter-test--edit change "old" "new")
      ;; What `undo-auto-amalgamate' does.
      (pop buffer-undo-list)
      (insert "2")
      (should (equal (buffer-string) "above\nnew\nbelow12"))
      (ezrouter-test--undo)
      (should (equal (buffer-string) "above\nnew\nbelow1"))
      (ezrouter-test--undo-on)
      (should (equal (buffer-string) "above\nold\nbelow1"))
      (ezrouter-test--undo-on)
      (should (equal (buffer-string) "above\nold\nbelow")))))

(ert-deftest ezrouter-test-typing-in-the-text ()
  "What was typed in the new text is no part of the rewrite, and undo still leads back."
  (ezrouter-test--in-buffer "above\nold\nbelow"
    (let ((change (make-ezrouter--change)))
      (ezrouter-test--edit change "old" "new")
      (ezrouter-test--user (lambda () (goto-char 9) (insert "!")))
      (ezrouter-test--edit change "below" "beneath")
      (should (eq (ezrouter--change-parted change) 'touched))
      (should (equal (buffer-string) "above\nne!w\nbeneath"))
      (ezrouter-test--undo)
      (should (equal (buffer-string) "above\nne!w\nbelow"))
      (ezrouter-test--undo-on)
      (should (equal (buffer-string) "above\nnew\nbelow"))
      (ezrouter-test--undo-on)
      (should (equal (buffer-string) "above\nold\nbelow")))))

(ert-deftest ezrouter-test-the-undo-list-was-taken-away ()
  "Where another package takes the undo list over, the rewrite goes on, and it is known that it is in parts."
  (ezrouter-test--in-buffer "above\nold\nbelow"
    (let ((change (make-ezrouter--change)))
      (ezrouter-test--edit change "old" "new")
      (setq buffer-undo-list nil)
      (ezrouter-test--edit change "new" "new and more")
      (should (eq (ezrouter--change-parted change) 'lost))
      (should (equal (buffer-string) "above\nnew and more\nbelow"))
      (ezrouter-test--undo)
      (should (equal (buffer-string) "above\nnew\nbelow")))))

(ert-deftest ezrouter-test-saved-in-between ()
  "A text that was saved with half a rewrite in it is not called unmodified without it."
  (let ((file (make-temp-file "ezrouter")))
    (unwind-protect
        (with-current-buffer (find-file-noselect file)
          (insert "above\nold\nbelow\n")
          (let ((inhibit-message t)) (save-buffer))
          (setq buffer-undo-list nil)
          (let ((change (make-ezrouter--change)))
            (ezrouter-test--edit change "old" "half")
            (set-file-times file (time-add nil 5))
            (set-visited-file-modtime)
            (set-buffer-modified-p nil)
            (ezrouter-test--user (lambda () (goto-char (point-min)) (insert "typed ")))
            (ezrouter-test--edit change "half" "whole")
            (ezrouter-test--undo)
            (should (equal (buffer-string) "typed above\nold\nbelow\n"))
            (should (buffer-modified-p))
            (ezrouter-test--undo-on)
            (should (equal (buffer-string) "above\nold\nbelow\n"))
            (should (buffer-modified-p)))
          (set-buffer-modified-p nil)
          (kill-buffer))
      (delete-file file))))

(ert-deftest ezrouter-test-taken-back ()
  "A rewrite that was taken back leaves no step, and the user's own are as they were."
  (ezrouter-test--in-buffer "above\nold\nbelow\n"
    (let ((change (make-ezrouter--change)))
      (ezrouter-test--edit change "old" "new\nlines")
      (ezrouter-test--user (lambda () (goto-char (point-max)) (insert "typed\n")))
      (ezrouter-test--edit change "new\nlines" "old")
      (should (equal (buffer-string) "above\nold\nbelow\ntyped\n"))
      (ezrouter-test--undo)
      (should (equal (buffer-string) "above\nold\nbelow\n"))
      (should-not (buffer-modified-p)))))

(ert-deftest ezrouter-test-raw-bytes-come-back ()
  "Bytes that are no text, which the server does not know, are there again with the original."
  (let ((old (concat "x" (string (unibyte-char-to-multibyte #xff)) "y")))
    (ezrouter-test--in-buffer (concat "above\n" old "\nbelow\n")
      (let ((change (make-ezrouter--change)))
        (ezrouter-test--edit change old "new")
        (ezrouter-test--edit change "new" "x\ufffdy")
        (should (equal (buffer-string) (concat "above\n" old "\nbelow\n")))))))

(ert-deftest ezrouter-test-point-and-marks-stay ()
  "Point and marks around a rewrite are where they were in the text."
  (ezrouter-test--in-buffer "above\nold\nbelow\n"
    (let ((change (make-ezrouter--change)) (mark (copy-marker 12)))
      (goto-char 3)
      (ezrouter-test--edit change "old" "something longer\nand more")
      (should (= (point) 3))
      (should (looking-at "ove"))
      (should (equal (buffer-substring mark (+ mark 4)) "elow")))))

(defun ezrouter-test--random-edit (region number)
  "Edit REGION, a list of a change and its text, at random; NUMBER is for the text."
  (pcase-let ((`(,change ,text) region))
    (let* ((lines (split-string text "\n"))
           (at (random (length lines)))
           (new (nth (random 4) (list "" (format "line %d" number) (format "line %d\nand another\n" number) "x"))))
      (setf (nth at lines) new)
      (let ((new-text (concat "<" (string-trim (string-join lines "\n") "<+" ">+") ">")))
        (ezrouter-test--edit change text new-text)
        (setf (nth 1 region) new-text)))))

(defun ezrouter-test--random-typing (regions number)
  "Type or delete at random outside of REGIONS; NUMBER is for the text."
  (let ((free nil))
    (dotimes (index (1+ (buffer-size)))
      (let ((pos (1+ index)))
        (unless (seq-some (lambda (region) (save-excursion
                                             (goto-char (point-min))
                                             (search-forward (nth 1 region))
                                             (and (<= (match-beginning 0) pos) (<= pos (match-end 0)))))
                          regions)
          (push pos free))))
    (let ((pos (nth (random (length free)) free)))
      (ezrouter-test--user
       (lambda ()
         (goto-char pos)
         (if (and (memq (1+ pos) free) (= 0 (random 3)))
             (delete-region pos (1+ pos))
           (insert (format "{%d}" number))))))))

(ert-deftest ezrouter-test-undo-at-random ()
  "Whatever is typed around two rewrites, each is one step, and all undos give the original."
  (dotimes (seed 300)
    (random (format "ezrouter %d" seed))
    (ezrouter-test--in-buffer "one two\n<old\ntext>\nthree four\n<other text>\nfive six\n"
      (let* ((regions (list (list (make-ezrouter--change) "<old\ntext>") (list (make-ezrouter--change) "<other text>")))
             (original (buffer-string)) (newest nil))
        (dotimes (number (+ 2 (random 12)))
          (if (= 0 (random 2))
              (ezrouter-test--random-typing regions number)
            (setq newest (nth (random 2) regions))
            (ezrouter-test--random-edit newest number)))
        (ert-info ((format "seed %d, %S" seed (buffer-string)))
          (dolist (region regions)
            (should-not (ezrouter--change-parted (car region))))
          ;; What was typed behind the newest edit goes first.
          (let* ((change (car newest))
                 (mark (and change (ezrouter--change-mark change)))
                 (text (buffer-string)) (guard 0))
            (when mark
              (while (cl-loop for entry in (ezrouter--above mark) thereis entry)
                (setq buffer-undo-list (cons nil (primitive-undo 1 (seq-drop-while #'null buffer-undo-list))))
                (should (< (cl-incf guard) 50)))
              (setq text (buffer-string))
              (ezrouter-test--undo)
              (should (equal (buffer-string)
                             (string-replace (nth 1 newest) (if (eq newest (car regions)) "<old\ntext>" "<other text>")
                                             text)))))
          (let ((presses 0))
            (ignore-errors
              (ezrouter-test--undo)
              (while (< (cl-incf presses) 60)
                (ezrouter-test--undo-on)))
            (should (equal (buffer-string) original))))))))

(provide 'ezrouter-test)

;;; ezrouter-test.el ends here
