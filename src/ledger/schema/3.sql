-- What the calls of each API address have shown its rate limit to be, where that is less than the configured rate.
CREATE TABLE pace (
    api        TEXT PRIMARY KEY,
    calls      REAL NOT NULL,
    window_ms  INTEGER NOT NULL,
    certainty  INTEGER NOT NULL,        -- 0 a guess, 1 near, 2 confirmed
    rest       INTEGER NOT NULL,        -- windows without a refusal before it is tried to raise it
    learned_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
