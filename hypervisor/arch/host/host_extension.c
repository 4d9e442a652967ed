/* SPDX-License-Identifier: Apache-2.0 */
/* An extension in a plain process is a function that changes its frame as the registers would be, and says
 * how it came back. */
#include "arch/host/host_extension.h"

uint64_t (*host_extension)(struct extension_frame *frame);

uint64_t extension_enter(struct extension_frame *frame)
{
    return host_extension(frame);
}
