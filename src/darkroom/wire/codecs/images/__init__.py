"""The OpenAI Images wire, both directions."""
