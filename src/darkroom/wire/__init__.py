"""The wire core: bytes, frames, events and stages as values and small machines; no I/O, clock or random number."""
