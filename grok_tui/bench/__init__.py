"""How fast grok-tui is beside plain baselines: both sides take turns on the same machine."""
