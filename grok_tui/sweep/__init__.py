"""Many runs: which runs a set of configs and seeds needs, and the processes that train them."""
