"""What the chart can show: one module per mode. A new mode is a module with `draw`, and a line in `MODES`."""

from ...store.reader import RunReader
from . import accuracy, angle, bits, error_terms, fourier, loss, norm_and_kernel, spectrum
from .view import Mode, View

MODES = (
    Mode("loss", "loss", (), loss.draw, loss.panels, log_y=True),
    Mode("accuracy", "acc", ("test/acc",), accuracy.draw, accuracy.panels),
    Mode("norm & kernel", "norm", ("norm/weight",), norm_and_kernel.draw, norm_and_kernel.panels),
    Mode("error terms", "errors", ("error/variance",), error_terms.draw, error_terms.panels, log_y=True),
    Mode("spectrum", "spectrum", ("kernel/rank",), spectrum.draw, spectrum.panels, log_y=True),
    Mode("Fourier", "Fourier", ("fourier/gini",), fourier.draw, fourier.panels),
    Mode("angle", "angle", ("angle/init",), angle.draw, angle.panels),
    Mode("bits", "bits", ("bits/share",), bits.draw, bits.panels),
)


def modes_of(run: RunReader) -> list[Mode]:
    """The modes for which the run has columns."""
    return [mode for mode in MODES if set(mode.needs) <= set(run.columns)]


__all__ = ["MODES", "Mode", "View", "modes_of"]
