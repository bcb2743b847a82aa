"""The data plane: one exchange a request, from its admission to the last byte delivered."""
