"""grok-tui: watch networks grok in a terminal, steer them, and hold what you see against the theories."""

__version__ = "0.1.0"
