" ezrouter-lsp in Vim 9 through yegappan/lsp (github.com/yegappan/lsp).
"
" Add this to your vimrc. Put `ezrouter-lsp` on PATH and the key into EZROUTER_API_KEY.
"
"   ask, rewrite   select lines, :LspCodeAction, choose
"   own words      a comment above the lines, `ez? what is this` or `ez! make it shorter`; select both, :LspCodeAction
"   read answers   :LspHover on the lines that the question was about
"   stop           :LspCodeAction while it runs, choose `Stop`
"   undo           u
"
" To try it with neither key nor network: args: ['--stdio', '--offline']; answers are scripted then.
"
" Several servers may be registered for a file type: keep that of the language, and name each file type that you use.

autocmd VimEnter * call LspAddServer([#{
    \ name: 'ezrouter',
    \ filetype: ['python', 'rust', 'javascript', 'typescript', 'go', 'c', 'cpp', 'java', 'ruby', 'sh', 'vim', 'markdown', 'text'],
    \ path: 'ezrouter-lsp',
    \ args: ['--stdio'],
    \ rootSearch: ['.ezrouter.toml', '.git/'],
    \ }])
