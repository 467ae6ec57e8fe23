;;; ezrouter-lsp in Emacs 29 or newer, through Eglot.
;;
;; Add this to your init file. Put `ezrouter-lsp' on PATH and the key into EZROUTER_API_KEY.
;;
;;   ask, rewrite   mark a region, M-x eglot-code-actions, choose
;;   read answers   C-h . (eldoc) on the lines that the question was about
;;   converse       M-x eglot-code-actions at an answer, "Open conversation"; write under the last heading,
;;                  M-x eglot-code-actions, "Send"
;;   stop           M-x eglot-code-actions while it runs, choose "Stop"
;;   undo           C-/, once, for the whole rewrite
;;
;; To try it with neither key nor network: ("ezrouter-lsp" "--stdio" "--offline"); answers are scripted then.
;;
;; Eglot gives a buffer one server: this makes ours the one of all programming and text modes. The result of a rewrite
;; arrives as one edit at its end, in a pause of your typing, because Eglot takes edits that were made for older text.
;; emacs/ezrouter.el has neither limit.

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((prog-mode text-mode) . ("ezrouter-lsp" "--stdio"))))
(add-hook 'prog-mode-hook #'eglot-ensure)
(add-hook 'text-mode-hook #'eglot-ensure)

;; Emacs 29 and 30 have no mode for Markdown; one that you have installed comes first.
(add-to-list 'auto-mode-alist '("\\.md\\'" . text-mode) t)

;; Emacs joins what you type and an edit that follows it into one step of undo; this keeps them apart.
(with-eval-after-load 'eglot
  (advice-add 'eglot--apply-text-edits :before (lambda (&rest _) (undo-boundary))))
