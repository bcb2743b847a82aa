"""Accounts, keys, and later prices and holds: the only code that will move money."""
