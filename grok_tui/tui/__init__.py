"""The terminal screens. They draw any run from its directory alone and import no torch."""
