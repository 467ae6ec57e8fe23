-- ezrouter-lsp in Neovim 0.11 or newer, without any plugin.
--
-- Save this file as ~/.config/nvim/lua/ezrouter.lua and add `require('ezrouter')` to init.lua,
-- or paste it into init.lua. Put `ezrouter-lsp` on PATH and the key into EZROUTER_API_KEY.
--
--   ask, rewrite   select lines with V, press gra (Neovim's own key for code actions), choose
--   read answers   K on the lines that the question was about
--   stop           gra while it runs, choose "Stop"
--   undo           u, once, for the whole rewrite
--   progress       show vim.lsp.status() in your status line

vim.lsp.config.ezrouter = {
  cmd = { 'ezrouter-lsp', '--stdio' },
  -- No `filetypes`: every file that has a file type is served, Markdown and plain text too.
  -- A file outside any project is served as well; the first marker found upwards names the project.
  root_markers = { '.ezrouter.toml', '.git' },
}

vim.lsp.enable('ezrouter')
