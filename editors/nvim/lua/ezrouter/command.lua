--- `:Ezrouter` and its subcommands: what each is given, what it completes, and which command of the server it runs. How
--- answers and rewrites then show is decided elsewhere.

local answer = require('ezrouter.answer')
local client_of = require('ezrouter.client')
local jobs = require('ezrouter.job')
local message = require('ezrouter.message')
local place = require('ezrouter.place')
local review = require('ezrouter.review')
local start_job = require('ezrouter.start')
local verdict = require('ezrouter.verdict')
local view = require('ezrouter.view')

local api = vim.api

local M = {}

local highlight = api.nvim_create_namespace('ezrouter.prompt')

--- Asks the person for words; the text that they are about stays marked meanwhile.
---@param prompt string
---@param mark ezrouter.Mark
---@param done fun(words: string)
local function ask_for_words(prompt, mark, done)
  local first_row, first_column, last_row, last_column = place.read(mark)
  pcall(api.nvim_buf_set_extmark, mark.buffer, highlight, first_row, first_column, {
    end_row = last_row,
    end_col = last_column,
    hl_group = 'Visual',
  })
  vim.cmd.redraw()
  vim.ui.input(
    { prompt = prompt },
    message.safe('prompt', function(words)
      if api.nvim_buf_is_valid(mark.buffer) then
        api.nvim_buf_clear_namespace(mark.buffer, highlight, 0, -1)
      end
      words = words and vim.trim(words) or ''
      if words ~= '' then
        return done(words)
      end
      place.forget(mark)
    end)
  )
end

--- Asks about a place of the current buffer, or has it rewritten; without words it asks for them.
---@param kind ezrouter.Kind
---@param where integer[] First row and column, last row and column.
---@param words? string
function M.prompt(kind, where, words)
  local buffer = api.nvim_get_current_buf()
  if kind == 'rewrite' and not vim.bo[buffer].modifiable then
    return message.error("this buffer cannot be changed ('modifiable' is off)")
  end
  client_of.with_text(buffer, function(client)
    local mark = place.mark(buffer, unpack(where))
    local function go(text)
      local name = kind == 'ask' and 'question' or 'instruction'
      start_job.job(client, kind, mark, { [name] = text })
    end
    if words and words ~= '' then
      return go(words)
    end
    ask_for_words(kind == 'ask' and 'Ask: ' or 'Rewrite: ', mark, go)
  end)
end

--- The lines of a range, the whole buffer for a question without one, and the cursor for a rewrite without one.
---@param kind ezrouter.Kind
---@param options vim.api.keyset.create_user_command.command_args
---@return integer[]
local function where(kind, options)
  local first, last = options.line1, options.line2
  if options.range == 0 and kind == 'ask' then
    first, last = 1, api.nvim_buf_line_count(0)
  elseif options.range == 0 then
    local row, column = unpack(api.nvim_win_get_cursor(0))
    return { row - 1, column, row - 1, column }
  end
  local line = api.nvim_buf_get_lines(0, last - 1, last, false)[1] or ''
  return { first - 1, 0, last - 1, #line }
end

---@param kind ezrouter.Kind
local function start(kind)
  return function(words, options)
    local thread = answer.of(api.nvim_get_current_buf())
    if thread and kind == 'ask' then
      return answer.follow_up(thread, words)
    end
    M.prompt(kind, where(kind, options), words)
  end
end

local function stop(words)
  if words == 'here' then
    local job = jobs.meant(jobs.is_running)
    return job and verdict.about(job, 'ezrouter.cancel') or message.tell('nothing runs here')
  end
  if #jobs.select(jobs.is_running) == 0 then
    return message.tell('nothing runs')
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'ezrouter' })) do
    client_of.execute(client, 'ezrouter.cancel', {})
  end
end

--- A command about the job that is meant, with the words as `name`.
---@param command string
---@param fits fun(job: ezrouter.Job): boolean
---@param missing string
---@param name? string
local function on_job(command, fits, missing, name)
  return function(words)
    local job = jobs.meant(fits) or jobs.select(fits)[1]
    if not job then
      return message.error(missing)
    end
    verdict.about(job, command, name and words ~= '' and { [name] = words } or nil)
  end
end

--- A command about the current document.
---@param command string
---@param done? fun(result: any)
local function on_document(command, done)
  return function()
    local buffer = api.nvim_get_current_buf()
    client_of.with(buffer, function(client)
      client_of.execute(client, command, { uri = vim.uri_from_bufnr(buffer) }, done)
    end)
  end
end

--- What the catalog held when it was last asked for, for completion.
---@type string[]
local models = {}

--- The ids in the catalog that the server gives.
---@param result any
---@return string[]
local function ids(result)
  local catalog = type(result) == 'table' and type(result.models) == 'table' and result.models or {}
  return vim
    .iter(ipairs(catalog))
    :map(function(_, one)
      return type(one) == 'table' and type(one.id) == 'string' and one.id or nil
    end)
    :totable()
end

---@param client vim.lsp.Client
---@param model string
local function select_model(client, model)
  client_of.execute(client, 'ezrouter.selectModel', { model = model }, function(result)
    message.tell(result.message or ('%s answers from now on'):format(result.model))
  end)
end

local function model(words)
  client_of.with(api.nvim_get_current_buf(), function(client)
    if words ~= '' then
      return select_model(client, words)
    end
    client_of.execute(client, 'ezrouter.models', {}, function(result)
      models = ids(result)
      if #models == 0 then
        return message.tell('the catalog is not known yet; name a model: :Ezrouter model ID', vim.log.levels.WARN)
      end
      vim.ui.select(
        models,
        {
          prompt = ('Model (now %s)'):format(result.model),
        },
        message.safe('model', function(choice)
          if choice then
            select_model(client, choice)
          end
        end)
      )
    end)
  end)
end

--- The ids of the catalog; asked for once, and for a moment only, because the person waits at the command line.
---@return string[]
local function known_models()
  local client = client_of.of(api.nvim_get_current_buf()) or client_of.any()
  if #models == 0 and client then
    client_of.request(
      client,
      'workspace/executeCommand',
      { command = 'ezrouter.models', arguments = { vim.empty_dict() } },
      function(_, result)
        models = ids(result)
      end,
      0
    )
    vim.wait(300, function()
      return 0 < #models
    end, 10)
  end
  return models
end

local function usage(result)
  local rows = { { 'day', 'model', 'requests', 'in', 'cached', 'out' } }
  for _, day in ipairs(result) do
    table.insert(rows, {
      tostring(day.day),
      tostring(day.model),
      tostring(day.requests or ''),
      tostring(day.input or 0),
      tostring(day.cached or 0),
      tostring(day.output or 0),
    })
  end
  local widths = {}
  for _, row in ipairs(rows) do
    for column, cell in ipairs(row) do
      widths[column] = math.max(widths[column] or 0, #cell)
    end
  end
  local lines = vim.tbl_map(function(row)
    local cells = {}
    for column, cell in ipairs(row) do
      local gap = (' '):rep(widths[column] - #cell)
      table.insert(cells, column <= 2 and cell .. gap or gap .. cell)
    end
    return table.concat(cells, '  ')
  end, rows)
  if #rows == 1 then
    lines = { 'Nothing was used yet.' }
  end
  view.show('Usage in tokens', lines, 'text')
end

local function request(words, options)
  local kind, rest = words:match('^(%a+)%s*(.*)$')
  if kind ~= 'ask' and kind ~= 'rewrite' then
    kind, rest = 'ask', words
  end
  local buffer = api.nvim_get_current_buf()
  client_of.with_text(buffer, function(client)
    local mark = place.mark(buffer, unpack(where(kind, options)))
    local argument = {
      uri = vim.uri_from_bufnr(buffer),
      range = place.range(mark, client.offset_encoding),
      kind = kind,
      [kind == 'ask' and 'question' or 'instruction'] = rest ~= '' and rest or nil,
    }
    place.forget(mark)
    client_of.execute(client, 'ezrouter.showRequest', argument)
  end)
end

local function show_answer()
  local thread = answer.meant()
  if not thread then
    return message.error('there is no answer to show here')
  end
  answer.open(thread, true)
end

local function dismiss()
  local thread = answer.meant()
  if not thread then
    return message.error('there is no answer to dismiss here')
  end
  answer.dismiss(thread)
end

local function status()
  client_of.with(api.nvim_get_current_buf(), function(client)
    client_of.execute(client, 'ezrouter.status', {}, function(result)
      view.show('Status', vim.split(vim.inspect(result), '\n'), 'text')
    end)
  end)
end

local function messages()
  local lines = {}
  for _, one in ipairs(message.history) do
    vim.list_extend(lines, vim.split(('%s  %s'):format(one.time, one.text), '\n'))
  end
  view.show('Messages', #lines == 0 and { 'Nothing was said yet.' } or lines, 'text')
end

--- Goes to the next or previous change that waits for review.
---@param direction 1|-1
local function jump(direction)
  return function()
    local rows = review.places(api.nvim_get_current_buf())
    local row = api.nvim_win_get_cursor(0)[1] - 1
    local target
    for index = 1, #rows do
      local one = rows[0 < direction and index or #rows + 1 - index]
      if 0 < (one - row) * direction then
        target = one
        break
      end
    end
    target = target or rows[0 < direction and 1 or #rows]
    if not target then
      return message.tell('nothing waits for review in this buffer')
    end
    vim.cmd.normal({ "m'", bang = true })
    api.nvim_win_set_cursor(0, { target + 1, 0 })
  end
end

local function actions()
  vim.lsp.buf.code_action({
    filter = function(action)
      local command = type(action.command) == 'table' and action.command.command or action.command
      return type(command) == 'string' and vim.startswith(command, 'ezrouter.')
    end,
  })
end

local function is_any(_)
  return true
end

--- What each subcommand does with the words behind it and the options of the command, and what may stand behind it.
---@type table<string, { run: fun(words: string, options: table), words?: fun(): string[] }>
local subcommands = {
  accept = {
    run = verdict.judge('ezrouter.accept'),
    words = function()
      return { 'all', 'hunk' }
    end,
  },
  actions = { run = actions },
  answer = { run = show_answer },
  apply = {
    run = on_job('ezrouter.apply', function(job)
      return job.parked
    end, 'there is no result to apply here'),
  },
  ask = { run = start('ask') },
  chat = { run = on_document('ezrouter.openConversation') },
  diff = {
    run = on_job('ezrouter.showDiff', function(job)
      return job.kind == 'rewrite'
    end, 'there is no rewrite to show here'),
  },
  dismiss = { run = dismiss },
  messages = { run = messages },
  model = { run = model, words = known_models },
  new = {
    run = on_document('ezrouter.newConversation', function()
      message.tell('a new conversation begins')
    end),
  },
  next = { run = jump(1) },
  previous = { run = jump(-1) },
  reject = {
    run = verdict.judge('ezrouter.reject'),
    words = function()
      return { 'all', 'hunk' }
    end,
  },
  request = {
    run = request,
    words = function()
      return { 'ask', 'rewrite' }
    end,
  },
  retry = { run = on_job('ezrouter.retry', is_any, 'there is nothing to try again here', 'instruction') },
  rewrite = { run = start('rewrite') },
  send = { run = on_document('ezrouter.send') },
  status = { run = status },
  stop = {
    run = stop,
    words = function()
      return { 'here' }
    end,
  },
  usage = { run = on_document('ezrouter.usage', usage) },
}

---@return string[]
local function names()
  local all = vim.tbl_keys(subcommands)
  table.sort(all)
  return all
end

--- Runs `:Ezrouter`.
---@param options vim.api.keyset.create_user_command.command_args
function M.run(options)
  local name, words = options.args:match('^(%S+)%s*(.-)%s*$')
  if not name then
    return vim.ui.select(names(), { prompt = 'ezrouter' }, function(choice)
      if choice then
        subcommands[choice].run('', options)
      end
    end)
  end
  local subcommand = subcommands[name]
  if not subcommand then
    return message.error(('there is no `:Ezrouter %s`; there are: %s'):format(name, table.concat(names(), ', ')))
  end
  subcommand.run(words, options)
end

--- Completes `:Ezrouter`.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local name = line:match('Ezr%a*%s+(%S+)%s')
  local candidates = names()
  if name then
    local subcommand = subcommands[name]
    candidates = subcommand and subcommand.words and subcommand.words() or {}
  end
  return vim.tbl_filter(function(candidate)
    return vim.startswith(candidate, lead)
  end, candidates)
end

return M
