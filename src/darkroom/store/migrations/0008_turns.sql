-- Which of an account's generations go first, and how many of them may run at once (NULL is no limit).
ALTER TABLE generation ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE generation ADD COLUMN run_limit INTEGER;
