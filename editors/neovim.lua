-- ezrouter-lsp in Neovim 0.11 or newer, without any plugin.
--
-- Save this file as ~/.config/nvim/lua/ezrouter.lua and add `require('ezrouter')` to init.lua,
-- or paste it into init.lua. Put `ezrouter-lsp` on PATH and the key into EZROUTER_API_KEY.
--
--   ask, rewrite   select lines with V, press gra (Neovim's own key for code actions), choose
--   read answers   K on the lines that the question was about
--   converse       gra on an answer, "Open conversation"; write under the last heading, gra, "Send"
--   stop           gra while it runs, choose "Stop"
--   undo           u, once, for the whole rewrite
--   progress       show vim.lsp.status() in your status line
--   what failed    one short line on the screen; all of it, with what to do: :lua vim.cmd.edit(vim.lsp.log.get_filename())
--                  `ezrouter-lsp check`, in a terminal, looks at the whole set-up
--
-- To try it with neither key nor network: cmd = { 'ezrouter-lsp', '--stdio', '--offline' }; answers are scripted then.

vim.lsp.config.ezrouter = {
  cmd = { 'ezrouter-lsp', '--stdio' },
  -- No `filetypes`: every file that has a file type is served, Markdown and plain text too.
  -- A file outside any project is served as well; the first marker found upwards names the project.
  root_markers = { '.ezrouter.toml', '.git' },
}

if vim.fn.executable('ezrouter-lsp') == 0 then
  vim.notify('ezrouter-lsp is not on PATH: run cargo install --locked --path .', vim.log.levels.WARN)
end

vim.lsp.enable('ezrouter')

-- Neovim's own menu, opened in visual mode, holds up everything for four seconds once something was chosen, because it then
-- shows the mode again. So the selection is left as soon as it was taken. (`vim.o.showmode = false` helps as well.)
vim.keymap.set('x', 'gra', function()
  vim.lsp.buf.code_action()
  vim.cmd.normal({ vim.keycode('<Esc>'), bang = true })
end, { desc = 'Code actions for the selection' })
