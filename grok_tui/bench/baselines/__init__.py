"""The same trainings and kernels as public code computes them, restated plainly. They know nothing of the engine."""
