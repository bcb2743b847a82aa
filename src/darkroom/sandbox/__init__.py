"""An upstream that needs no key and no network: it draws real pictures and plays scripted faults."""

from darkroom.sandbox.app import make_app

__all__ = ["make_app"]
