/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Xen's event channels, 2-level ABI (Xen public xen.h, event_channel.h); static ports only. */
#ifndef RUNTIME_EVENTS_H
#define RUNTIME_EVENTS_H

void events_start(void);
/* Looks at all ports, whether there was an interrupt or not. */
void events_look(void);

#endif
