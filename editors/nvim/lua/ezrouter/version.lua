--- The versions of buffers in Neovim 0.10. That forgets the version of a buffer, and counts from 0 again, when a server that
--- was slow to start opens it: our server then knows a later one, and its edits would be refused as made for another text.
--- Neovim 0.11 counts on, which is what is done here.

local M = {}

local versions = vim.lsp.util.buf_versions

--- The version of each buffer that our server has, as our server knows it.
---@type table<integer, integer>
local known = {}

---@param buffer integer
local function watch(buffer)
  vim.api.nvim_buf_attach(buffer, false, {
    on_lines = function(_, _, tick)
      known[buffer] = tick
    end,
    -- It is opened anew, for every server.
    on_reload = function()
      known[buffer] = 0
    end,
    on_detach = function()
      known[buffer] = nil
    end,
  })
end

--- Has Neovim 0.10 keep the version of each buffer that our server has; does nothing in a newer one, and nothing twice.
function M.keep()
  if vim.fn.has('nvim-0.11') == 1 then
    return
  end
  vim.api.nvim_create_autocmd('LspAttach', {
    group = vim.api.nvim_create_augroup('ezrouter.version', {}),
    desc = 'Keeps the version of a buffer when another server opens it',
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == 'ezrouter' then
        if not known[event.buf] then
          watch(event.buf)
        end
        known[event.buf] = 0
      elseif known[event.buf] then
        versions[event.buf] = known[event.buf]
      end
    end,
  })
end

return M
