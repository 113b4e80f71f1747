"""Tasks, models, losses, optimizers, kernels, measures: functions of tensors, without runs, run files or screens."""
