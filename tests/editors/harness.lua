-- What the tests need inside Neovim: what happened (progress, menus), and the steps that take Lua.
-- It sets no option and no handler that a user's Neovim would not have, except `vim.ui.select` while a menu is picked.

local H = { progress = {}, menu = nil, notify = vim.notify }
local builtin_select = vim.ui.select

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local value = event.data.params.value
    table.insert(H.progress, {
      client = vim.lsp.get_client_by_id(event.data.client_id).name,
      token = event.data.params.token,
      kind = value.kind,
      title = value.title,
      message = value.message,
    })
  end,
})

--- Serves every file by a second server, as people configure it in this Neovim.
function H.serve(name, command)
  if vim.lsp.enable then
    vim.lsp.config[name] = { cmd = command, root_markers = { '.git' } }
    return vim.lsp.enable(name)
  end
  vim.api.nvim_create_autocmd('FileType', {
    callback = function(event)
      if vim.bo[event.buf].buftype == '' then
        vim.lsp.start({ name = name, cmd = command, root_dir = vim.fs.root(event.buf, '.git') }, { bufnr = event.buf })
      end
    end,
  })
end

local function titles(items, options)
  return vim.tbl_map(options.format_item or tostring, items)
end

--- The next menu is recorded; its first title that begins with `prefix` is chosen, or none when that is empty.
function H.choose(prefix)
  H.menu = nil
  vim.ui.select = function(items, options, on_choice)
    vim.ui.select = H.answers or builtin_select
    H.menu = titles(items, options)
    for index, title in ipairs(H.menu) do
      if prefix ~= '' and vim.startswith(title, prefix) then
        return on_choice(items[index], index)
      end
    end
    on_choice(nil, nil)
  end
end

--- What is asked behind the next menu is noted, and answered with the choice of this number.
function H.answer(number)
  H.answers = function(items, options, on_choice)
    vim.ui.select, H.answers = builtin_select, nil
    H.question = { prompt = options.prompt, titles = titles(items, options) }
    on_choice(items[number], number)
  end
end

--- The next menu is Neovim's own, on the screen; its titles go to the file `path` before it opens.
function H.write_menu(path)
  vim.ui.select = function(items, options, on_choice)
    vim.ui.select = builtin_select
    vim.fn.writefile(titles(items, options), path)
    builtin_select(items, options, on_choice)
  end
end

--- The client called `name` of the current buffer, once it can be talked to.
function H.client(name)
  local client = vim.lsp.get_clients({ bufnr = 0, name = name })[1]
  return client and client.initialized and client or nil
end

--- The answer to one request, in the manner of this Neovim: `{ result = }` or `{ err = }`, or nothing and why.
function H.ask(client, method, params)
  -- By its number: for buffer 0 Neovim 0.11 does not tell pending changes first.
  local buffer = vim.api.nvim_get_current_buf()
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request_sync(method, params, 3000, buffer)
  end
  return client.request_sync(method, params, 3000, buffer)
end

--- The answer to one command of our server: `{ result = }` or `{ err = }`.
function H.execute(command, argument)
  local client = H.client('ezrouter')
  local params = { command = command, arguments = { argument } }
  local answer, failure = H.ask(client, 'workspace/executeCommand', params)
  return answer or { err = { message = failure } }
end

--- What the status-line item of a progress does when it is clicked.
function H.cancel_progress(token)
  local client = H.client('ezrouter')
  local params = { token = token }
  if vim.fn.has('nvim-0.11') == 1 then
    client:notify('window/workDoneProgress/cancel', params)
  else
    client.notify('window/workDoneProgress/cancel', params)
  end
end

--- The text of the current buffer as the second server has it.
function H.second_text()
  local params = { uri = vim.uri_from_bufnr(0) }
  return H.ask(H.client('second'), 'second/text', params).result
end

--- The texts of all windows.
function H.texts()
  return vim.tbl_map(function(window)
    local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true)
    return table.concat(lines, '\n') .. '\n'
  end, vim.api.nvim_list_wins())
end

local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      return window
    end
  end
end

--- The text of the hover window, if one is open.
function H.float_text()
  local window = float()
  if window then
    return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true), '\n')
  end
end

--- Closes the hover window, so that the next hover opens a new one.
function H.close_float()
  local window = float()
  if window then
    vim.api.nvim_win_close(window, true)
  end
end

_G.H = H
