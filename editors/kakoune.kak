# ezrouter-lsp in Kakoune, through kakoune-lsp (kak-lsp) 18 or newer.
#
# Add this to ~/.config/kak/kakrc. Put `ezrouter-lsp` and `kak-lsp` on PATH and the key into EZROUTER_API_KEY.
#
#   ask, rewrite   select lines, press Space e e (code actions), choose
#   own words      write a comment above the lines, "ez? what is this" or "ez! make it shorter", select both, Space e e
#   read answers   Space e k on the lines that the question was about
#   stop           Space e s
#   accept, reject Space e y, Space e n
#   undo           u, once, for the whole rewrite
#
# To try it with neither key nor network: args = ["--stdio", "--offline"]; answers are scripted then.
#
# kak-lsp starts the servers that `lsp_servers` names for a file type; here ours stands behind those that kak-lsp itself
# knows for it. Where you set `lsp_servers` yourself, add the four lines of [ezrouter] to that.

evaluate-commands %sh{kak-lsp}

hook -group lsp-ezrouter global User LSPDefaultConfig=.+ %{
    set-option -add buffer lsp_servers %{
[ezrouter]
command = "ezrouter-lsp"
args = ["--stdio"]
root_globs = [".ezrouter.toml", ".git"]
}
}

lsp-enable

declare-user-mode ezrouter
map global user e ': enter-user-mode ezrouter<ret>' -docstring 'ezrouter'
map global ezrouter e ': lsp-code-actions<ret>' -docstring 'actions: ask, rewrite'
map global ezrouter k ': lsp-hover<ret>' -docstring 'read the answer'
map global ezrouter s ': lsp-execute-command ezrouter.cancel "[]"<ret>' -docstring 'stop'
map global ezrouter a ': lsp-execute-command ezrouter.ask "[]"<ret>' -docstring 'ask about the newest selection'
map global ezrouter y ': lsp-execute-command ezrouter.accept "[]"<ret>' -docstring 'accept'
map global ezrouter n ': lsp-execute-command ezrouter.reject "[]"<ret>' -docstring 'reject'
map global ezrouter c ': lsp-execute-command ezrouter.openConversation "[]"<ret>' -docstring 'conversation'
