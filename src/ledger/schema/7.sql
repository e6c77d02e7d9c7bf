-- Where lists have shown that an invitation is not what was known of it, or ended a doubt.
CREATE TABLE differences (
    account_id    INTEGER NOT NULL REFERENCES accounts,
    invitation_id TEXT NOT NULL,
    at            INTEGER NOT NULL,     -- when the list's first page was asked for
    run_number    INTEGER NOT NULL REFERENCES runs,
    believed      TEXT NOT NULL,        -- the outcome before
    outcome       TEXT,                 -- the one since, of what was not on the list; null of what was, and is tried again
    PRIMARY KEY (account_id, invitation_id, at)
) STRICT, WITHOUT ROWID;

-- When what is open of it was first called for: since then the account's name may have got another login.
ALTER TABLE known ADD COLUMN first_at INTEGER NOT NULL DEFAULT 0;
UPDATE known SET first_at = calls.first_at
    FROM (
        SELECT account_id, invitation_id, MIN(sent_at) AS first_at FROM calls
        WHERE invitation_id IS NOT NULL GROUP BY account_id, invitation_id
    ) AS calls
    WHERE calls.account_id = known.account_id AND calls.invitation_id = known.invitation_id;

-- Whether a list settled it, by not showing it.
ALTER TABLE known ADD COLUMN by_list INTEGER NOT NULL DEFAULT 0 CHECK (by_list IN (0, 1));
