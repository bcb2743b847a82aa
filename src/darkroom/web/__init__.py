"""What callers reach over HTTP: the API, and later the console."""
