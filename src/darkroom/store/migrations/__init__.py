"""How older databases become today's: one folder of numbered steps a part, frozen once released."""
