---@meta

--- Types that more than one module uses. Nothing loads this file; the Lua language server reads it.

--- The options in force.
---@class ezrouter.Config
---@field cmd string[] How the server is started.
---@field root_markers string[] What names the root of a project; the first one found upwards counts.
---@field settings table Settings of the server, the keys that `ezrouter-lsp schema` describes.
---@field answer ezrouter.AnswerConfig
---@field review ezrouter.ReviewConfig

---@class ezrouter.AnswerConfig
---@field focus boolean Whether the cursor goes into the window of an answer.
---@field border string|string[] As `nvim_open_win()` takes it.
---@field width integer The most columns.
---@field height number The most lines; below 1 a part of the screen.
---@field keys ezrouter.AnswerKeys Keys inside the window.

---@class ezrouter.AnswerKeys
---@field close string[]
---@field follow_up string[]
---@field stop string[]

---@class ezrouter.ReviewConfig
---@field signs boolean Signs beside new lines until they are accepted.
---@field lines boolean A background for new lines until they are accepted.
---@field deleted boolean The lines that went, as virtual lines, until the rewrite is accepted.
---@field hints boolean Words at the end of the first line: how far it has come, and what can be done.
---@field signcolumn table<'add'|'change'|'delete'|'busy', string> What the signs are.

--- What `setup` and `vim.g.ezrouter` take: what is left out is as `ezrouter.config` says.
---@class ezrouter.Options
---@field cmd? string[]
---@field root_markers? string[]
---@field settings? table
---@field answer? ezrouter.AnswerOptions
---@field review? ezrouter.ReviewOptions

---@class ezrouter.AnswerOptions
---@field focus? boolean
---@field border? string|string[]
---@field width? integer
---@field height? number
---@field keys? { close?: string[], follow_up?: string[], stop?: string[] }

---@class ezrouter.ReviewOptions
---@field signs? boolean
---@field lines? boolean
---@field deleted? boolean
---@field hints? boolean
---@field signcolumn? { add?: string, change?: string, delete?: string, busy?: string }

---@alias ezrouter.Kind 'ask'|'rewrite'
---@alias ezrouter.State 'waiting'|'thinking'|'streaming'|'pending'|'done'|'cancelled'|'failed'

--- What the server is doing, has done, or waits to be told about.
---@class ezrouter.Job
---@field id string
---@field kind ezrouter.Kind
---@field uri string
---@field buffer? integer
---@field client integer
---@field order integer When the server told of it, as an order among all jobs.
---@field state ezrouter.State
---@field parked boolean The result is not, or not wholly, in the document.
---@field message? string
---@field title? string
---@field progress? string The last progress message.
---@field usage? table
---@field region? ezrouter.Mark The lines that it is about.
---@field base? string[] The lines as they were before its first edit, without accepted hunks.
---@field written? string[] The lines as its last edit left them.
---@field touched? boolean Whether somebody else has changed them since.
---@field change? integer The number of the undo entry that holds its edits.
---@field interleaved? boolean Whether its edits are in more than one undo entry.
---@field ended? integer When its generation ended, as an order among the jobs of a buffer.
---@field answered? boolean Whether something of an answer has come.
---@field thread? ezrouter.Thread The window that shows the answer.

--- A window with an answer and its follow-ups.
---@class ezrouter.Thread
---@field buffer integer
---@field window? integer
---@field origin integer The buffer that is asked about.
---@field uri string
---@field client integer
---@field region? ezrouter.Mark The text that is asked about.
---@field title? string The newest question.
---@field jobs string[] Oldest first.
---@field follow boolean Whether the window stays at the end of the text.
---@field line? integer The line of the cursor when that was last seen.
---@field due? boolean Whether the window is about to be drawn anew.

--- A place that moves with the text: two extmarks.
---@class ezrouter.Mark
---@field buffer integer
---@field first integer
---@field last integer
---@field empty? boolean Whether it is to be no line at all, which two extmarks cannot say.

---@class ezrouter.Position
---@field line integer
---@field character integer

---@class ezrouter.Range
---@field start ezrouter.Position
---@field end ezrouter.Position

---@class ezrouter.JobParams
---@field job string
---@field kind ezrouter.Kind
---@field uri string
---@field range? ezrouter.Range
---@field state ezrouter.State
---@field parked? boolean
---@field message? string
---@field usage? table

---@class ezrouter.AnswerParams
---@field job string
---@field uri string
---@field range? ezrouter.Range
---@field delta string
---@field done boolean

---@class ezrouter.EditParams
---@field job string
---@field seq integer
---@field phase 'first'|'next'|'last'|'rewind'
---@field edit { textDocument: { uri: string, version?: integer }, edits: { range: ezrouter.Range, newText: string }[] }
