--- The public face of the plugin: `setup`, and what a status line shows. Everything else is behind `:Ezrouter`.

local M = {}

--- Starts the server for every file, with these options. Not needed: `:Ezrouter` starts it where it is used, and
--- `vim.lsp.enable('ezrouter')` does the same as this without options.
---@param options? ezrouter.Options
function M.setup(options)
  local config = require('ezrouter.config')
  config.set(options or {})
  local _, problems = config.get()
  if problems[1] then
    local what = table.concat(problems, '; ')
    require('ezrouter.message').error(what .. ': the rest is used, see `:help ezrouter-options`')
  end
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
