" ezrouter-lsp in Vim 9 (or 8.1) through vim-lsp (github.com/prabirshrestha/vim-lsp).
"
" Add this to your vimrc. Put `ezrouter-lsp` on PATH and the key into EZROUTER_API_KEY.
"
"   ask, rewrite   select lines, :LspCodeAction, choose
"   own words      select lines, :EzrouterAsk what is this, or :EzrouterRewrite make it shorter
"   read answers   :LspHover on the lines that the question was about
"   stop           :EzrouterStop
"   undo           u
"
" To try it with neither key nor network: ['ezrouter-lsp', '--stdio', '--offline']; answers are scripted then.
"
" vim-lsp gives a buffer every server that is registered for its file type, so that of the language stays beside ours.

augroup ezrouter
  autocmd!
  autocmd User lsp_setup call lsp#register_server({
      \ 'name': 'ezrouter',
      \ 'cmd': {server_info -> ['ezrouter-lsp', '--stdio']},
      \ 'allowlist': ['*'],
      \ })
augroup END

function! s:run(command, argument) abort
  call lsp#send_request('ezrouter', {
      \ 'method': 'workspace/executeCommand',
      \ 'params': {'command': a:command, 'arguments': [a:argument]},
      \ })
endfunction

function! s:about(first, last) abort
  return {
      \ 'uri': lsp#get_text_document_identifier().uri,
      \ 'range': {'start': {'line': a:first - 1, 'character': 0}, 'end': {'line': a:last, 'character': 0}},
      \ }
endfunction

command! -range=% -nargs=1 EzrouterAsk
    \ call s:run('ezrouter.ask', extend(s:about(<line1>, <line2>), {'question': <q-args>}))
command! -range -nargs=1 EzrouterRewrite
    \ call s:run('ezrouter.rewrite', extend(s:about(<line1>, <line2>), {'instruction': <q-args>}))
command! EzrouterStop call s:run('ezrouter.cancel', {})
