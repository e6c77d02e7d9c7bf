-- For people, who find each column in docs/ledger.md: a view of a later step has these columns too. Times are in UTC. DuckDB
-- parses the text of a view that it attaches, so it is plain: no FILTER, no column by a name that is a keyword there.
DROP VIEW bill;
DROP VIEW invitations;

-- Every call, and what it cost.
CREATE VIEW v_bill AS
    SELECT call, run_id, datetime(sent_at / 1000, 'unixepoch') AS sent_at,
        datetime(ended_at / 1000, 'unixepoch') AS ended_at, accounts.api AS api, account,
        CASE kind WHEN 0 THEN 'withdraw' WHEN 1 THEN 'list' WHEN 2 THEN 'balance' WHEN 3 THEN 'key' WHEN 4 THEN 'account'
            END AS kind, invitation_id,
        CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'answered' WHEN 2 THEN 'answer_lost' WHEN 3 THEN 'not_sent'
            END AS state,
        http_status, outcome, detail, credits_charged, credits_possible
    FROM calls JOIN accounts ON accounts.id = account_id JOIN runs ON number = run_number;

-- What is known of each invitation that was called for, and who it was for.
CREATE VIEW v_invitations AS
    SELECT known.invitation_id AS invitation_id, api, account, outcome, is_final,
        datetime(known.at / 1000, 'unixepoch') AS settled_at, answer_lost, name, profile_url,
        datetime(first_seen_at / 1000, 'unixepoch') AS first_seen_at,
        datetime(last_seen_at / 1000, 'unixepoch') AS last_seen_at
    FROM known JOIN accounts ON accounts.id = known.account_id
        LEFT JOIN listed ON listed.account_id = known.account_id AND listed.invitation_id = known.invitation_id;

-- Every run, list and look, and what its calls came to.
CREATE VIEW v_runs AS
    SELECT run_id, command, runs.api AS api, datetime(started_at) AS started_at,
        datetime(MAX(last_call_at) / 1000, 'unixepoch') AS last_call_at, GROUP_CONCAT(account, ', ') AS accounts,
        COALESCE(SUM(calls), 0) AS calls, COALESCE(SUM(withdrawn), 0) AS withdrawn,
        COALESCE(SUM(charged), 0) AS credits_charged, COALESCE(SUM(possible), 0) AS credits_possible
    FROM runs LEFT JOIN (
        SELECT run_number, account_id, SUM(state <> 3) AS calls, MAX(COALESCE(ended_at, sent_at)) AS last_call_at,
            SUM(COALESCE(outcome IN ('withdrawn', 'presumed_withdrawn'), 0)) AS withdrawn,
            SUM(credits_charged) AS charged, SUM(credits_possible) AS possible
        FROM calls GROUP BY run_number, account_id
    ) AS sums ON run_number = number LEFT JOIN accounts ON accounts.id = account_id
    GROUP BY number;
