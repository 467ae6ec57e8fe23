std = 'luajit'
read_globals = { 'vim' }
-- Options and variables of buffers are fields of it.
globals = { 'vim.bo', 'vim.wo', 'vim.o', 'vim.g', 'vim.opt' }
max_line_length = 126
max_code_line_length = 120
max_cyclomatic_complexity = 14
