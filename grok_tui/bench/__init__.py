"""How fast this is: ours beside plain baselines, taken in turn on the same machine."""
