# SPDX-License-Identifier: Apache-2.0
"""Prints how large a driver domain's image is, in the file and in memory."""

import os
import sys

path = sys.argv[1]
with open(path, "rb") as image:
    header = image.read(24)
memory = int.from_bytes(header[16:24], "little")
print(f"  SIZE   {os.path.basename(path)}: {os.path.getsize(path)} bytes, {memory // 1024} KiB in memory")
