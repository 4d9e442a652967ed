/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A driver domain that serves entropy. */
#include "runtime/backend.h"
#include "runtime/domain.h"

void domain_start(void)
{
    backend_start(NULL, 0);
}
