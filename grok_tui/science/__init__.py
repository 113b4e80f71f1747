"""Tensors in, tensors out: tasks, models, losses, kernels, norms, phases. Knows no runs, files or screens."""
