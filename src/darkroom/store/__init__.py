"""The truth: generations, keys and books in one database, reached by verbs that are each one transaction."""
