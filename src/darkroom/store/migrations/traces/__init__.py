"""Steps of the part `traces`: requests and their attempts."""
