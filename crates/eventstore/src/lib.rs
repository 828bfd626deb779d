//! Facts in a database: load, the writer, read, inbox, dead letters.
