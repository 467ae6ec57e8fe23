--- The options of the plugin, and what they are by default. The settings of the server are another thing: they go to it
--- as they are, under `settings.ezrouter`.

local M = {}

---@type ezrouter.Config
local defaults = {
  cmd = { 'ezrouter-lsp', '--stdio' },
  root_markers = { '.ezrouter.toml', '.git' },
  settings = {},
  answer = {
    focus = true,
    border = 'rounded',
    width = 88,
    height = 0.5,
    keys = { close = { 'q', '<Esc>' }, follow_up = { '<CR>', 'i' }, stop = { '<C-c>' } },
  },
  review = {
    signs = true,
    lines = true,
    deleted = true,
    hints = true,
    signcolumn = { add = '▎', change = '▎', delete = '▁', busy = '⋮' },
  },
}

---@type ezrouter.Options
local chosen = {}

--- Takes the options of `setup`; those of `vim.g.ezrouter` hold where they say nothing.
---@param options ezrouter.Options
function M.set(options)
  chosen = options
end

--- The options in force.
---@return ezrouter.Config
function M.get()
  local global = type(vim.g.ezrouter) == 'table' and vim.g.ezrouter or {}
  local merged = vim.tbl_deep_extend('force', defaults, global, chosen)
  -- A command is a whole: a shorter one must not keep the end of the longer one.
  merged.cmd = chosen.cmd or global.cmd or defaults.cmd
  return merged
end

return M
