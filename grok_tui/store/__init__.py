"""The run directory: one engine writes it, anything may read it. No torch, no screen."""
