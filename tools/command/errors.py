# SPDX-License-Identifier: Apache-2.0
"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Something that the user can correct. The text names the file and what to do; no traceback is shown."""
