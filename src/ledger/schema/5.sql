-- Who the lists showed as pending.
CREATE TABLE listed (
    account_id    INTEGER NOT NULL REFERENCES accounts,
    invitation_id TEXT NOT NULL,
    type          INTEGER NOT NULL,     -- 0 connection, 1 organization, 2 content_series
    name          TEXT NOT NULL,        -- this and the address are empty where no list gave them
    profile_url   TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,     -- when the page was asked for that first showed it
    last_seen_at  INTEGER NOT NULL,     -- the same of the last one
    login         INTEGER,              -- lists that show one invitation in common are of one login; null where that is unclear
    PRIMARY KEY (account_id, invitation_id)
) STRICT, WITHOUT ROWID;

-- When the first page of the last list was asked for that was read whole: who was last seen before was not on it.
CREATE TABLE whole_lists (
    account_id INTEGER NOT NULL REFERENCES accounts,
    type       INTEGER NOT NULL,
    began_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, type)
) STRICT, WITHOUT ROWID;

DROP VIEW bill;
CREATE VIEW bill AS
    SELECT datetime(sent_at / 1000, 'unixepoch') AS sent_at, api, account,
        CASE kind WHEN 0 THEN 'withdraw' WHEN 1 THEN 'list' WHEN 2 THEN 'balance' WHEN 3 THEN 'key' WHEN 4 THEN 'account'
            END AS kind, invitation_id,
        CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'answered' WHEN 2 THEN 'answer_lost' WHEN 3 THEN 'not_sent'
            END AS state,
        credits_charged, credits_possible, outcome
    FROM calls JOIN accounts ON accounts.id = account_id;

-- For people: the last word on each invitation, and who it was for.
DROP VIEW invitations;
CREATE VIEW invitations AS
    SELECT api, account, invitation_id, outcome, datetime(at / 1000, 'unixepoch') AS settled_at, answer_lost, name,
        profile_url
    FROM known JOIN accounts ON accounts.id = account_id LEFT JOIN listed USING (account_id, invitation_id);
