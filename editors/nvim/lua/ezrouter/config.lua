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
  chosen = type(options) == 'table' and options or {}
end

--- The options of `given` that can be used in place of `default`; what cannot is told in `problems`, and left out.
---@param default table
---@param given table
---@param path string
---@param problems string[]
---@return table
local function usable(default, given, path, problems)
  local found = {}
  for name, value in pairs(given) do
    local usual, where = default[name], path .. tostring(name)
    if usual == nil then
      table.insert(problems, ('`%s` is no option'):format(where))
    elseif where == 'cmd' then
      -- Whether it names a program is found out when it is to be started.
      found[name] = value
    elseif type(value) ~= type(usual) and not (where == 'answer.border' and type(value) == 'table') then
      table.insert(problems, ('`%s` is a %s, where a %s is wanted'):format(where, type(value), type(usual)))
    elseif type(usual) == 'table' and not vim.islist(usual) then
      found[name] = usable(usual, value, where .. '.', problems)
    else
      found[name] = value
    end
  end
  return found
end

--- The options in force, and what was given that is none.
---@return ezrouter.Config
---@return string[] problems
function M.get()
  local problems = {}
  local global = usable(defaults, type(vim.g.ezrouter) == 'table' and vim.g.ezrouter or {}, '', problems)
  local own = usable(defaults, chosen, '', problems)
  local merged = vim.tbl_deep_extend('force', defaults, global, own)
  -- A command is a whole: a shorter one must not keep the end of the longer one.
  merged.cmd = own.cmd or global.cmd or defaults.cmd
  table.sort(problems)
  return merged, problems
end

return M
