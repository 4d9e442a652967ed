/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guest_atomic.h"

bool guest_atomic_fails;
