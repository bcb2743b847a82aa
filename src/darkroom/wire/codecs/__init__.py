"""One folder a wire format; each offers read_request, write_request, decode and encode."""
