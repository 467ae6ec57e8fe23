-- The first version of the tables.

-- `first` is where the window begins: the number of its first turn. `alone`: it holds one question that carried no past.
CREATE TABLE conversations (
    id TEXT NOT NULL UNIQUE,
    workspace TEXT NOT NULL,
    alone INTEGER NOT NULL,
    title TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX conversations_of_workspace ON conversations (workspace, updated);

-- Numbered in the order in which they were written, no number twice; `name` is what the server calls the turn,
-- `document` the URI that it is about. `outside`: left out of the window for good. Times are
-- milliseconds since 1970 (UTC), lines are counted from 1, tokens that the gateway did not tell are NULL.
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name INTEGER NOT NULL UNIQUE,
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    document TEXT NOT NULL,
    outside INTEGER NOT NULL DEFAULT 0,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    path TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    model TEXT NOT NULL,
    surface TEXT NOT NULL,
    time INTEGER NOT NULL,
    input INTEGER,
    cached INTEGER,
    written INTEGER,
    output INTEGER,
    estimated INTEGER,
    seconds INTEGER NOT NULL
);
CREATE INDEX turns_of_conversation ON turns (conversation, id);
CREATE INDEX turns_by_time ON turns (time);

-- `day` is that of the user's own clock; `estimated` is the number of requests whose tokens are a guess.
CREATE TABLE usage (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    written INTEGER NOT NULL,
    output INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    PRIMARY KEY (day, model)
) WITHOUT ROWID;
