"""The one place that knows how rows are kept: SQLite beside the program, or PostgreSQL, by URL."""
