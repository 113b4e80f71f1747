"""What a run is: its config, the presets, and the checks of both. Imports no torch."""
