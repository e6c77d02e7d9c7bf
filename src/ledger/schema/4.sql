-- For what was withdrawn in the last hours: the table holds years.
CREATE INDEX calls_by_time ON calls (sent_at);
