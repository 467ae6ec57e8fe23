--- `:checkhealth ezrouter`: whether everything is in place, and what to do where it is not.

local client_of = require('ezrouter.client')

local M = {}

-- `ezrouter-lsp check` may wait for a gateway that does not answer.
local CHECK_MS = 20000

--- What a program prints, or why it could not be run.
---@param command string[]
---@return vim.SystemCompleted?
---@return string? problem
local function run(command)
  local ok, process = pcall(vim.system, command, { text = true })
  if not ok then
    return nil, tostring(process)
  end
  local result = process:wait(CHECK_MS)
  if result.code == 124 then
    return nil, ('`%s` did not answer in %d seconds'):format(table.concat(command, ' '), CHECK_MS / 1000)
  end
  return result
end

local function neovim()
  vim.health.start('Neovim')
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 0 then
    return vim.health.error(version .. ' is too old', 'Install Neovim 0.10 or newer')
  end
  vim.health.ok(version)
  local own = vim.api.nvim_get_runtime_file('lua/ezrouter.lua', true)
  if own[1] then
    vim.health.error(own[1] .. ' hides the plugin', 'It is the set-up without the plugin: rename or remove it')
  end
  if not pcall(vim.treesitter.language.inspect, 'markdown') then
    vim.health.warn('there is no parser for Markdown: answers are shown without colours')
  end
end

local function options()
  vim.health.start('Options')
  local _, problems = require('ezrouter.config').get()
  for _, problem in ipairs(problems) do
    vim.health.error(problem, 'See `:help ezrouter-options`')
  end
  if not problems[1] then
    vim.health.ok('each is one that there is')
  end
end

--- The server's own report on key, address, network and store.
---@param program string
local function check(program)
  local result, problem = run({ program, 'check', '--json' })
  if not result then
    return vim.health.error(problem --[[@as string]])
  end
  local ok, report = pcall(vim.json.decode, result.stdout)
  if not ok or type(report) ~= 'table' then
    return vim.health.error('`ezrouter-lsp check` says nothing that can be read', { result.stderr })
  end
  for _, finding in ipairs(report.findings or {}) do
    local text = ('%s: %s'):format(finding.subject, finding.message)
    if finding.ok == true then
      vim.health.ok(text)
    elseif finding.ok == false then
      vim.health.error(text)
    else
      vim.health.info(text)
    end
  end
end

local function server()
  vim.health.start('Server')
  local problem = client_of.problem()
  if problem then
    return vim.health.error(problem, 'cargo install --locked --path . in a clone of ezrouter-lsp')
  end
  local program = client_of.program()
  if not program then
    return vim.health.info('`cmd` is a function, so the program behind it was not looked at')
  end
  local result, failure = run({ program, '--version' })
  if not result or result.code ~= 0 or result.stdout == '' then
    return vim.health.error(failure or ('`%s --version` fails: %s'):format(program, result and result.stderr or ''))
  end
  vim.health.ok(('%s, %s'):format(vim.trim(result.stdout), vim.fn.exepath(program)))
  check(program)
end

local function client()
  vim.health.start('Client')
  local clients = vim.lsp.get_clients({ name = 'ezrouter' })
  if #clients == 0 then
    return vim.health.info(
      'no server runs; `:Ezrouter` starts one, and `vim.lsp.enable("ezrouter")` starts it with each file'
    )
  end
  for _, one in ipairs(clients) do
    local buffers = vim.tbl_count(one.attached_buffers)
    vim.health.ok(
      ('client %d serves %d %s in %s'):format(
        one.id,
        buffers,
        buffers == 1 and 'buffer' or 'buffers',
        one.root_dir or 'no project'
      )
    )
    local declared = vim.tbl_get(one.config, 'capabilities', 'experimental', 'ezrouter') or {}
    if not (declared.jobs and declared.answer and declared.applyEdit) then
      vim.health.error(
        'this client was not set up by the plugin: answers show in the hover only, and undo takes more presses',
        'Take the other set-up of ezrouter out of your configuration: `vim.lsp.config.ezrouter = ...`'
      )
    end
    local debounce = (one.flags or {}).debounce_text_changes
    if debounce ~= 0 then
      vim.health.info(('debounce_text_changes is %s: edits may come a moment later'):format(debounce or 150))
    end
  end
end

function M.check()
  neovim()
  options()
  server()
  client()
end

return M
