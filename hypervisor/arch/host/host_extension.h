/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_HOST_HOST_EXTENSION_H
#define ARCH_HOST_HOST_EXTENSION_H

#include "core/extension.h"

/* What stands for the extension: extension_enter() calls it. */
extern uint64_t (*host_extension)(struct extension_frame *frame);

#endif
