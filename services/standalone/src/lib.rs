//! All services of eseal in one process, on SQLite and the local bus.
