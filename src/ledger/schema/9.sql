-- What the calls of a run for an account came to on each day (UTC, in days since 1970), without those that are open: for the
-- history, which would have to read years of calls.
CREATE TABLE totals (
    run_number   INTEGER NOT NULL REFERENCES runs,
    account_id   INTEGER NOT NULL REFERENCES accounts,
    day          INTEGER NOT NULL,
    calls        INTEGER NOT NULL,      -- that were sent, or may have been
    withdrawn    INTEGER NOT NULL,      -- presumed ones included
    not_pending  INTEGER NOT NULL,
    failed       INTEGER NOT NULL,      -- every other outcome
    charged      INTEGER NOT NULL,
    possible     INTEGER NOT NULL,
    last_call_at INTEGER NOT NULL,
    PRIMARY KEY (run_number, account_id, day)
) STRICT, WITHOUT ROWID;

INSERT INTO totals
    SELECT run_number, account_id, COALESCE(ended_at, sent_at) / 86400000 AS day, SUM(state <> 3),
        COUNT(*) FILTER (WHERE outcome IN ('withdrawn', 'presumed_withdrawn')),
        COUNT(*) FILTER (WHERE outcome = 'not_pending'),
        COUNT(*) FILTER (WHERE outcome NOT IN ('withdrawn', 'presumed_withdrawn', 'not_pending')),
        SUM(credits_charged), SUM(credits_possible), MAX(COALESCE(ended_at, sent_at))
    FROM calls WHERE state <> 0 GROUP BY run_number, account_id, day;
