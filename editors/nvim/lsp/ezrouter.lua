-- What `vim.lsp.enable('ezrouter')` starts, in Neovim 0.11 or newer.

return require('ezrouter.client').config()
