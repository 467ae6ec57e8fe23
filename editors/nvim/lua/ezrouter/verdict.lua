--- Accepts and rejects: whole rewrites and hunks of them, from the command line or from a code action.

local client_of = require('ezrouter.client')
local jobs = require('ezrouter.job')
local message = require('ezrouter.message')
local review = require('ezrouter.review')

local api = vim.api

local M = {}

---@param job ezrouter.Job
---@return boolean
local function is_pending(job)
  return job.state == 'pending'
end

--- Runs a command about a job on its server.
---@param job ezrouter.Job
---@param command string
---@param argument? table
---@param done? fun(result: any)
function M.about(job, command, argument, done)
  local client = vim.lsp.get_client_by_id(job.client)
  if not client then
    return message.error('the server of this job has stopped')
  end
  client_of.execute(client, command, vim.tbl_extend('force', { job = job.id }, argument or {}), done)
end

--- Says what a rejection has left in the text.
---@param result any
local function tell_kept(result)
  local kept = type(result) == 'table' and type(result.kept) == 'table' and #result.kept or 0
  if 0 < kept then
    local what = kept == 1 and '1 change was' or kept .. ' changes were'
    message.tell(what .. ' left, because you changed that text since', vim.log.levels.WARN)
  end
end

--- Decides about the hunk at the cursor. The server numbers hunks, and its code actions say which is where.
---@param job ezrouter.Job
---@param command string
local function judge_hunk(job, command)
  local client = vim.lsp.get_client_by_id(job.client)
  if not client then
    return message.error('the server of this job has stopped')
  end
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local position = { line = row, character = 0 }
  local params = {
    textDocument = { uri = job.uri },
    range = { start = position, ['end'] = position },
    context = { diagnostics = {}, only = { 'quickfix' }, triggerKind = 1 },
  }
  client_of.request(
    client,
    'textDocument/codeAction',
    params,
    message.safe(command, function(_, actions)
      for _, action in ipairs(actions or {}) do
        local run = type(action.command) == 'table' and action.command or action
        local argument = (run.arguments or {})[1]
        if run.command == command and argument and argument.hunk and argument.job == job.id then
          return M.about(job, command, { hunk = argument.hunk }, function(result)
            tell_kept(result)
            if command == 'ezrouter.accept' then
              review.settle_hunk(job, row)
            end
          end)
        end
      end
      message.error('there is no hunk to review at the cursor')
    end),
    job.buffer
  )
end

--- What `:Ezrouter accept` and `reject` do.
---@param command string
---@return fun(words: string)
function M.judge(command)
  return function(words)
    if words == 'all' then
      for _, job in ipairs(jobs.select(is_pending)) do
        M.about(job, command, nil, tell_kept)
      end
      return
    end
    local job = jobs.meant(is_pending)
    if not job then
      return message.error('there is no rewrite to review here')
    end
    if words == 'hunk' then
      return judge_hunk(job, command)
    end
    M.about(job, command, nil, tell_kept)
  end
end

--- Runs what a code action says.
---@param client vim.lsp.Client
---@param command string
---@param argument table
function M.from_action(client, command, argument)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  client_of.execute(client, command, argument, function(result)
    tell_kept(result)
    local job = argument.job and jobs.get(client.id, argument.job)
    if job and argument.hunk and command == 'ezrouter.accept' then
      review.settle_hunk(job, row)
    end
  end)
end

return M
