/* SPDX-License-Identifier: Apache-2.0 */
/* Two domains that make hypercalls: numbers, structures and errors of Xen. */
#ifndef TESTS_EVENT_CALLS_H
#define TESTS_EVENT_CALLS_H

#include "machine.h"

#include <string.h>

#include "arch/host/host_cpu.h"
#include "arch/arm64/sysreg.h"
#include "base/bits.h"
#include "core/deadline.h"
#include "core/event.h"
#include "core/guest_atomic.h"
#include "core/physmap.h"
#include "core/shared_info.h"
#include "guest/arm64/trap.h"

#define CPU_ON    0xc4000003u
#define RESET_ALL 0x84000009u
#define PORTS     128u
#define US        UINT64_C(1000) /* ticks, and nanoseconds */
#define MS        (1000u * US)
#define ARG       (GUEST_RAM + 0x8100u)
#define HOLE      UINT64_C(0x38000000)
#define SELF      0x7ff0u

#define EPERM  (-1)
#define ENOENT (-2)
#define ESRCH  (-3)
#define ENXIO  (-6)
#define EFAULT (-14)
#define EBUSY  (-16)
#define EEXIST (-17)
#define EINVAL (-22)
#define ENOSPC (-28)
#define ENOSYS (-38)
#define ETIME  (-62)

static struct domain *a, *b;
static struct vcpu *first, *second, *other;

static inline void start_on(unsigned pcpus_count, unsigned first_of_b)
{
    static const struct domain_port of_a = {100, 2, 101}, of_b = {101, 1, 100};
    struct domain_record *record;

    machine_start(pcpus_count);
    record = machine_record(1, pcpus_count > 1 ? 2 : 1);
    record->nr_ports = PORTS;
    record->stage2_reserve = 4;
    record->static_ports = &of_a;
    record->nr_static_ports = 1;
    a = machine_domain(record);
    record = machine_record(2, 1);
    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = (uint16_t)first_of_b;
    record->nr_ports = PORTS;
    record->static_ports = &of_b;
    record->nr_static_ports = 1;
    b = machine_domain(record);
    machine_boot();
    first = &a->vcpus[0];
    second = pcpus_count > 1 ? &a->vcpus[1] : NULL;
    other = &b->vcpus[0];
    for (unsigned i = 0; i < 100 && (a->state != DOMAIN_RUNNING || b->state != DOMAIN_RUNNING); i++) {
        machine_pass(5 * MS, MS);
    }
}

/* vCPUs 0 and 1 of the first domain on pCPUs 0 and 1, the second domain on pCPU 2. */
static inline void start(void)
{
    start_on(3, 2);
    machine_hvc(first, CPU_ON, 1, GUEST_RAM, 0);
    machine_settle();
    machine_enable_ppi(first, EVENT_PPI);
    machine_enable_ppi(second, EVENT_PPI);
    machine_enable_ppi(other, EVENT_PPI);
}

static inline void put(struct vcpu *vcpu, uint64_t at, const void *data, size_t size)
{
    host_on(vcpu->pcpu->index);
    for (size_t i = 0; i < size; i++) {
        host_guest_write(at + i, ((const uint8_t *)data)[i], true);
    }
}

static inline void get(struct vcpu *vcpu, uint64_t at, void *data, size_t size)
{
    host_on(vcpu->pcpu->index);
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)data)[i] = host_guest_read(at + i, true);
    }
}

/* One hypercall, executed again as long as it asks for that; *rounds of them. */
static unsigned rounds;

static inline int64_t call(struct vcpu *vcpu, uint64_t number, uint64_t x0, uint64_t x1, uint64_t x2)
{
    bool again;

    host_on(vcpu->pcpu->index);
    assert_ptr_equal(host_pcpu->current, vcpu);
    vcpu->x[16] = number;
    vcpu->x[0] = x0;
    vcpu->x[1] = x1;
    vcpu->x[2] = x2;
    rounds = 0;
    do {
        struct trap_result result;

        host_put("elr_el2", 0x1000);
        result = trap_hvc(vcpu, (uint64_t)EC_HVC64 << 26 | 0xea1u);
        again = host_sysreg_read(host_register("elr_el2")) != 0x1000;
        rounds++;
        machine_end(result);
    } while (again);
    return (int64_t)vcpu->x[0];
}

static inline int64_t event_op(struct vcpu *vcpu, unsigned operation, void *arg, size_t size)
{
    int64_t result;

    put(vcpu, ARG, arg, size);
    result = call(vcpu, 32, operation, ARG, 0);
    get(vcpu, ARG, arg, size);
    return result;
}

struct alloc {
    uint16_t dom, remote;
    uint32_t port;
};
struct bind {
    uint32_t dom, remote_port, port;
};
struct two {
    uint32_t port, vcpu;
};
struct three {
    uint32_t virq, vcpu, port;
};
struct port_status {
    uint16_t dom, pad;
    uint32_t port, status, vcpu, u[2];
};

static inline int64_t alloc(struct vcpu *vcpu, uint16_t dom, uint16_t remote, uint32_t *port)
{
    struct alloc arg = {dom, remote, 77};
    int64_t result = event_op(vcpu, 6, &arg, sizeof arg);

    *port = arg.port;
    return result;
}

static inline int64_t bind(struct vcpu *vcpu, uint16_t dom, uint32_t remote_port, uint32_t *port)
{
    struct bind arg = {dom, remote_port, 77};
    int64_t result = event_op(vcpu, 0, &arg, sizeof arg);

    *port = arg.port;
    return result;
}

static inline int64_t on_port(struct vcpu *vcpu, unsigned operation, uint32_t port)
{
    return event_op(vcpu, operation, &port, sizeof port);
}
#define CLOSE  3u
#define SEND   4u
#define UNMASK 9u

static inline struct port_status status_of(struct vcpu *vcpu, uint32_t port)
{
    struct port_status arg = {.dom = SELF, .port = port, .status = 99, .vcpu = 99};

    assert_int_equal(event_op(vcpu, 5, &arg, sizeof arg), 0);
    return arg;
}

#endif
