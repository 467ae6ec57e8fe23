--- The operators and the mappings of visual mode: they find the text that is meant, and leave the rest to the commands.

local api = vim.api

local M = {}

--- What the operator that waits for its motion is for.
---@type ezrouter.Kind
local pending = 'ask'

--- First row and column, last row and column behind the last character of two positions as `getpos()` gives them; what is
--- chosen by lines, or as a block, means whole lines.
---@param one integer[]
---@param other integer[]
---@param is_exact boolean
---@param is_exclusive? boolean Whether the last character is left out.
local function span(one, other, is_exact, is_exclusive)
  local first, last = { one[2], one[3] }, { other[2], other[3] }
  if last[1] < first[1] or last[1] == first[1] and last[2] < first[2] then
    first, last = last, first
  end
  local line = api.nvim_buf_get_lines(0, last[1] - 1, last[1], false)[1] or ''
  if not is_exact then
    return first[1] - 1, 0, last[1] - 1, #line
  end
  -- To the end of the character that begins there.
  local column = math.min(last[2], #line + 1)
  if is_exclusive then
    column = column - 1
  elseif column <= #line then
    column = column - 1 + #vim.fn.strpart(line, column - 1, 1, true)
  else
    column = #line
  end
  return first[1] - 1, first[2] - 1, last[1] - 1, column
end

--- Starts an operator: gives the keys that wait for a motion.
---@param kind ezrouter.Kind
---@return string
function M.start(kind)
  pending = kind
  vim.o.operatorfunc = "v:lua.require'ezrouter.operator'.finish"
  return 'g@'
end

--- What the motion covers is known.
---@param how 'line'|'char'|'block'
function M.finish(how)
  local place = { span(vim.fn.getpos("'["), vim.fn.getpos("']"), how == 'char') }
  require('ezrouter.command').prompt(pending, place)
end

--- The selection of visual mode, which is left at once: Neovim's list of choices, opened in visual mode, would show the mode
--- again for seconds before it takes anything from a server.
---@param kind ezrouter.Kind
function M.selection(kind)
  local mode = api.nvim_get_mode().mode
  local place = { span(vim.fn.getpos('v'), vim.fn.getpos('.'), mode == 'v', vim.o.selection == 'exclusive') }
  vim.cmd.normal({ vim.keycode('<Esc>'), bang = true })
  require('ezrouter.command').prompt(kind, place)
end

return M
