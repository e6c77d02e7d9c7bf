-- Every call that may cost a credit. Rows are added in the order in which calls are sent, and changed when the answer is
-- there. One that is open without a run behind it is a lost answer.
CREATE TABLE calls (
    call             INTEGER PRIMARY KEY,
    run_number       INTEGER NOT NULL REFERENCES runs,
    account_id       INTEGER NOT NULL REFERENCES accounts,
    kind             INTEGER NOT NULL,  -- 0 withdraw, 1 list, 2 balance
    invitation_id    TEXT,              -- of a withdrawal, unless it was forgotten
    sent_at          INTEGER NOT NULL,  -- Unix time in milliseconds, as every time here
    ended_at         INTEGER,
    state            INTEGER NOT NULL,  -- 0 open, 1 answered, 2 answer lost, 3 not sent
    credits_charged  INTEGER NOT NULL,
    credits_possible INTEGER NOT NULL,
    http_status      INTEGER,
    outcome          TEXT,              -- of the row that this call settled
    attempts         INTEGER,
    detail           TEXT
) STRICT;

-- What is known of each invitation that was called for, in one row.
CREATE TABLE known (
    account_id    INTEGER NOT NULL REFERENCES accounts,
    invitation_id TEXT NOT NULL,
    outcome       TEXT,                 -- the final one if there is one, else the last one; none after a crash
    is_final      INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    at            INTEGER NOT NULL,     -- when the outcome was settled
    answer_lost   INTEGER NOT NULL CHECK (answer_lost IN (0, 1)), -- and nothing since says what became of that call
    PRIMARY KEY (account_id, invitation_id)
) STRICT, WITHOUT ROWID;

-- Of a run that has the lock: all calls before this one are settled or known to be lost. Null without the lock.
ALTER TABLE runs ADD COLUMN first_call INTEGER;

INSERT INTO calls (run_number, account_id, kind, invitation_id, sent_at, ended_at, state, credits_charged,
        credits_possible, http_status, outcome, attempts, detail)
    SELECT run_number, account_id, 0, invitation_id, millis, millis, 1 + (outcome = 'unconfirmed'), credits_charged,
        credits_possible, http_status, outcome, attempts, detail
    FROM (SELECT *, unixepoch(settled_at) * 1000 + substr(settled_at, 21, 3) AS millis FROM settlements)
    ORDER BY millis, settlement;

INSERT INTO calls (run_number, account_id, kind, invitation_id, sent_at, state, credits_charged, credits_possible)
    SELECT run_number, account_id, 0, invitation_id, unixepoch(intended_at) * 1000 + substr(intended_at, 21, 3), 2, 0, 1 + answer_lost
    FROM intents ORDER BY intended_at;

INSERT INTO known
    SELECT account_id, invitation_id, outcome, is_final, unixepoch(settled_at) * 1000 + substr(settled_at, 21, 3),
        last_word = 'unconfirmed'
    FROM (
        SELECT account_id, invitation_id, outcome, is_final, settled_at,
            ROW_NUMBER() OVER (PARTITION BY account_id, invitation_id ORDER BY is_final DESC, settlement DESC) AS rank,
            -- The newest outcome that takes lost answers into account.
            COALESCE(FIRST_VALUE(outcome) OVER (PARTITION BY account_id, invitation_id
                ORDER BY is_final OR outcome = 'unconfirmed' DESC, settlement DESC), '') AS last_word
        FROM (
            SELECT *, outcome IN ('withdrawn', 'presumed_withdrawn', 'not_pending') AS is_final FROM settlements
        )
    ) WHERE rank = 1;

INSERT INTO known
    SELECT account_id, invitation_id, NULL, 0, unixepoch(intended_at) * 1000 + substr(intended_at, 21, 3), 1
    FROM intents WHERE true
    ON CONFLICT DO UPDATE SET answer_lost = 1;

DROP VIEW invitations;
DROP TABLE settlements;
DROP TABLE intents;

-- For people: the last word on each invitation, and the bill.
CREATE VIEW invitations AS
    SELECT api, account, invitation_id, outcome, datetime(at / 1000, 'unixepoch') AS settled_at, answer_lost
    FROM known JOIN accounts ON accounts.id = account_id;

CREATE VIEW bill AS
    SELECT datetime(sent_at / 1000, 'unixepoch') AS sent_at, api, account,
        CASE kind WHEN 0 THEN 'withdraw' WHEN 1 THEN 'list' WHEN 2 THEN 'balance' END AS kind, invitation_id,
        CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'answered' WHEN 2 THEN 'answer_lost' WHEN 3 THEN 'not_sent'
            END AS state,
        credits_charged, credits_possible, outcome
    FROM calls JOIN accounts ON accounts.id = account_id;
