"""What the sources claim, and whether it shows on this machine."""
