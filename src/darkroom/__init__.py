"""Darkroom: a self-hosted relay for image generation."""

__version__ = "0.1.0"
