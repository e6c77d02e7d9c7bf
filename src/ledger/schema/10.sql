-- The totals are those of the calls before the newest `first_call` from now on, which each run has, and before which no call
-- is open: a call changes one page less of the file when it ends.
CREATE INDEX runs_by_first_call ON runs (first_call);
DELETE FROM totals;
INSERT INTO totals
    SELECT run_number, account_id, COALESCE(ended_at, sent_at) / 86400000 AS day, SUM(state <> 3),
        COUNT(*) FILTER (WHERE outcome IN ('withdrawn', 'presumed_withdrawn')),
        COUNT(*) FILTER (WHERE outcome = 'not_pending'),
        COUNT(*) FILTER (WHERE outcome NOT IN ('withdrawn', 'presumed_withdrawn', 'not_pending')),
        SUM(credits_charged), SUM(credits_possible), MAX(COALESCE(ended_at, sent_at))
    FROM calls WHERE call < (SELECT COALESCE(MAX(first_call), 0) FROM runs) GROUP BY run_number, account_id, day;

-- For what an account withdrew in the last hours: the table holds years.
DROP INDEX calls_by_time;
CREATE INDEX calls_by_account ON calls (account_id, sent_at);
