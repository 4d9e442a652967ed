/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercalls of guests of the machine, and their memory. */
#ifndef TESTS_XEN_CALL_H
#define TESTS_XEN_CALL_H

#include "machine.h"

#include <string.h>

#include "guest/arm64/trap.h"
#include "guest/xen/xen_errno.h"

#define MEMORY_OP 12u
#define VERSION   17u
#define GRANT_OP  20u
#define HVM_OP    34u

static unsigned stretches; /* times that the last call was executed */

static inline int64_t xen_call(struct vcpu *vcpu, uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2)
{
    host_on(vcpu->pcpu->index);
    vcpu->x[16] = number;
    vcpu->x[0] = a0;
    vcpu->x[1] = a1;
    vcpu->x[2] = a2;
    for (stretches = 1; stretches < 5000; stretches++) {
        host_put("elr_el2", 0x104);
        machine_end(trap_hvc(vcpu, (uint64_t)EC_HVC64 << 26 | 0xea1));
        if (host_effective("elr_el2") == 0x104) {
            return (int64_t)vcpu->x[0];
        }
        assert_int_equal(host_effective("elr_el2"), 0x100);
    }
    fail_msg("%s", "the call never ends");
    return 0;
}

static inline void guest_put(struct vcpu *vcpu, uint64_t at, const void *data, size_t size)
{
    host_on(vcpu->pcpu->index);
    for (size_t i = 0; i < size; i++) {
        host_guest_write(at + i, ((const uint8_t *)data)[i], true);
    }
}

static inline void guest_get(struct vcpu *vcpu, uint64_t at, void *data, size_t size)
{
    host_on(vcpu->pcpu->index);
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)data)[i] = host_guest_read(at + i, true);
    }
}

static inline uint64_t guest_word(struct vcpu *vcpu, uint64_t at)
{
    uint64_t word;

    guest_get(vcpu, at, &word, sizeof word);
    return word;
}

static inline void guest_put_word(struct vcpu *vcpu, uint64_t at, uint64_t word)
{
    guest_put(vcpu, at, &word, sizeof word);
}

static inline bool guest_sees(struct vcpu *vcpu, uint64_t at)
{
    uint64_t pa;

    host_on(vcpu->pcpu->index);
    return host_guest_translate(at, &pa);
}

static void (*prepare_domain)(struct domain_record *record); /* before it is created; or NULL */

/* A domain with one vCPU, on that pCPU. Before machine_boot(). */
static inline struct domain *xen_domain(unsigned domid, unsigned pcpu, unsigned frames, unsigned track,
                                        unsigned reserve)
{
    struct domain_record *record = machine_record(domid, 1);

    ((struct domain_vcpu *)(uintptr_t)record->vcpus)[0].pcpu = (uint16_t)pcpu;
    record->nr_ports = 64;
    record->nr_grant_frames = (uint16_t)frames;
    record->nr_maptrack = track;
    record->stage2_reserve = reserve;
    if (prepare_domain != NULL) {
        prepare_domain(record);
    }
    return machine_domain(record);
}

#endif
