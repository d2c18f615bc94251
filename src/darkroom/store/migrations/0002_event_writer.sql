-- Which process wrote an event: each tells its own people of its own changes, and looks here for those of the others.
ALTER TABLE event ADD COLUMN writer TEXT NOT NULL DEFAULT '';
