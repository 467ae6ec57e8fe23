--- The jobs of all servers, as their `ezrouter/job` tells them: what runs, what waits to be reviewed, and where. Draws and
--- edits nothing itself.

local message = require('ezrouter.message')
local place = require('ezrouter.place')

local api = vim.api

local M = {}

--- Every job by `client:id`, since two servers number theirs alike.
---@type table<string, ezrouter.Job>
M.all = {}

--- How many ended jobs are remembered; a window may still show their answers.
local REMEMBERED = 200

local RUNNING = { waiting = true, thinking = true, streaming = true }
local STATES =
  { waiting = true, thinking = true, streaming = true, pending = true, done = true, cancelled = true, failed = true }

local order = 0

--- Whether a job's generation goes on.
---@param job ezrouter.Job
---@return boolean
function M.is_running(job)
  return RUNNING[job.state] == true
end

---@param client integer
---@param id string
---@return ezrouter.Job?
function M.get(client, id)
  return M.all[('%d:%s'):format(client, id)]
end

--- Tells status lines that something has changed.
local function announce()
  vim.schedule(function()
    pcall(api.nvim_exec_autocmds, 'User', { pattern = 'EzrouterStatus', modeline = false })
    pcall(vim.cmd.redrawstatus, { bang = true })
  end)
end

--- The buffer of a document that a server has: never a new one, whatever the server calls it.
---@param uri string
---@param client integer
---@return integer?
function M.buffer_of(uri, client)
  local one = vim.lsp.get_client_by_id(client)
  local current = api.nvim_get_current_buf()
  -- Buffers without a name are all called the same; the person means the one in front.
  if one and one.attached_buffers[current] and vim.uri_from_bufnr(current) == uri then
    return current
  end
  for buffer in pairs(one and one.attached_buffers or {}) do
    if api.nvim_buf_is_loaded(buffer) and vim.uri_from_bufnr(buffer) == uri then
      return buffer
    end
  end
end

--- The first and the last row of an LSP range; a range that ends at the start of a line does not reach into it.
---@param range ezrouter.Range
local function rows(range)
  local first, last = range.start.line, range['end'].line
  if first < last and range['end'].character == 0 then
    last = last - 1
  end
  return first, last
end

---@param params ezrouter.JobParams
---@param client integer
---@param found? ezrouter.Expected
---@return ezrouter.Job
local function new(params, client, found)
  order = order + 1
  ---@type ezrouter.Job
  local job = {
    id = params.job,
    kind = params.kind,
    uri = params.uri,
    client = client,
    state = params.state,
    parked = false,
    title = found and found.title,
    order = order,
  }
  job.buffer = M.buffer_of(params.uri, client)
  if job.buffer and place.is_range(params.range) then
    local first, last = rows(params.range)
    -- What was typed above since the command was sent is not in the server's range.
    local row = found and place.read(found.mark)
    local moved = row and row - found.row or 0
    first, last = first + moved, last + moved
    job.region = place.mark_lines(job.buffer, first, last)
  end
  if found and params.kind == 'rewrite' then
    place.forget(found.mark)
  end
  M.all[('%d:%s'):format(client, params.job)] = job
  return job
end

--- Forgets the oldest jobs that are over and that no window shows.
local function forget_old()
  local over = {}
  for key, job in pairs(M.all) do
    if not M.is_running(job) and job.state ~= 'pending' then
      table.insert(over, key)
    end
  end
  table.sort(over, function(one, other)
    return M.all[one].order < M.all[other].order
  end)
  for index = 1, #over - REMEMBERED do
    local job = M.all[over[index]] --[[@as ezrouter.Job]]
    place.forget(job.region)
    M.all[over[index]] = nil
    if job.thread then
      require('ezrouter.answer').forget(job.thread)
    end
  end
end

--- Has the modules that show a job show its new state.
---@param job ezrouter.Job
---@param is_new boolean
---@param found? ezrouter.Expected
local function show(job, is_new, found)
  if not M.is_running(job) then
    require('ezrouter.edit').finish(job)
  end
  if job.kind == 'ask' then
    return require('ezrouter.answer').update(job, is_new, found)
  end
  require('ezrouter.review').draw(job)
end

---@param params any
---@return boolean
local function is_understood(params)
  return type(params) == 'table'
    and type(params.job) == 'string'
    and type(params.uri) == 'string'
    and STATES[params.state] == true
end

--- Takes an `ezrouter/job`.
---@param params ezrouter.JobParams
---@param context lsp.HandlerContext
function M.take(params, context)
  if not is_understood(params) then
    return message.log('ezrouter/job is not understood', vim.inspect(params))
  end
  local job, found = M.get(context.client_id, params.job), nil
  local is_new = job == nil
  if not job then
    found = require('ezrouter.start').take(context.client_id, params.kind, params.uri)
    job = new(params, context.client_id, found)
  end
  local was_running = is_new or M.is_running(job)
  job.state = params.state
  job.parked = params.parked == true
  job.message = type(params.message) == 'string' and params.message or nil
  job.usage = type(params.usage) == 'table' and params.usage or job.usage
  show(job, is_new, found)
  if was_running and not M.is_running(job) then
    forget_old()
  end
  announce()
end

--- A server is gone, and its jobs with it.
---@param client integer
function M.lose(client)
  require('ezrouter.start').forget(client)
  for _, job in pairs(M.all) do
    if job.client == client and (M.is_running(job) or job.state == 'pending') then
      local was_running = M.is_running(job)
      job.state = 'failed'
      job.message = was_running and 'the server has stopped' or nil
      show(job, false)
    end
  end
  announce()
end

-- How much is kept of what a progress says; no place for it is wider.
local PROGRESS_COLUMNS = 200

--- One line of what a progress says, if it is words at all.
---@param text any
---@return string?
local function words(text)
  return type(text) == 'string' and message.cut(text, PROGRESS_COLUMNS) or nil
end

--- Progress tells in words how far a job has come, and what it is called.
api.nvim_create_autocmd('LspProgress', {
  group = api.nvim_create_augroup('ezrouter.progress', {}),
  desc = 'How far the jobs of ezrouter-lsp have come',
  callback = message.safe('LspProgress', function(event)
    local token, value = event.data.params.token, event.data.params.value
    local id = type(token) == 'string' and token:match('^ezrouter/(.+)$')
    local job = id and M.get(event.data.client_id, id)
    if not job or type(value) ~= 'table' then
      return
    end
    job.title = words(value.title) or job.title
    job.progress = words(value.message) or job.progress
    if job.kind == 'ask' then
      require('ezrouter.answer').progress(job)
    elseif M.is_running(job) then
      require('ezrouter.review').hint(job)
    end
    announce()
  end),
})

--- The jobs for which `fits` holds, the newest first.
---@param fits fun(job: ezrouter.Job): boolean
---@return ezrouter.Job[]
function M.select(fits)
  local found = vim.tbl_filter(fits, vim.tbl_values(M.all))
  table.sort(found, function(one, other)
    return other.order < one.order
  end)
  return found
end

--- Whether a job is about a row of a buffer.
---@param job ezrouter.Job
---@param buffer integer
---@param row integer
---@return boolean
function M.covers(job, buffer, row)
  if job.buffer ~= buffer then
    return false
  end
  local first, last = place.lines(job.region)
  return first ~= nil and first <= row and row <= math.max(first, last)
end

--- The job that the person means: the newest fitting one at the cursor, else the only fitting one of the buffer.
---@param fits fun(job: ezrouter.Job): boolean
---@return ezrouter.Job?
function M.meant(fits)
  local buffer, row = api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)[1] - 1
  local here = M.select(function(job)
    return fits(job) and M.covers(job, buffer, row)
  end)
  if here[1] then
    return here[1]
  end
  local inside = M.select(function(job)
    return fits(job) and job.buffer == buffer
  end)
  return #inside == 1 and inside[1] or nil
end

--- What goes on, in a few words; empty when nothing does.
---@return string
function M.status()
  local running, pending = M.select(M.is_running), M.select(function(job)
    return job.state == 'pending'
  end)
  local parts = {}
  if #running == 1 then
    local job = running[1]
    local title = message.cut(job.title or (job.kind == 'ask' and 'Ask' or 'Rewrite'), 30)
    table.insert(parts, ('%s: %s'):format(title, job.progress or job.state))
  elseif 1 < #running then
    table.insert(parts, ('%d running'):format(#running))
  end
  if 0 < #pending then
    table.insert(parts, ('%d to review'):format(#pending))
  end
  -- A per cent sign is an instruction to a status line.
  return (table.concat(parts, ', '):gsub('%%', '%%%%'))
end

return M
