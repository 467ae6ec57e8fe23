--- Starts jobs, and keeps what is known of each until the server tells of it: the words, the window that the answer goes
--- on in, and the place. The place that the server tells is that of the moment when the command was sent; what has been
--- typed since is known here only.

local client_of = require('ezrouter.client')
local message = require('ezrouter.message')
local place = require('ezrouter.place')

local M = {}

---@class ezrouter.Expected
---@field client integer
---@field kind ezrouter.Kind
---@field uri string
---@field mark ezrouter.Mark
---@field row integer The first row of the mark when the command was sent.
---@field question? string
---@field title? string What the job is called until the server says it.
---@field thread? ezrouter.Thread

---@type ezrouter.Expected[]
local expected = {}

--- Takes out what was known of a job that the server tells for the first time.
---@param client integer
---@param kind ezrouter.Kind
---@param uri string
---@return ezrouter.Expected?
function M.take(client, kind, uri)
  for index, one in ipairs(expected) do
    if one.client == client and one.kind == kind and one.uri == uri then
      return table.remove(expected, index)
    end
  end
end

--- Forgets what was sent to a server that is gone.
---@param client integer
function M.forget(client)
  expected = vim.tbl_filter(function(one)
    if one.client == client and not one.thread then
      place.forget(one.mark)
    end
    return one.client ~= client
  end, expected)
end

--- Starts a job about a marked place. The mark is no longer the caller's.
---@param client vim.lsp.Client
---@param kind ezrouter.Kind
---@param mark ezrouter.Mark
---@param argument table What the command is given beside the place.
---@param thread? ezrouter.Thread
function M.job(client, kind, mark, argument, thread)
  local range = place.range(mark, client.offset_encoding)
  if not range then
    return message.error('the text that this is about is gone; select again')
  end
  local uri = vim.uri_from_bufnr(mark.buffer)
  ---@type ezrouter.Expected
  local waiting = {
    client = client.id,
    kind = kind,
    uri = uri,
    mark = mark,
    row = range.start.line,
    question = argument.question,
    title = argument.question or argument.instruction,
    thread = thread,
  }
  table.insert(expected, waiting)
  argument = vim.tbl_extend('force', argument, { uri = uri, range = range })
  client_of.execute(client, 'ezrouter.' .. kind, argument, nil, function()
    expected = vim.tbl_filter(function(one)
      return one ~= waiting
    end, expected)
    if not thread then
      place.forget(mark)
    end
  end)
end

--- Runs a command of a code action that starts a job.
---@param client vim.lsp.Client
---@param kind ezrouter.Kind
---@param argument table
function M.from_action(client, kind, argument)
  local buffer = vim.uri_to_bufnr(argument.uri)
  local first_row, first_column = place.from_lsp(buffer, argument.range.start, client.offset_encoding)
  local last_row, last_column = place.from_lsp(buffer, argument.range['end'], client.offset_encoding)
  M.job(client, kind, place.mark(buffer, first_row, first_column, last_row, last_column), argument)
end

return M
