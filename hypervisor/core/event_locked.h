/* SPDX-License-Identifier: Apache-2.0 */
/* Between event.c and event_ports.c only. */
#ifndef CORE_EVENT_LOCKED_H
#define CORE_EVENT_LOCKED_H

#include "core/event.h"

static inline struct event_port event_port_read(const struct events *events, uint32_t port)
{
    struct event_port value;

    __atomic_load(&events->ports[port], &value, __ATOMIC_RELAXED);
    return value;
}

static inline void event_port_write(struct events *events, uint32_t port, struct event_port value)
{
    __atomic_store(&events->ports[port], &value, __ATOMIC_RELAXED);
}

/* A port that exists, closed or not. */
static inline bool event_port_valid(const struct events *events, uint32_t port)
{
    return port != 0 && port < events->nr_ports;
}

/* The port of the domain becomes pending and the vCPU is told, in Xen's order. The domain's lock is held. */
void event_notify_locked(struct domain *domain, uint32_t port, uint32_t vcpu);
/* It is pending no more. */
void event_clear_locked(struct domain *domain, uint32_t port);
/* Where vCPU `index` is told while it has registered nothing; NULL: nowhere. */
struct vcpu_info *event_default_info(const struct events *events, uint32_t index);

#endif
