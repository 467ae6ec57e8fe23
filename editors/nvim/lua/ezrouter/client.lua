--- The language client: what it declares, how it is started, and how commands reach the server. What the server's own
--- methods do is decided in `job`, `edit` and `answer`.

local message = require('ezrouter.message')

local M = {}

local is_new = vim.fn.has('nvim-0.11') == 1

--- The methods of the server's own, each behind a guard: what a server sends must not throw at the person.
---@return table<string, function>
local function handlers()
  return {
    ['ezrouter/job'] = message.safe('ezrouter/job', function(_, params, context)
      require('ezrouter.job').take(params, context)
    end),
    ['ezrouter/answer'] = message.safe('ezrouter/answer', function(_, params, context)
      require('ezrouter.answer').take(params, context)
    end),
    ['ezrouter/applyEdit'] = function(_, params, context)
      local ok, answer = pcall(require('ezrouter.edit').take, params, context)
      if not ok then
        message.log('ezrouter/applyEdit', answer)
        return { applied = false }
      end
      return answer
    end,
    ['window/showDocument'] = function(problem, params, context)
      local ok, answer = pcall(function()
        return require('ezrouter.view').document(params)
          or vim.lsp.handlers['window/showDocument'](problem, params, context)
      end)
      if not ok then
        message.log('window/showDocument', answer)
        return { success = false }
      end
      return answer
    end,
    ['window/showMessage'] = message.safe('window/showMessage', function(_, params)
      local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }
      message.tell(tostring(params.message), levels[params.type] or vim.log.levels.INFO)
    end),
  }
end

--- Neovim's own list of choices, opened in visual mode, holds everything up for seconds because it shows the mode again.
local function leave_visual_mode()
  if vim.api.nvim_get_mode().mode:match('^[vV\22]') then
    vim.cmd.normal({ vim.keycode('<Esc>'), bang = true })
  end
end

--- What code actions run here before the server does: what starts a job is remembered until the server tells of it.
---@return table<string, fun(command: lsp.Command, context: table)>
local function commands()
  local function starts(kind)
    return message.safe('ezrouter.' .. kind, function(command, context)
      local client = vim.lsp.get_client_by_id(context.client_id)
      local argument = (command.arguments or {})[1]
      leave_visual_mode()
      if client and argument and argument.uri and argument.range then
        require('ezrouter.start').from_action(client, kind, argument)
      elseif client then
        M.execute(client, command.command, argument or {})
      end
    end)
  end
  local function judges(command, context)
    local client = vim.lsp.get_client_by_id(context.client_id)
    if client then
      require('ezrouter.verdict').from_action(client, command.command, (command.arguments or {})[1] or {})
    end
  end
  return {
    ['ezrouter.ask'] = starts('ask'),
    ['ezrouter.rewrite'] = starts('rewrite'),
    ['ezrouter.accept'] = message.safe('ezrouter.accept', judges),
    ['ezrouter.reject'] = message.safe('ezrouter.reject', judges),
  }
end

--- What Neovim is told of the server: `lsp/ezrouter.lua`, and in Neovim 0.10 what is started.
---@return vim.lsp.ClientConfig
function M.config()
  local options = require('ezrouter.config').get()
  return {
    name = 'ezrouter',
    cmd = options.cmd,
    root_markers = options.root_markers,
    settings = { ezrouter = next(options.settings) and options.settings or vim.empty_dict() },
    capabilities = {
      experimental = { ezrouter = { jobs = true, answer = true, applyEdit = true } },
    },
    -- The server must know each key at once: an edit that was made for older text is refused.
    flags = { debounce_text_changes = 0 },
    handlers = handlers(),
    commands = commands(),
    on_exit = function(_, _, client)
      vim.schedule(message.safe('on_exit', function()
        require('ezrouter.job').lose(client)
      end))
    end,
  }
end

--- The configuration in force: with what the user has added by `vim.lsp.config`, where Neovim has that.
---@return vim.lsp.ClientConfig
local function resolved()
  if is_new then
    return vim.deepcopy(vim.lsp.config.ezrouter or M.config())
  end
  local config = M.config()
  -- Neovim 0.10 takes what it is given instead of what it can do.
  local own = vim.lsp.protocol.make_client_capabilities()
  config.capabilities = vim.tbl_deep_extend('force', own, config.capabilities)
  return config
end

--- Starts the server for a buffer, or takes the one that serves its project.
---@param buffer integer
local function start(buffer)
  require('ezrouter.version').keep()
  local config = resolved()
  local root = config.root_dir
  if type(root) ~= 'string' then
    root = vim.fs.root(buffer, config.root_markers or {})
  end
  config.root_dir = root
  config.name = 'ezrouter'
  return vim.lsp.start(config, { bufnr = buffer, silent = true })
end

--- Starts the server for every file from now on.
function M.enable()
  if is_new then
    -- The file in `lsp/` is read again, with the options that `setup` was given since.
    vim.lsp.config('ezrouter', {})
    return vim.lsp.enable('ezrouter')
  end
  local function serve(event)
    if vim.bo[event.buf].buftype == '' and M.problem() == nil then
      start(event.buf)
    end
  end
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('ezrouter.enable', {}),
    desc = 'Starts ezrouter-lsp for a file',
    callback = serve,
  })
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype ~= '' then
      serve({ buf = buffer })
    end
  end
end

--- The program that is started; nothing if that is a function's affair.
---@return string?
function M.program()
  local command = resolved().cmd
  return type(command) == 'table' and command[1] or nil
end

--- Why the server cannot be started, with what to do; nothing if it can.
---@return string?
function M.problem()
  local program = M.program()
  if not program and type(resolved().cmd) ~= 'function' then
    return "`cmd` names no program: it is a list such as { 'ezrouter-lsp', '--stdio' }"
  elseif program and vim.fn.executable(program) == 0 then
    return ('%s is not on PATH: see `:help ezrouter-install`, or set `cmd`'):format(program)
  end
end

--- The client of a buffer, if it has one that can be talked to.
---@param buffer integer
---@return vim.lsp.Client?
function M.of(buffer)
  local client = vim.lsp.get_clients({ bufnr = buffer, name = 'ezrouter' })[1]
  return client and client.initialized and client or nil
end

--- Any client of ours.
---@return vim.lsp.Client?
function M.any()
  for _, client in ipairs(vim.lsp.get_clients({ name = 'ezrouter' })) do
    if client.initialized then
      return client
    end
  end
end

-- How long a server may take to start, and between two looks at whether it has.
local START_MS = 10000
local GLANCE_MS = 20

local NO_FILE = 'this buffer is no file, so no server serves it'

--- Calls `done` with the client of a buffer; starts the server if there is none. Says so if that does not work.
---@param buffer integer
---@param done fun(client: vim.lsp.Client)
function M.with(buffer, done)
  local client = M.of(buffer)
  if client then
    return done(client)
  end
  if vim.bo[buffer].buftype ~= '' then
    -- A window of ours, a terminal, a list: no server has it, but one may serve the rest.
    client = M.any()
    if client then
      return done(client)
    end
    return message.error(NO_FILE)
  end
  local problem = M.problem()
  if problem then
    return message.error(problem)
  end
  if not start(buffer) then
    return message.error('ezrouter-lsp could not be started: see `:checkhealth ezrouter`')
  end
  local waited = 0
  local function look()
    local started = M.of(buffer)
    if started then
      return done(started)
    end
    waited = waited + GLANCE_MS
    if START_MS < waited or #vim.lsp.get_clients({ bufnr = buffer, name = 'ezrouter', _uninitialized = true }) == 0 then
      return message.error('ezrouter-lsp did not start: see `:checkhealth ezrouter`')
    end
    vim.defer_fn(message.safe('start', look), GLANCE_MS)
  end
  look()
end

--- The same for what is about the text of the buffer: a server that has only other ones will not do.
---@param buffer integer
---@param done fun(client: vim.lsp.Client)
function M.with_text(buffer, done)
  M.with(buffer, function(client)
    if not client.attached_buffers[buffer] then
      return message.error(NO_FILE)
    end
    done(client)
  end)
end

--- Calls a method of a client in the manner of this Neovim.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param handler fun(err?: lsp.ResponseError, result: any)
---@param buffer integer
function M.request(client, method, params, handler, buffer)
  if is_new then
    return client:request(method, params, handler, buffer)
  end
  return client.request(method, params, handler, buffer)
end

--- Runs a command of the server. A refusal is told, and `done` is not called.
---@param client vim.lsp.Client
---@param command string
---@param argument table
---@param done? fun(result: any)
---@param refused? fun(problem: string)
function M.execute(client, command, argument, done, refused)
  local params = {
    command = command,
    arguments = { next(argument) and argument or vim.empty_dict() },
  }
  local buffer = next(client.attached_buffers) or 0
  local handler = message.safe(command, function(problem, result)
    if problem then
      message.error(problem.message or vim.inspect(problem))
      return refused and refused(problem.message)
    end
    return done and done(result)
  end)
  M.request(client, 'workspace/executeCommand', params, handler, buffer)
end

return M
