# SPDX-License-Identifier: Apache-2.0
"""The size of the driver domains' images, as `make` leaves them."""

import os

from machine import BenchError
from report import Figure

NAMES = ("block", "console", "net")


def measure(out):
    figures = {}
    for name in NAMES:
        path = os.path.join(out, "domains", f"{name}.img")
        try:
            figures[f"dd_image_{name}"] = Figure.of([os.path.getsize(path)])
        except OSError as error:
            raise BenchError(f"{path}: {error.strerror}; `make` builds it") from error
    return figures
