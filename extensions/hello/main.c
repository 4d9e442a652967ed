/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The smallest extension: it greets, and every load of its range reads 42. */
#include "extension.h"

void extension_init(void)
{
    extension_log("hello\n");
}

uint64_t extension_access(const struct extension_access *access)
{
    (void)access;
    return 42;
}
