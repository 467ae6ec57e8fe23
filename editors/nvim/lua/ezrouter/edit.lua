--- Applies the edits of a rewrite (`ezrouter/applyEdit`), so that one undo takes back all of them and nothing else. An edit
--- that was made for another version of the text, or that the buffer does not allow, is refused and said so.

local jobs = require('ezrouter.job')
local place = require('ezrouter.place')

local api = vim.api

local M = {}

--- For each buffer the rewrites that ran at the same time: undo is a line, so they are put in order together.
---@type table<integer, ezrouter.Job[]>
local groups = {}

local ends = 0

--- Runs `change`, and tells the server what it did to the text as one `didChange`.
---
--- Without that a server that is told of each change at once would see the steps between, which nobody has ever seen.
---@param client vim.lsp.Client
---@param change fun()
local function as_one_change(client, change)
  local own = rawget(client, 'notify')
  local notify = client.notify
  local held ---@type { [1]: any, params: table, count: integer }?
  client.notify = function(...)
    local arguments = vim.F.pack_len(...)
    local at = type(arguments[1]) == 'string' and 1 or 2
    if arguments[at] ~= 'textDocument/didChange' then
      return notify(...)
    end
    local params = arguments[at + 1]
    if held then
      vim.list_extend(held[at + 1].contentChanges, params.contentChanges)
      held[at + 1].textDocument.version = params.textDocument.version
    else
      held = arguments
    end
    return true
  end
  local ok, problem = pcall(change)
  client.notify = own
  if held then
    notify(vim.F.unpack_len(held))
  end
  if not ok then
    error(problem, 0)
  end
end

--- Ends the current undo entry of the current buffer, also in insert mode: what comes next is one of its own.
local function break_undo()
  vim.cmd('noautocmd let &l:undolevels = &l:undolevels')
end

--- Runs `change` and puts every window of the buffer back to what it showed, for a change that changes nothing in the end.
---@param buffer integer
---@param change fun()
local function keeping_views(buffer, change)
  local views = {}
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    views[window] = api.nvim_win_call(window, vim.fn.winsaveview)
  end
  change()
  for window, view in pairs(views) do
    api.nvim_win_call(window, function()
      if not vim.deep_equal(vim.fn.winsaveview(), view) then
        vim.fn.winrestview(view)
      end
    end)
  end
end

--- Lines as the text that `vim.diff` compares.
local function joined(lines)
  return #lines == 0 and '' or table.concat(lines, '\n') .. '\n'
end

--- Makes lines read otherwise, in the smallest changes by line.
---@param buffer integer
---@param first integer
---@param old string[]
---@param new string[]
local function replace(buffer, first, old, new)
  local hunks = vim.diff(joined(old), joined(new), { result_type = 'indices' }) --[[@as integer[][] ]]
  for index = #hunks, 1, -1 do
    local old_line, old_count, new_line, new_count = unpack(hunks[index])
    local row = first + (old_count == 0 and old_line or old_line - 1)
    local lines = new_count == 0 and {} or vim.list_slice(new, new_line, new_line + new_count - 1)
    api.nvim_buf_set_lines(buffer, row, row + old_count, false, lines)
  end
end

--- Whether somebody else has changed the lines of a job since its last edit.
---@param job ezrouter.Job
local function is_touched(job)
  local _, _, lines = place.lines(job.region)
  return not lines or not job.written or not vim.deep_equal(lines, job.written)
end

--- The rewrites of a buffer that have ended and stand as they were written, from the top; nothing if they share a line.
---@param buffer integer
---@return ezrouter.Job[]?
local function standing(buffer)
  local found = vim.tbl_filter(function(job)
    local is_whole = job.base and 0 < #job.base and job.written and 0 < #job.written
    return job.ended and job.change and is_whole and not job.touched and not is_touched(job)
  end, groups[buffer] or {})
  table.sort(found, function(one, other)
    return place.read(one.region) < place.read(other.region)
  end)
  for index = 2, #found do
    local _, last = place.lines(found[index - 1].region)
    if place.read(found[index].region) <= last then
      return
    end
  end
  return found
end

--- Gives each rewrite one undo entry where its edits lie between those of somebody else: the original comes back, and then
--- the new text of each, the one that ended last on top. All in one moment, so that nothing of it is seen.
---@param buffer integer
local function gather(buffer)
  local found = standing(buffer)
  if not found or not vim.iter(found):any(function(job)
    return job.interleaved
  end) then
    return
  end
  local firsts, moved = {}, 0
  local above = {} ---@type table<ezrouter.Job, integer>
  for index, job in ipairs(found) do
    local first = place.read(job.region)
    firsts[job] = { now = first, original = first - moved }
    moved = moved + #job.written - #job.base
    above[job] = index
  end
  keeping_views(buffer, function()
    break_undo()
    for index = #found, 1, -1 do
      local job = found[index]
      replace(buffer, firsts[job].now, job.written, job.base)
    end
    local by_end = vim.list_slice(found)
    table.sort(by_end, function(one, other)
      return one.ended < other.ended
    end)
    local grown = {}
    for _, job in ipairs(by_end) do
      break_undo()
      local first = firsts[job].original
      for _, earlier in ipairs(grown) do
        first = first + (above[earlier] < above[job] and #earlier.written - #earlier.base or 0)
      end
      replace(buffer, first, job.base, job.written)
      job.change = vim.fn.changenr()
      job.interleaved = false
      table.insert(grown, job)
    end
    break_undo()
  end)
  for _, job in ipairs(found) do
    place.forget(job.region)
    job.region = place.mark_lines(buffer, firsts[job].now, firsts[job].now + #job.written - 1)
  end
end

--- Where the lines of a job are once these edits have landed.
---@param buffer integer
---@param first integer
---@param last integer
---@param edits { range: ezrouter.Range, newText: string }[]
---@param encoding string
local function rows_after(buffer, first, last, edits, encoding)
  local from, added = first, 0
  for _, edit in ipairs(edits) do
    local start, stop = edit.range.start, edit.range['end']
    local _, breaks = edit.newText:gsub('\n', '')
    added = added + breaks - (stop.line - start.line)
    last = math.max(last, math.min(stop.line, api.nvim_buf_line_count(buffer)) - (stop.character == 0 and 1 or 0))
    local line = api.nvim_buf_get_lines(buffer, start.line, start.line + 1, false)[1] or ''
    local _, column = place.from_lsp(buffer, start, encoding)
    if start.line < from and column < #line then
      from = start.line
    end
  end
  return from, last + added
end

--- Applies the edits to the buffer, which is the current one while this runs.
---@param buffer integer
---@param edits table[]
---@param encoding string
local function apply(buffer, edits, encoding)
  local listed, readonly = vim.bo[buffer].buflisted, vim.bo[buffer].readonly
  -- With this on, the first change of a file stops everything for a second to show a warning.
  if readonly then
    vim.bo[buffer].readonly = false
  end
  local ok, problem = pcall(vim.lsp.util.apply_text_edits, edits, buffer, encoding)
  if readonly then
    vim.bo[buffer].readonly = true
  end
  vim.bo[buffer].buflisted = listed
  if not ok then
    error(problem, 0)
  end
end

--- Takes a rewrite that was stopped out of the undo tree, where that gives the very text that its last edit has given:
--- otherwise the next undo would seem to do nothing.
---@param job ezrouter.Job
local function take_out_of_history(job)
  local buffer = job.buffer
  local _, _, lines = place.lines(job.region)
  if job.interleaved or job.touched or api.nvim_get_mode().mode ~= 'n' or not vim.deep_equal(lines, job.base) then
    return
  end
  local first = place.read(job.region)
  local all = api.nvim_buf_get_lines(buffer, 0, -1, false)
  keeping_views(buffer, function()
    vim.cmd('silent! undo')
    if not vim.deep_equal(api.nvim_buf_get_lines(buffer, 0, -1, false), all) then
      vim.cmd('silent! redo')
    end
  end)
  place.forget(job.region)
  job.region = place.mark_lines(buffer, first, first + #job.base - 1)
end

--- Makes the coming change part of the job's undo entry if that is the newest one, else one of its own.
---@param job ezrouter.Job
---@param is_review boolean
local function begin_change(job, is_review)
  if not is_review and job.change and vim.fn.changenr() == job.change then
    -- Right behind an undo this throws: then it is a change of its own.
    if pcall(vim.cmd.undojoin) then
      return
    end
  end
  break_undo()
  job.interleaved = not is_review and job.change ~= nil
end

---@param job ezrouter.Job
---@param params ezrouter.EditParams
---@param encoding string
local function change(job, params, encoding)
  local buffer = job.buffer --[[@as integer]]
  local edits = params.edit.edits
  if job.region and job.region.buffer ~= buffer then
    -- A question about one document whose answer goes into another.
    place.forget(job.region)
    job.region = nil
  end
  if not place.read(job.region) then
    -- The server did not say where, or the file was read anew, and the marks went with its old text.
    local line = edits[1].range.start.line
    job.region = place.mark_lines(buffer, line, line)
    job.touched = job.written ~= nil
  end
  local first, last, lines = place.lines(job.region)
  job.touched = job.touched or (job.written ~= nil and is_touched(job))
  local is_review = not jobs.is_running(job)
  local from, to = rows_after(buffer, first, last, edits, encoding)
  if from < first or not job.base then
    job.base = job.base and api.nvim_buf_get_lines(buffer, from, first, false) or {}
    vim.list_extend(job.base, lines)
  end
  begin_change(job, is_review)
  apply(buffer, edits, encoding)
  break_undo()
  place.forget(job.region)
  job.region = place.mark_lines(buffer, from, to)
  job.change = vim.fn.changenr()
  local _, _, written = place.lines(job.region)
  job.written = written
  if params.phase == 'rewind' and not is_review then
    take_out_of_history(job)
  elseif params.phase == 'last' then
    M.finish(job)
  end
end

--- Whether these are edits that can be made: each says where and what, and no two are about the same text.
---@param edits any
---@return boolean
local function are_edits(edits)
  if type(edits) ~= 'table' or #edits == 0 then
    return false
  end
  for _, edit in ipairs(edits) do
    if type(edit) ~= 'table' or type(edit.newText) ~= 'string' or not place.is_range(edit.range) then
      return false
    end
  end
  local sorted = vim.list_slice(edits)
  table.sort(sorted, function(one, other)
    return place.is_before(one.range.start, other.range.start)
  end)
  for index = 2, #sorted do
    if place.is_before(sorted[index].range.start, sorted[index - 1].range['end']) then
      return false
    end
  end
  return true
end

---@param params any
---@return boolean
local function is_understood(params)
  local edit = type(params) == 'table' and params.edit
  return type(edit) == 'table'
    and type(params.job) == 'string'
    and type(edit.textDocument) == 'table'
    and type(edit.textDocument.uri) == 'string'
    and are_edits(edit.edits)
end

--- The job of an edit and its buffer, if the edit may be applied: the server has the buffer, the buffer can be changed, and
--- the edit was made for the text that it holds. Otherwise nothing, and the buffer's version if there is one.
---@param params ezrouter.EditParams
---@param client vim.lsp.Client
---@return ezrouter.Job?
---@return integer? buffer
---@return integer? version
local function target(params, client)
  local document = params.edit.textDocument
  local job = jobs.get(client.id, params.job)
  local buffer = job and job.uri == document.uri and job.buffer
  if not buffer or not client.attached_buffers[buffer] then
    buffer = jobs.buffer_of(document.uri, client.id)
  end
  local version = buffer and vim.lsp.util.buf_versions[buffer]
  if not job or not buffer or document.version ~= version or not vim.bo[buffer].modifiable then
    return nil, nil, version or nil
  end
  return job, buffer
end

--- Takes an `ezrouter/applyEdit`; gives its answer.
---@param params ezrouter.EditParams
---@param context lsp.HandlerContext
---@return { applied: boolean, version: integer? }
function M.take(params, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  if not client or not is_understood(params) then
    return { applied = false }
  end
  local job, buffer, version = target(params, client)
  if not job or not buffer then
    return { applied = false, version = version }
  end
  job.buffer = buffer
  if not vim.tbl_contains(groups[buffer] or {}, job) and jobs.is_running(job) then
    groups[buffer] = groups[buffer] or {}
    table.insert(groups[buffer], job)
  end
  local before = api.nvim_buf_get_changedtick(buffer)
  local ok, problem = pcall(as_one_change, client, function()
    api.nvim_buf_call(buffer, function()
      change(job, params, client.offset_encoding)
    end)
  end)
  if not ok then
    require('ezrouter.message').log('an edit failed', problem)
  end
  if job.kind == 'ask' then
    -- An answer that goes into a document needs no window, and nothing to review.
    require('ezrouter.answer').goes_elsewhere(job)
  else
    require('ezrouter.review').draw_soon(job)
  end
  local changed = before ~= api.nvim_buf_get_changedtick(buffer)
  return { applied = ok or changed, version = vim.lsp.util.buf_versions[buffer] }
end

--- The generation of a rewrite has ended: its edits become one undo entry, if they are not.
---@param job ezrouter.Job
function M.finish(job)
  local buffer = job.buffer
  if buffer and not api.nvim_buf_is_loaded(buffer) then
    groups[buffer] = nil
  end
  if job.ended or not buffer or not job.change or not api.nvim_buf_is_loaded(buffer) then
    return
  end
  ends = ends + 1
  job.ended = ends
  local client = vim.lsp.get_client_by_id(job.client)
  local function put_in_order()
    api.nvim_buf_call(buffer, function()
      gather(buffer)
    end)
  end
  if client and vim.bo[buffer].modifiable then
    local ok, problem = pcall(as_one_change, client, put_in_order)
    if not ok then
      require('ezrouter.message').log('the undo entries could not be joined', problem)
    end
  end
  local is_any_running = vim.iter(groups[buffer] or {}):any(function(other)
    return not other.ended and jobs.is_running(other)
  end)
  if not is_any_running then
    groups[buffer] = nil
  end
end

return M
