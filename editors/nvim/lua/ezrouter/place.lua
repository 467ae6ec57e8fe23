--- Places in buffers: LSP positions to bytes and back, and places that move with the text. Knows no job and no server.

local api = vim.api

local M = {}

M.namespace = api.nvim_create_namespace('ezrouter.place')

local is_new = vim.fn.has('nvim-0.11') == 1

-- The largest number that LSP has for a line or a character.
local MOST = 2 ^ 31 - 1

---@param number any
local function is_count(number)
  return type(number) == 'number' and 0 <= number and number <= MOST and number % 1 == 0
end

---@param position any
local function is_position(position)
  return type(position) == 'table' and is_count(position.line) and is_count(position.character)
end

--- Whether one LSP position is in front of another.
---@param one ezrouter.Position
---@param other ezrouter.Position
---@return boolean
function M.is_before(one, other)
  return one.line < other.line or one.line == other.line and one.character < other.character
end

--- Whether this is an LSP range as it should be. To Neovim a negative row counts from the end of the buffer.
---@param range any
---@return boolean
function M.is_range(range)
  return type(range) == 'table'
    and is_position(range.start)
    and is_position(range['end'])
    and not M.is_before(range['end'], range.start)
end

--- The byte column of an LSP position; behind the end of the line it is the end.
---@param line string
---@param character integer
---@param encoding string
---@return integer
local function byte_column(line, character, encoding)
  if encoding == 'utf-8' then
    return math.min(character, #line)
  elseif is_new then
    return vim.str_byteindex(line, encoding, character, false)
  end
  return vim.lsp.util._str_byteindex_enc(line, character, encoding)
end

--- The LSP character of a byte column.
---@param line string
---@param column integer
---@param encoding string
---@return integer
local function character(line, column, encoding)
  if encoding == 'utf-8' then
    return math.min(column, #line)
  elseif is_new then
    return vim.str_utfindex(line, encoding, column, false)
  end
  return vim.lsp.util._str_utfindex_enc(line, column, encoding)
end

--- A line of a buffer, empty where there is none.
---@param buffer integer
---@param row integer
---@return string
local function line_of(buffer, row)
  return api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ''
end

--- Row and byte column of an LSP position, inside the buffer.
---@param buffer integer
---@param position ezrouter.Position
---@param encoding string
---@return integer row
---@return integer column
function M.from_lsp(buffer, position, encoding)
  local count = api.nvim_buf_line_count(buffer)
  if count <= position.line then
    return count - 1, #line_of(buffer, count - 1)
  end
  return position.line, byte_column(line_of(buffer, position.line), position.character, encoding)
end

--- The LSP position of a row and a byte column.
---@param buffer integer
---@param row integer
---@param column integer
---@param encoding string
---@return ezrouter.Position
function M.to_lsp(buffer, row, column, encoding)
  return { line = row, character = character(line_of(buffer, row), column, encoding) }
end

--- Marks a place so that it moves with the text; what is typed at its borders stays outside.
---@param buffer integer
---@param first_row integer
---@param first_column integer
---@param last_row integer
---@param last_column integer
---@return ezrouter.Mark
function M.mark(buffer, first_row, first_column, last_row, last_column)
  local function set(row, column, gravity)
    row = math.max(0, math.min(row, api.nvim_buf_line_count(buffer) - 1))
    column = math.min(column, #line_of(buffer, row))
    return api.nvim_buf_set_extmark(buffer, M.namespace, row, column, { right_gravity = gravity })
  end
  return { buffer = buffer, first = set(first_row, first_column, true), last = set(last_row, last_column, false) }
end

--- Where a marked place is now: first row and column, last row and column; nothing once its buffer is gone.
---@param mark? ezrouter.Mark
---@return integer? first_row
---@return integer? first_column
---@return integer? last_row
---@return integer? last_column
function M.read(mark)
  if not mark or not api.nvim_buf_is_loaded(mark.buffer) then
    return
  end
  local first = api.nvim_buf_get_extmark_by_id(mark.buffer, M.namespace, mark.first, {})
  local last = api.nvim_buf_get_extmark_by_id(mark.buffer, M.namespace, mark.last, {})
  if not first[1] or not last[1] then
    return
  end
  return first[1], first[2], last[1], last[2]
end

--- Forgets a marked place.
---@param mark? ezrouter.Mark
function M.forget(mark)
  if mark and api.nvim_buf_is_valid(mark.buffer) then
    api.nvim_buf_del_extmark(mark.buffer, M.namespace, mark.first)
    api.nvim_buf_del_extmark(mark.buffer, M.namespace, mark.last)
  end
end

--- A marked place as an LSP range.
---@param mark ezrouter.Mark
---@param encoding string
---@return ezrouter.Range?
function M.range(mark, encoding)
  local first_row, first_column, last_row, last_column = M.read(mark)
  if not first_row then
    return
  end
  if last_row < first_row or last_row == first_row and last_column < first_column then
    -- Nothing was marked, and something was typed there.
    last_row, last_column = first_row, first_column
  end
  return {
    start = M.to_lsp(mark.buffer, first_row, first_column, encoding),
    ['end'] = M.to_lsp(mark.buffer, last_row, last_column, encoding),
  }
end

--- Marks the lines from `first_row` to `last_row`; a last row before the first one marks no line.
---@param buffer integer
---@param first_row integer
---@param last_row integer
---@return ezrouter.Mark
function M.mark_lines(buffer, first_row, last_row)
  if last_row < first_row then
    local nothing = M.mark(buffer, first_row, 0, first_row, 0)
    nothing.empty = true
    return nothing
  end
  return M.mark(buffer, first_row, 0, last_row, #line_of(buffer, last_row))
end

--- The rows of marked lines, and the lines themselves.
---@param region? ezrouter.Mark
---@return integer? first_row
---@return integer? last_row
---@return string[]? lines
function M.lines(region)
  local first_row, _, last_row = M.read(region)
  if not first_row then
    return
  end
  if region.empty then
    return first_row, first_row - 1, {}
  end
  return first_row, last_row, api.nvim_buf_get_lines(region.buffer, first_row, last_row + 1, false)
end

return M
