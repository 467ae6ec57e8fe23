--- The public face of the plugin: `setup`, and what a status line shows. Everything else is behind `:Ezrouter`.

local M = {}

--- Starts the server for every file, with these options. Not needed: `:Ezrouter` starts it where it is used, and
--- `vim.lsp.enable('ezrouter')` does the same as this without options.
---@param options? ezrouter.Options
function M.setup(options)
  require('ezrouter.config').set(options or {})
  require('ezrouter.client').enable()
end

--- What goes on, in a few words for a status line; empty when nothing does. Redraw it at the event `User EzrouterStatus`.
---@return string
function M.status()
  return require('ezrouter.job').status()
end

--- All jobs that this Neovim knows, by their ids: what a status line of one's own is made of.
---@return table<string, ezrouter.Job>
function M.jobs()
  return require('ezrouter.job').all
end

return M
