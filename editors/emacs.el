;;; ezrouter-lsp in Emacs 29 or newer, through Eglot.
;;
;; Add this to your init file. Put `ezrouter-lsp' on PATH and the key into EZROUTER_API_KEY.
;;
;;   ask, rewrite   mark a region, M-x eglot-code-actions, choose
;;   read answers   C-h . (eldoc) on the lines that the question was about
;;   stop           M-x eglot-code-actions while it runs, choose "Stop"
;;   undo           C-/, once, for the whole rewrite
;;
;; Eglot gives a buffer one server: this makes ours the one of all programming and text modes. The result of a rewrite
;; arrives as one edit at its end, in a pause of your typing, because Eglot takes edits that were made for older text.

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((prog-mode text-mode) . ("ezrouter-lsp" "--stdio"))))
(add-hook 'prog-mode-hook #'eglot-ensure)
(add-hook 'text-mode-hook #'eglot-ensure)
