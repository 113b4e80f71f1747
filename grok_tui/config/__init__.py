"""What a run is: its config, the presets, and the checks that keep nonsense out. Imports no torch."""
