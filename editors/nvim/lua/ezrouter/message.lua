--- Messages to the person, which never wait for a key: one line that fits, and the whole in `:Ezrouter messages`. What comes
--- twice in the same moment (the answer of a command and the server's own message) is shown once.

local api = vim.api

local M = {}

--- What was said, the newest last.
---@type { text: string, level: integer, time: string }[]
M.history = {}

local HISTORY = 100
-- Where the rest of a message is that was cut.
local REST = ' (:Ezrouter messages)'
-- Where the line for messages has less room than this, they float as well.
local LEAST_COLUMNS = 20
-- How long messages are gathered before one is shown.
local GATHER_MS = 40
-- How long a message floats where there is no line for it.
local TOAST_MS = 5000

---@type { text: string, level: integer }[]
local gathered = {}

--- Cuts a text to a number of screen columns, and makes one line of it. A NUL is a space too: no Vim function takes one.
---@param text string
---@param columns integer
---@return string
function M.cut(text, columns)
  text = text:gsub('[%c%s]+', ' ')
  -- Each character takes a column at least, so that no more of a long text need be measured.
  local start = vim.fn.strcharpart(text, 0, math.max(columns, 0), true)
  if start == text and vim.fn.strdisplaywidth(text) <= columns then
    return text
  end
  local characters = vim.fn.strchars(start, true)
  while 0 < characters and columns < vim.fn.strdisplaywidth(start) + 1 do
    characters = characters - 1
    start = vim.fn.strcharpart(start, 0, characters, true)
  end
  return start .. '…'
end

--- Whether `vim.notify` is Neovim's own, which makes a prompt of what does not fit. It is compiled in: under `vim/` in
--- Neovim 0.10 and 0.11, without a name in 0.12; or it is read from the runtime files.
local function is_plain()
  local source = debug.getinfo(vim.notify, 'S').source
  local runtime = '@' .. (vim.env.VIMRUNTIME or '/')
  return source:match('^=?%?$') ~= nil or source:match('^@vim/') ~= nil or vim.startswith(source, runtime)
end

--- Shows a text in a window that goes by itself, for a screen without a line for messages.
---@param text string
---@param group string
local function toast(text, group)
  local buffer = api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  text = M.cut(text, vim.o.columns - 4)
  api.nvim_buf_set_lines(buffer, 0, -1, false, { text })
  local window = api.nvim_open_win(buffer, false, {
    relative = 'editor',
    anchor = 'NE',
    row = 1,
    col = vim.o.columns,
    width = math.max(1, vim.fn.strdisplaywidth(text)),
    height = 1,
    style = 'minimal',
    border = 'rounded',
    focusable = false,
    noautocmd = true,
  })
  vim.wo[window].winhighlight = 'NormalFloat:' .. group
  vim.defer_fn(function()
    if api.nvim_win_is_valid(window) then
      api.nvim_win_close(window, true)
    end
  end, TOAST_MS)
end

---@param text string
---@param level integer
local function show(text, level)
  if not is_plain() then
    return vim.notify(text, level, { title = 'ezrouter' })
  end
  local group = 'None'
  if vim.log.levels.ERROR <= level then
    group = 'ErrorMsg'
  elseif vim.log.levels.WARN <= level then
    group = 'WarningMsg'
  end
  local columns = vim.v.echospace
  if vim.o.cmdheight == 0 or columns < LEAST_COLUMNS then
    return toast(text, group)
  end
  local line = M.cut(text, columns)
  if line:match('…$') and #REST < columns / 2 then
    line = M.cut(text, columns - #REST) .. REST
  end
  api.nvim_echo({ { line, group } }, true, {})
end

--- Whether one text says no more than another; a text that was cut ends with `…`.
local function is_within(short, long)
  return long:find((short:gsub('…$', '')), 1, true) ~= nil
end

--- The messages that no other one says as well.
---@param messages { text: string, level: integer }[]
local function distinct(messages)
  local found = {}
  for index, message in ipairs(messages) do
    local repeated = false
    for other, longer in ipairs(messages) do
      local longest = #message.text < #longer.text or (message.text == longer.text and other < index)
      repeated = repeated or (other ~= index and longest and is_within(message.text, longer.text))
    end
    if not repeated then
      table.insert(found, message)
    end
  end
  return found
end

local function show_gathered()
  local messages = distinct(gathered)
  gathered = {}
  local shown = messages
  if is_plain() then
    -- A second line would make Neovim wait for a key: the gravest is shown, of several such the newest.
    local gravest
    for _, message in ipairs(messages) do
      gravest = gravest and message.level < gravest.level and gravest or message
    end
    shown = { gravest }
  end
  for _, message in ipairs(messages) do
    local time = os.date('%H:%M:%S') --[[@as string]]
    table.insert(M.history, { text = message.text, level = message.level, time = time })
  end
  while HISTORY < #M.history do
    table.remove(M.history, 1)
  end
  for _, message in ipairs(shown) do
    local ok, problem = pcall(show, message.text, message.level)
    if not ok then
      M.log('a message could not be shown', problem)
    end
  end
end

--- Tells the person something.
---@param text string
---@param level? integer One of `vim.log.levels`; information where it is left out.
function M.tell(text, level)
  table.insert(gathered, { text = vim.trim(text), level = level or vim.log.levels.INFO })
  if #gathered == 1 then
    vim.defer_fn(show_gathered, GATHER_MS)
  end
end

--- Tells of something that went wrong.
---@param text string
function M.error(text)
  M.tell(text, vim.log.levels.ERROR)
end

--- Writes to Neovim's log of language servers.
---@param what string
---@param problem any
function M.log(what, problem)
  pcall(vim.lsp.log.error, 'ezrouter', what, problem)
end

--- Wraps a function that something outside calls: it never throws, and what it throws is logged.
---@generic F: function
---@param what string
---@param call F
---@return F
function M.safe(what, call)
  return function(...)
    local ok, result = pcall(call, ...)
    if ok then
      return result
    end
    M.log(what, result)
  end
end

return M
