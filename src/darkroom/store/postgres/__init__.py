"""The store on PostgreSQL 14 and newer: the same verbs as on SQLite, for more than one process and machine."""
