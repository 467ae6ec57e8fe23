-- What the tests need inside Neovim: what happened (progress, menus), and the steps that take Lua.
-- It sets no option and no handler that a user's Neovim would not have, except `vim.ui.select` while a menu is picked.

local H = { progress = {}, menu = nil }
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

local function titles(items, options)
  return vim.tbl_map(options.format_item or tostring, items)
end

--- The next menu is recorded; its first title that begins with `prefix` is chosen, or none when that is empty.
function H.choose(prefix)
  H.menu = nil
  vim.ui.select = function(items, options, on_choice)
    vim.ui.select = builtin_select
    H.menu = titles(items, options)
    for index, title in ipairs(H.menu) do
      if prefix ~= '' and vim.startswith(title, prefix) then
        return on_choice(items[index], index)
      end
    end
    on_choice(nil, nil)
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

--- The answer to one command of our server: `{ result = }` or `{ err = }`.
function H.execute(command, argument)
  local client = H.client('ezrouter')
  local params = { command = command, arguments = { argument } }
  local answer, failure = client:request_sync('workspace/executeCommand', params, 3000, 0)
  return answer or { err = { message = failure } }
end

--- What the status-line item of a progress does when it is clicked.
function H.cancel_progress(token)
  H.client('ezrouter'):notify('window/workDoneProgress/cancel', { token = token })
end

--- The text of the current buffer as the second server has it.
function H.second_text()
  local params = { uri = vim.uri_from_bufnr(0) }
  return H.client('second'):request_sync('second/text', params, 3000, 0).result
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
