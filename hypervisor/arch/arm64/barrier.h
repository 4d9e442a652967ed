/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic accesses shared by pCPUs. */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

#include "base/types.h"

#define load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)

#endif
