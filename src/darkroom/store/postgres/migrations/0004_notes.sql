-- What is queued is told by the process that has queued it, in one note for many: NOTIFY makes all transactions that call
-- it commit one after another.
DROP TRIGGER tg_pgqueuer_changed ON pgqueuer;
DROP FUNCTION fn_pgqueuer_changed();
