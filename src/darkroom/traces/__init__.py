"""What happened, request by request: recorded without waiting, read as a waterfall, kept for a while."""
