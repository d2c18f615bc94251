-- No table changes: the functions do, of which begin and settle take many at once. A number of its own keeps an older
-- Darkroom that is started beside this one from putting the functions of its day back.
COMMENT ON SCHEMA darkroom IS 'Darkroom: its tables, its queue, and the functions that its processes call';
