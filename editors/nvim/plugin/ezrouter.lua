-- Defines `:Ezrouter` and the `<Plug>` mappings. Nothing else is loaded before one of them is used, and no key is taken.

if vim.g.loaded_ezrouter then
  return
end
vim.g.loaded_ezrouter = true

if vim.fn.has('nvim-0.10') == 0 then
  vim.notify('ezrouter needs Neovim 0.10 or newer', vim.log.levels.WARN)
  return
end

vim.api.nvim_create_user_command('Ezrouter', function(options)
  require('ezrouter.command').run(options)
end, {
  nargs = '*',
  range = true,
  desc = 'Ask about text, have it rewritten, and review what came',
  complete = function(lead, line)
    return require('ezrouter.command').complete(lead, line)
  end,
})

--- One mapping for each subcommand that needs no words; ask and rewrite are operators in normal mode.
for _, name in ipairs({ 'ask', 'rewrite' }) do
  vim.keymap.set('n', ('<Plug>(ezrouter-%s)'):format(name), function()
    return require('ezrouter.operator').start(name)
  end, { expr = true, desc = ('ezrouter: %s about what the motion covers'):format(name) })
  vim.keymap.set('n', ('<Plug>(ezrouter-%s-line)'):format(name), function()
    return require('ezrouter.operator').start(name) .. '_'
  end, { expr = true, desc = ('ezrouter: %s about the line'):format(name) })
  vim.keymap.set('x', ('<Plug>(ezrouter-%s)'):format(name), function()
    require('ezrouter.operator').selection(name)
  end, { desc = ('ezrouter: %s about the selection'):format(name) })
end

for name, arguments in pairs({
  ['accept'] = 'accept',
  ['accept-hunk'] = 'accept hunk',
  ['reject'] = 'reject',
  ['reject-hunk'] = 'reject hunk',
  ['stop'] = 'stop',
  ['retry'] = 'retry',
  ['diff'] = 'diff',
  ['answer'] = 'answer',
  ['dismiss'] = 'dismiss',
  ['chat'] = 'chat',
  ['send'] = 'send',
  ['model'] = 'model',
  ['usage'] = 'usage',
  ['request'] = 'request',
  ['status'] = 'status',
  ['next'] = 'next',
  ['previous'] = 'previous',
}) do
  vim.keymap.set('n', ('<Plug>(ezrouter-%s)'):format(name), function()
    vim.cmd.Ezrouter(arguments)
  end, { desc = 'ezrouter: ' .. arguments })
end
