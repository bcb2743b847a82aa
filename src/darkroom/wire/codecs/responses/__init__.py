"""The OpenAI Responses wire with the image_generation tool, both directions."""

from darkroom.wire.codecs.responses.events import decode, encode
from darkroom.wire.codecs.responses.request import read_request, write_request

__all__ = ["decode", "encode", "read_request", "write_request"]
