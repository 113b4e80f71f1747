"""The engine: the trainer, its thread, steering, the measuring schedule, the host. Knows no screen."""
