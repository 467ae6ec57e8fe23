--- Windows with answers: the Markdown streams into them, and they take follow-up questions. One window is one thread of
--- questions about the same text.

local client_of = require('ezrouter.client')
local jobs = require('ezrouter.job')
local message = require('ezrouter.message')
local place = require('ezrouter.place')
local view = require('ezrouter.view')

local api = vim.api

local M = {}

local namespace = api.nvim_create_namespace('ezrouter.answer')

--- Every thread by its buffer.
---@type table<integer, ezrouter.Thread>
local threads = {}

---@param thread ezrouter.Thread
---@return boolean
local function is_open(thread)
  return thread.window ~= nil
    and api.nvim_win_is_valid(thread.window)
    and api.nvim_win_get_buf(thread.window) == thread.buffer
end

---@param thread ezrouter.Thread
---@return ezrouter.Job?
local function newest(thread)
  return jobs.all[thread.jobs[#thread.jobs]]
end

--- Lines at most that the window may have.
local function most_lines()
  local height = require('ezrouter.config').get().answer.height
  return math.max(3, height < 1 and math.floor(vim.o.lines * height) or math.floor(height))
end

---@param thread ezrouter.Thread
---@return string
local function footer(thread)
  local job = newest(thread)
  local keys = require('ezrouter.config').get().answer.keys
  local running = job and jobs.is_running(job)
  local key = running and keys.stop[1] or keys.follow_up[1]
  local parts = {}
  if key then
    table.insert(parts, ('%s %s'):format(key, running and 'stop' or 'follow up'))
  end
  if keys.close[1] then
    table.insert(parts, keys.close[1] .. ' close')
  end
  if job and job.progress then
    table.insert(parts, 1, (job.progress:gsub('^done %((.*)%)$', '%1')))
  end
  return (' %s '):format(table.concat(parts, ' · '))
end

--- Where the window goes: below the text that is asked about if there is room, else above it, else below the cursor.
---@param thread ezrouter.Thread
---@param width integer
local function position(thread, width)
  local rows = vim.o.lines - vim.o.cmdheight - 1
  local _, _, last = place.read(thread.region)
  local window = vim.fn.bufwinid(thread.origin)
  local top, left = math.floor(rows / 3), 4
  if last and window ~= -1 then
    local screen = vim.fn.screenpos(window, last + 1, 1)
    if 0 < screen.row then
      top, left = screen.row, math.max(0, screen.col - 1)
    end
  end
  local most = most_lines()
  top = math.max(0, math.min(top, rows - math.min(most, 12) - 2))
  return top, math.max(0, math.min(left, vim.o.columns - width - 2)), math.max(1, math.min(most, rows - top - 2))
end

---@param thread ezrouter.Thread
---@return vim.api.keyset.win_config
local function layout(thread)
  local options = require('ezrouter.config').get().answer
  local width = math.max(1, math.min(options.width, vim.o.columns - 4))
  local top, left, most = position(thread, width)
  local job = newest(thread)
  local config = {
    relative = 'editor',
    row = top,
    col = left,
    width = width,
    height = view.height(thread.buffer, width, most),
    style = 'minimal',
    border = options.border,
  }
  if options.border ~= 'none' then
    config.title = (' %s '):format(message.cut(thread.title or (job and job.title) or 'Answer', width - 4))
    config.footer = message.cut(footer(thread), width - 2)
    config.footer_pos = 'right'
  end
  return config
end

--- Notes whether the person has left the end of the text, or has come back to it.
---@param thread ezrouter.Thread
local function note_cursor(thread)
  if not is_open(thread) or api.nvim_get_current_win() ~= thread.window then
    return
  end
  local line = api.nvim_win_get_cursor(thread.window)[1]
  if line ~= thread.line then
    thread.line = line
    thread.follow = line == api.nvim_buf_line_count(thread.buffer)
  end
end

--- Puts the window to the size of its text, and to its end while the person does not read elsewhere in it.
---@param thread ezrouter.Thread
local function refresh(thread)
  if not is_open(thread) then
    return
  end
  note_cursor(thread)
  local config = layout(thread)
  local now = api.nvim_win_get_config(thread.window)
  -- It grows, and stays where it is while somebody reads.
  config.height = math.max(config.height, view.height(thread.buffer, now.width, now.height))
  config.row, config.col, config.width = now.row, now.col, now.width
  api.nvim_win_set_config(thread.window, config)
  if thread.follow then
    thread.line = api.nvim_buf_line_count(thread.buffer)
    api.nvim_win_set_cursor(thread.window, { thread.line, 0 })
  end
end

-- While text streams in, the window follows at this pace: for each step Neovim reads the Markdown anew.
local PACE_MS = 80

---@param thread ezrouter.Thread
local function refresh_soon(thread)
  if thread.due then
    return
  end
  thread.due = true
  vim.defer_fn(
    message.safe('refresh', function()
      thread.due = false
      refresh(thread)
    end),
    PACE_MS
  )
end

--- Adds text to the end of a thread.
---@param thread ezrouter.Thread
---@param text string
local function append(thread, text)
  note_cursor(thread)
  view.write(thread.buffer, function()
    local last = api.nvim_buf_line_count(thread.buffer) - 1
    local column = #(api.nvim_buf_get_lines(thread.buffer, last, last + 1, false)[1] or '')
    local lines = vim.split(text:gsub('\r', ''), '\n', { plain = true })
    api.nvim_buf_set_text(thread.buffer, last, column, last, column, lines)
  end)
  view.bound_colours(thread.buffer)
end

--- Words where the answer will stand, as long as nothing of it has come.
---@param thread ezrouter.Thread
---@param job ezrouter.Job
local function wait_words(thread, job)
  api.nvim_buf_clear_namespace(thread.buffer, namespace, 0, -1)
  if jobs.is_running(job) and not job.answered then
    local last = api.nvim_buf_line_count(thread.buffer) - 1
    api.nvim_buf_set_extmark(thread.buffer, namespace, last, 0, {
      virt_text = { { job.progress or job.state, 'EzrouterHint' } },
      virt_text_pos = 'overlay',
    })
  end
end

---@param thread ezrouter.Thread
local function set_keys(thread)
  local keys = require('ezrouter.config').get().answer.keys
  local function map(list, action, description)
    for _, key in ipairs(list or {}) do
      vim.keymap.set('n', key, action, { buffer = thread.buffer, nowait = true, desc = description })
    end
  end
  map(keys.close, function()
    M.close(thread)
  end, 'Close the answer')
  map(keys.follow_up, function()
    M.follow_up(thread)
  end, 'Ask a follow-up question')
  map(keys.stop, function()
    local job = newest(thread)
    local client = job and vim.lsp.get_client_by_id(job.client)
    if client and jobs.is_running(job) then
      client_of.execute(client, 'ezrouter.cancel', { job = job.id })
    end
  end, 'Stop the answer')
end

--- Opens the window of a thread, or goes into it.
---@param thread ezrouter.Thread
---@param focus boolean
function M.open(thread, focus)
  if is_open(thread) then
    if focus then
      api.nvim_set_current_win(thread.window)
    end
    return
  end
  -- Not out of insert mode, an operator that waits for its motion, or the command-line window: the person is typing.
  focus = focus and api.nvim_get_mode().mode:match('^n?[ntvV\22]$') ~= nil and vim.fn.getcmdwintype() == ''
  thread.window = api.nvim_open_win(thread.buffer, focus, layout(thread))
  view.dress(thread.window)
  thread.follow = true
  refresh(thread)
end

---@param thread ezrouter.Thread
function M.close(thread)
  if is_open(thread) then
    api.nvim_win_close(thread.window, true)
  end
  thread.window = nil
end

---@param job ezrouter.Job
---@return ezrouter.Thread
local function new_thread(job)
  local buffer = view.buffer('markdown')
  ---@type ezrouter.Thread
  local thread =
    { buffer = buffer, origin = job.buffer or 0, jobs = {}, follow = true, uri = job.uri, client = job.client }
  threads[buffer] = thread
  set_keys(thread)
  return thread
end

--- The thread that a new job goes on in: that of the question that it follows, or one of its own.
---@param job ezrouter.Job
---@param found? ezrouter.Expected
---@return ezrouter.Thread
local function thread_for(job, found)
  local thread = found and found.thread
  if thread and api.nvim_buf_is_loaded(thread.buffer) then
    return thread
  end
  thread = new_thread(job)
  local first, last = place.lines(job.region)
  thread.region = found and found.mark or first and place.mark_lines(job.buffer, first, last) or nil
  return thread
end

---@param job ezrouter.Job
---@param found? ezrouter.Expected
local function begin(job, found)
  local thread = thread_for(job, found)
  local is_first = #thread.jobs == 0
  job.thread = thread
  table.insert(thread.jobs, ('%d:%s'):format(job.client, job.id))
  thread.title = found and found.question
  if not is_first then
    append(thread, '\n\n---\n\n')
  end
  if thread.title then
    append(thread, '> ' .. thread.title:gsub('\n', '\n> ') .. '\n\n')
  end
  M.open(thread, is_first and require('ezrouter.config').get().answer.focus)
end

--- A job that asks has changed its state.
---@param job ezrouter.Job
---@param is_new boolean
---@param found? ezrouter.Expected
function M.update(job, is_new, found)
  if is_new and found then
    begin(job, found)
  end
  local thread = job.thread
  if not thread or not api.nvim_buf_is_loaded(thread.buffer) then
    return
  end
  wait_words(thread, job)
  if job.state == 'failed' then
    append(
      thread,
      ('%s**Failed:** %s'):format(job.answered and '\n\n' or '', job.message or 'the server did not say why')
    )
  elseif job.state == 'cancelled' then
    append(thread, job.answered and '\n\n*Stopped.*' or '*Stopped.*')
  end
  refresh(thread)
end

--- A job that asks has told how far it has come.
---@param job ezrouter.Job
function M.progress(job)
  local thread = job.thread
  if thread and api.nvim_buf_is_loaded(thread.buffer) then
    wait_words(thread, job)
    refresh(thread)
  end
end

--- Takes an `ezrouter/answer`.
---@param params ezrouter.AnswerParams
---@param context lsp.HandlerContext
function M.take(params, context)
  local job = type(params) == 'table' and type(params.job) == 'string' and jobs.get(context.client_id, params.job)
  if not job or type(params.delta) ~= 'string' then
    return message.log('ezrouter/answer is not understood', vim.inspect(params))
  end
  if not job.thread and params.delta ~= '' then
    -- It was not started here.
    begin(job)
  end
  job.answered = job.answered or params.delta ~= ''
  local thread = job.thread
  if params.delta == '' or not thread or not api.nvim_buf_is_loaded(thread.buffer) then
    return
  end
  wait_words(thread, job)
  append(thread, params.delta)
  refresh_soon(thread)
end

--- An answer goes into a document: its window is closed again, if it was opened for nothing else.
---@param job ezrouter.Job
function M.goes_elsewhere(job)
  local thread = job.thread
  if thread and #thread.jobs == 1 and not job.answered then
    M.close(thread)
    job.thread = nil
  end
end

--- Asks for a follow-up question and sends it.
---@param thread ezrouter.Thread
---@param question? string
function M.follow_up(thread, question)
  local client = vim.lsp.get_client_by_id(thread.client)
  if not client then
    return message.error('the server that gave this answer has stopped')
  end
  local function send(text)
    if text and vim.trim(text) ~= '' then
      if not thread.region then
        return message.error('the text that this is about is gone; select again')
      end
      note_cursor(thread)
      thread.follow = true
      require('ezrouter.start').job(client, 'ask', thread.region, { question = text }, thread)
    end
  end
  if question and question ~= '' then
    return send(question)
  end
  vim.ui.input({ prompt = 'Follow-up: ' }, message.safe('follow-up', send))
end

--- Lets go of a thread whose questions are all forgotten, unless it is being read.
---@param thread ezrouter.Thread
function M.forget(thread)
  local is_known = vim.iter(thread.jobs):any(function(key)
    return jobs.all[key] ~= nil
  end)
  if is_known or is_open(thread) then
    return
  end
  threads[thread.buffer] = nil
  place.forget(thread.region)
  if api.nvim_buf_is_valid(thread.buffer) then
    api.nvim_buf_delete(thread.buffer, { force = true })
  end
end

--- The thread that a buffer shows.
---@param buffer integer
---@return ezrouter.Thread?
function M.of(buffer)
  return threads[buffer]
end

--- The thread that the person means: of this window, of the text at the cursor, else the newest.
---@return ezrouter.Thread?
function M.meant()
  local own = threads[api.nvim_get_current_buf()]
  if own then
    return own
  end
  local function fits(job)
    return job.thread ~= nil and api.nvim_buf_is_loaded(job.thread.buffer)
  end
  local job = jobs.meant(fits) or jobs.select(fits)[1]
  return job and job.thread
end

--- Takes an answer away: its window, and with `ezrouter.dismiss` what the hover shows of it.
---@param thread ezrouter.Thread
function M.dismiss(thread)
  M.close(thread)
  local job = newest(thread)
  local client = job and vim.lsp.get_client_by_id(job.client)
  if client and not jobs.is_running(job) then
    client_of.execute(client, 'ezrouter.dismiss', { job = job.id })
  end
end

return M
