CREATE TABLE accounts (
    id      INTEGER PRIMARY KEY,
    api     TEXT NOT NULL,
    account TEXT NOT NULL,
    UNIQUE (api, account)
) STRICT;

CREATE TABLE runs (
    number     INTEGER PRIMARY KEY,
    run_id     TEXT NOT NULL UNIQUE,
    command    TEXT NOT NULL,
    api        TEXT NOT NULL,
    started_at TEXT NOT NULL,
    process_id INTEGER NOT NULL
) STRICT;

-- What calls came to. Rows are added and forgotten, never changed.
CREATE TABLE settlements (
    account_id       INTEGER NOT NULL REFERENCES accounts,
    invitation_id    TEXT NOT NULL,
    settlement       INTEGER NOT NULL, -- 1 for an invitation's first, then 2, 3, ...
    settled_at       TEXT NOT NULL,    -- RFC 3339 UTC, as every time here
    outcome          TEXT NOT NULL CHECK (outcome IN ('withdrawn', 'presumed_withdrawn', 'not_pending',
                         'not_found', 'unconfirmed', 'rejected', 'rate_limited', 'failed')),
    detail           TEXT NOT NULL,
    http_status      INTEGER,
    attempts         INTEGER NOT NULL,
    credits_charged  INTEGER NOT NULL,
    credits_possible INTEGER NOT NULL,
    run_number       INTEGER NOT NULL REFERENCES runs,
    PRIMARY KEY (account_id, invitation_id, settlement)
) STRICT, WITHOUT ROWID;

-- Calls that may have left and are not settled. One without a run behind it is a lost answer.
CREATE TABLE intents (
    account_id    INTEGER NOT NULL REFERENCES accounts,
    invitation_id TEXT NOT NULL,
    intended_at   TEXT NOT NULL,
    answer_lost   INTEGER NOT NULL CHECK (answer_lost IN (0, 1)), -- whether that of an earlier call surely is
    run_number    INTEGER NOT NULL REFERENCES runs,
    PRIMARY KEY (account_id, invitation_id)
) STRICT, WITHOUT ROWID;

-- For people: the last word on each invitation.
CREATE VIEW invitations AS
SELECT api, account, invitation_id, outcome, detail, settled_at, settlement AS times_settled
FROM settlements AS word
JOIN accounts ON accounts.id = word.account_id
WHERE settlement = (
    SELECT MAX(settlement) FROM settlements
    WHERE account_id = word.account_id AND invitation_id = word.invitation_id
);
