--- Shows in the text what a rewrite does: how far it has come, the new lines until they are accepted, and the lines that
--- went. Draws with extmarks only, so nothing of it is ever saved.

local jobs = require('ezrouter.job')
local message = require('ezrouter.message')
local place = require('ezrouter.place')

local api = vim.api

local M = {}

local namespace = api.nvim_create_namespace('ezrouter.review')

--- Above so many deleted lines the rest is counted only.
local DELETED_LINES = 60
local HINT_COLUMNS = 60

local GROUPS = {
  EzrouterAdd = 'DiffAdd',
  EzrouterDelete = 'DiffDelete',
  EzrouterSignAdd = 'Added',
  EzrouterSignChange = 'Changed',
  EzrouterSignDelete = 'Removed',
  EzrouterSignBusy = 'NonText',
  EzrouterHint = 'Comment',
}

local function set_groups()
  for group, link in pairs(GROUPS) do
    api.nvim_set_hl(0, group, { link = link, default = true })
  end
end

set_groups()
api.nvim_create_autocmd('ColorScheme', {
  group = api.nvim_create_augroup('ezrouter.review', {}),
  desc = 'Links the highlight groups again',
  callback = set_groups,
})

--- The extmarks of each job.
---@type table<ezrouter.Job, integer[]>
local drawn = setmetatable({}, { __mode = 'k' })
---@type table<ezrouter.Job, integer>
local hints = setmetatable({}, { __mode = 'k' })

---@param job ezrouter.Job
local function clear(job)
  for _, id in ipairs(drawn[job] or {}) do
    pcall(api.nvim_buf_del_extmark, job.buffer, namespace, id)
  end
  drawn[job] = {}
  if hints[job] then
    pcall(api.nvim_buf_del_extmark, job.buffer, namespace, hints[job])
    hints[job] = nil
  end
end

---@param job ezrouter.Job
---@param row integer
---@param options vim.api.keyset.set_extmark
local function put(job, row, options)
  row = math.max(0, math.min(row, api.nvim_buf_line_count(job.buffer) - 1))
  table.insert(drawn[job], api.nvim_buf_set_extmark(job.buffer, namespace, row, 0, options))
end

--- What differs between the lines as they were and as they are: `{ old line, count, new line, count }`, counted from 1.
---@param job ezrouter.Job
---@return integer[][]
local function differences(job)
  local _, _, lines = place.lines(job.region)
  if not lines or not job.base then
    return {}
  end
  local function text(of)
    return #of == 0 and '' or table.concat(of, '\n') .. '\n'
  end
  return vim.diff(text(job.base), text(lines), { result_type = 'indices' }) --[[@as integer[][] ]]
end

--- The lines that went, as they are shown.
---@param job ezrouter.Job
---@param from integer
---@param count integer
local function deleted_lines(job, from, count)
  local shown = {}
  for index = from, math.min(from + count - 1, from + DELETED_LINES - 1) do
    local line = job.base[index]:gsub('\t', (' '):rep(vim.bo[job.buffer].tabstop))
    table.insert(shown, { { line == '' and ' ' or line, 'EzrouterDelete' } })
  end
  if DELETED_LINES < count then
    table.insert(shown, { { ('… %d more lines: :Ezrouter diff'):format(count - DELETED_LINES), 'EzrouterHint' } })
  end
  return shown
end

--- The sign of a hunk and its highlight group, as far as signs are wanted.
---@param hunk integer[]
---@param options ezrouter.ReviewConfig
---@return string? text
---@return string? group
local function sign_of(hunk, options)
  if not options.signs then
    return
  end
  local kind = hunk[2] == 0 and 'Add' or hunk[4] == 0 and 'Delete' or 'Change'
  return options.signcolumn[kind:lower()], 'EzrouterSign' .. kind
end

---@param job ezrouter.Job
---@param first integer
---@param hunk integer[]
---@param options ezrouter.ReviewConfig
local function draw_hunk(job, first, hunk, options)
  local old_line, old_count, new_line, new_count = unpack(hunk)
  local sign, group = sign_of(hunk, options)
  -- Where nothing came the sign is beside the line before.
  for row = first + new_line - 1, first + new_line - 1 + math.max(new_count, 1) - 1 do
    local line_group = options.lines and 0 < new_count and 'EzrouterAdd' or nil
    put(job, row, { sign_text = sign, sign_hl_group = group, line_hl_group = line_group })
  end
  if options.deleted and 0 < old_count and job.state == 'pending' then
    -- The lines that went stand above what came instead; where nothing came, below the line before them.
    local is_above = 0 < new_count or first + new_line == 0
    local lines = deleted_lines(job, old_line, old_count)
    put(job, first + new_line - 1, { virt_lines = lines, virt_lines_above = is_above })
  end
end

---@param job ezrouter.Job
---@param count integer
---@return string
local function words(job, count)
  if jobs.is_running(job) then
    return job.progress or job.state
  elseif job.parked then
    return 'not applied: :Ezrouter apply, diff or reject'
  end
  return ('%d %s: :Ezrouter accept or reject'):format(count, count == 1 and 'change' or 'changes')
end

--- Writes the words at the end of a job's first line anew.
---@param job ezrouter.Job
---@param count? integer
function M.hint(job, count)
  local first = place.read(job.region)
  if not first or not require('ezrouter.config').get().review.hints then
    return
  end
  local text = message.cut(words(job, count or 0), HINT_COLUMNS)
  hints[job] = api.nvim_buf_set_extmark(job.buffer, namespace, first, 0, {
    id = hints[job],
    virt_text = { { '  ' .. text, 'EzrouterHint' } },
    virt_text_pos = 'eol',
    hl_mode = 'combine',
  })
end

--- Draws what a rewrite has done so far; takes everything away once it needs no review.
---@param job ezrouter.Job
function M.draw(job)
  if not job.buffer or not api.nvim_buf_is_loaded(job.buffer) then
    return
  end
  clear(job)
  local first, last = place.lines(job.region)
  if not first or not (jobs.is_running(job) or job.state == 'pending') then
    return
  end
  local options = require('ezrouter.config').get().review
  local hunks = differences(job)
  for _, hunk in ipairs(hunks) do
    draw_hunk(job, first, hunk, options)
  end
  if jobs.is_running(job) and options.signs then
    for row = first, last do
      put(job, row, { sign_text = options.signcolumn.busy, sign_hl_group = 'EzrouterSignBusy', priority = 1 })
    end
  end
  M.hint(job, #hunks)
end

-- While text streams in, what is drawn follows at this pace: a long rewrite is compared whole each time.
local PACE_MS = 80

---@type table<ezrouter.Job, boolean>
local waiting = setmetatable({}, { __mode = 'k' })

--- Draws a rewrite that runs, soon; any other at once.
---@param job ezrouter.Job
function M.draw_soon(job)
  if not jobs.is_running(job) then
    return M.draw(job)
  end
  if not waiting[job] then
    waiting[job] = true
    vim.defer_fn(
      message.safe('draw', function()
        waiting[job] = nil
        M.draw(job)
      end),
      PACE_MS
    )
  end
end

--- A hunk of the buffer was accepted: its lines are as good as the original from now on.
---@param job ezrouter.Job
---@param row integer
function M.settle_hunk(job, row)
  local first, _, lines = place.lines(job.region)
  for _, hunk in ipairs(first and differences(job) or {}) do
    local old_line, old_count, new_line, new_count = unpack(hunk)
    local from = first + math.max(new_line - 1, 0)
    if from <= row and row <= from + math.max(new_count, 1) - 1 then
      local at = old_count == 0 and old_line + 1 or old_line
      for _ = 1, old_count do
        table.remove(job.base, at)
      end
      for index = new_count, 1, -1 do
        table.insert(job.base, at, lines[new_line + index - 1])
      end
      break
    end
  end
  M.draw(job)
end

--- The first rows of all changes in a buffer that wait for review, from the top.
---@param buffer integer
---@return integer[]
function M.places(buffer)
  local rows = {}
  local pending = jobs.select(function(job)
    return job.buffer == buffer and job.state == 'pending'
  end)
  for _, job in ipairs(pending) do
    local first = place.lines(job.region)
    for _, hunk in ipairs(first and differences(job) or {}) do
      table.insert(rows, math.max(0, first + hunk[3] - 1))
    end
  end
  table.sort(rows)
  return rows
end

return M
