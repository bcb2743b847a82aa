"""Steps of the part `main`: accounts, keys, given-out ids, facts."""
