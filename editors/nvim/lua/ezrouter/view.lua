--- Windows of our own over the others, for things to be read. Knows nothing of what is in them.

local api = vim.api

local M = {}

--- A buffer for such a window; it is no file and is never written.
---@param filetype string
---@return integer
function M.buffer(filetype)
  local buffer = api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'hide'
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].undolevels = -1
  -- The parser comes with Neovim; the file type is not set, since that would load what people have for their own Markdown
  -- files: language servers, linters, mappings.
  if filetype == 'markdown' then
    pcall(vim.treesitter.start, buffer, 'markdown')
  end
  vim.bo[buffer].modifiable = false
  return buffer
end

-- A text longer than this is shown without colours, since Neovim would read all of it anew with each piece that comes.
local COLOURED_BYTES = 128 * 1024

--- Takes the colours from a buffer that has become too long for them.
---@param buffer integer
function M.bound_colours(buffer)
  if vim.treesitter.highlighter.active[buffer] then
    local bytes = api.nvim_buf_get_offset(buffer, api.nvim_buf_line_count(buffer))
    if COLOURED_BYTES < bytes then
      vim.treesitter.stop(buffer)
    end
  end
end

--- Replaces the text of such a buffer, or with `row` and `column` adds to its end.
---@param buffer integer
---@param change fun()
function M.write(buffer, change)
  vim.bo[buffer].modifiable = true
  change()
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
end

--- The rows that a buffer's text takes in a window of so many columns, not counting further than `most`.
---@param buffer integer
---@param columns integer
---@param most integer
---@return integer
function M.height(buffer, columns, most)
  local rows = 0
  for _, line in ipairs(api.nvim_buf_get_lines(buffer, 0, most, false)) do
    rows = rows + math.max(1, math.ceil(vim.fn.strdisplaywidth(line) / columns))
  end
  return math.max(1, math.min(rows, most))
end

--- How a window over the others looks.
---@param window integer
function M.dress(window)
  for name, value in pairs({
    wrap = true,
    linebreak = true,
    breakindent = true,
    conceallevel = 2,
    concealcursor = '',
    number = false,
    relativenumber = false,
    signcolumn = 'no',
    foldenable = false,
    spell = false,
    list = false,
    winhighlight = 'NormalFloat:EzrouterFloat,FloatBorder:EzrouterFloatBorder,FloatTitle:EzrouterFloatTitle',
  }) do
    api.nvim_set_option_value(name, value, { win = window, scope = 'local' })
  end
end

--- Shows a file that the server wants to be seen (a diff, a request, a conversation) beside what is being worked on: in the
--- window that shows it already, else in a new one. Gives nothing for what is no file.
---@param params { uri: string, external?: boolean, takeFocus?: boolean }
---@return { success: boolean }?
function M.document(params)
  if params.external or not vim.startswith(params.uri, 'file:') then
    return
  end
  local path = vim.uri_to_fname(params.uri)
  local buffer = vim.fn.bufadd(path)
  local before = api.nvim_get_current_win()
  local window = vim.fn.bufwinid(buffer)
  if window == -1 then
    if api.nvim_win_get_config(before).relative ~= '' then
      -- A window over the others cannot be split.
      vim.cmd.wincmd('p')
    end
    vim.cmd(vim.o.columns < 160 and 'split' or 'vertical split')
    window = api.nvim_get_current_win()
    vim.bo[buffer].buflisted = true
    api.nvim_win_set_buf(window, buffer)
  end
  -- It may have been written anew since it was read.
  vim.cmd.checktime({ buffer, mods = { silent = true } })
  api.nvim_set_current_win(params.takeFocus and window or before)
  return { success = true }
end

for group, link in pairs({
  EzrouterFloat = 'NormalFloat',
  EzrouterFloatBorder = 'FloatBorder',
  EzrouterFloatTitle = 'FloatTitle',
}) do
  api.nvim_set_hl(0, group, { link = link, default = true })
end

--- Shows lines in a window in the middle of the screen, which q and Esc close.
---@param title string
---@param lines string[]
---@param filetype? string
function M.show(title, lines, filetype)
  local buffer = M.buffer(filetype or 'markdown')
  vim.bo[buffer].bufhidden = 'wipe'
  M.write(buffer, function()
    api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  end)
  local width = vim.fn.strdisplaywidth(title) + 2
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  width = math.max(1, math.min(width, vim.o.columns - 6))
  local height = M.height(buffer, width, math.max(1, vim.o.lines - 6))
  local window = api.nvim_open_win(buffer, true, {
    relative = 'editor',
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 2),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    width = width,
    height = height,
    style = 'minimal',
    border = 'rounded',
    title = (' %s '):format(title),
  })
  M.dress(window)
  vim.wo[window].wrap = filetype ~= 'text'
  for _, key in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', key, function()
      api.nvim_win_close(window, true)
    end, { buffer = buffer, nowait = true, desc = 'Close' })
  end
end

return M
