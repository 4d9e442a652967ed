/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual processor. It is bound to one pCPU for life; only that pCPU changes `state`. Others ask through
 * `work` bits, then kick. */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include "arch/arm64/context.h"
#include "base/types.h"
#include "core/ioreq.h"
#include "core/pcpu.h"

struct domain;
struct virq_cpu;

enum vcpu_state {
    VCPU_OFF,      /* PSCI OFF, or the domain is not running */
    VCPU_BUILDING, /* vCPU 0 while its domain is built: the core works in its time */
    VCPU_READY,    /* runs or wants to run */
    VCPU_BLOCKED,  /* in WFI, on a shared pCPU, or in SCHEDOP_poll */
    VCPU_PARKED,   /* an access of its waits for another domain: core/ioreq.h */
};

/* PSCI view, changed by compare-and-swap: OFF -> ON_PENDING by the caller of CPU_ON, the rest by its own
 * pCPU. */
enum vcpu_power { POWER_OFF, POWER_ON_PENDING, POWER_ON };

enum vcpu_work {
    WORK_VIRQ = 1u << 0,  /* pending interrupts changed */
    WORK_EVENT = 1u << 1, /* an edge of EVENT_PPI, which its own pCPU injects */
    /* together, for what is tested together */
    WORK_ON = 1u << 2,         /* start at on_entry */
    WORK_STOP = 1u << 3,       /* the domain stops */
    WORK_BUILD = 1u << 4,      /* vCPU 0: build the domain and start it */
    WORK_OFF = 1u << 5,        /* own pCPU only: CPU_OFF */
    WORK_IOREQ = 1u << 6,      /* an ioreq slot of its may have changed, or who serves it */
    WORK_RESCHEDULE = 1u << 7, /* own pCPU only: choose anew who runs */
    WORK_DEADLINE = 1u << 8, /* a deadline was set, or a port became pending that SCHEDOP_poll may wait for */
};

/* Times at which something happens to a vCPU, whether it runs or not. */
enum vcpu_deadline {
    DEADLINE_TIMER,    /* VCPUOP_set_singleshot_timer: VIRQ_TIMER */
    DEADLINE_POLL,     /* in SCHEDOP_poll, which ends then; ~0: at no time */
    DEADLINE_PARK,     /* its access has waited long enough for a backend that is away */
    DEADLINE_RESTART,  /* vCPU 0: its domain is built again */
    DEADLINE_WATCHDOG, /* SCHEDOP_watchdog, two of them, of vCPU 0: the domain crashes */
};
#define NR_DEADLINES (DEADLINE_WATCHDOG + 2u)

/* Cache sweep that stands for maintenance by set and way (guest/arm64/set_way.h). */
struct vcpu_sweep {
    uint32_t map;  /* position: index of the range, bytes of it done */
    bool watching; /* HCR_EL2.TVM: a change of the caches sweeps again */
    uint64_t done;
};

struct vcpu {
    uint64_t x[32];     /* offset 0: entry.S; x[31] takes what is written to XZR and is never read */
    uint64_t stack_top; /* offset 256: entry.S; of its pCPU */
    uint32_t work;      /* enum vcpu_work, atomic */
    uint32_t power;     /* enum vcpu_power, atomic */
    struct pcpu *pcpu;
    struct domain *domain;
    struct virq_cpu *virq;
    enum vcpu_state state;
    uint16_t index;
    bool shared; /* its pCPU runs other vCPUs too */
    uint8_t priority;
    uint64_t on_entry, on_context; /* arguments of CPU_ON, published by WORK_ON */
    uint32_t on_incarnation;       /* life of the domain in which they were given; 0: taken */
    uint64_t budget, period;       /* ticks; budget 0 = none */
    uint64_t budget_left, period_end;
    uint64_t deadlines[NR_DEADLINES]; /* CNTPCT, atomic; 0 = none */
    uint32_t has_deadlines;           /* there may be some, atomic */
    uint32_t share_slot;              /* for its vcpu_info: its number over all domains (stage1_share()) */
    va_t runstate;                    /* VCPUOP_register_runstate_memory_area; 0 = none */
    struct vcpu_sweep sweep;
    struct vcpu_ioreq ioreq;
    struct el1_context el1;
    struct fp_context fp;
};

_Static_assert(offsetof(struct vcpu, stack_top) == 256, "entry.S");

/* Asks the pCPU of the vCPU to look at `work`, from any pCPU; on the own one it is seen at the next exit. */
void vcpu_request(struct vcpu *vcpu, uint32_t work);

/* This pCPU chooses anew who runs, at the next exit. */
void vcpu_reschedule(struct pcpu *pcpu);
/* Another pCPU kicked this one: the vCPU asked may be one that does not run. */
void vcpu_kicked(struct pcpu *pcpu);

/* The vCPU whose registers this pCPU holds, if it is of that domain: its list registers can be used at once.
 * Else NULL. */
static inline struct virq_cpu *vcpu_resident(const struct pcpu *pcpu, const struct domain *domain)
{
    return pcpu->loaded != NULL && pcpu->loaded->domain == domain ? pcpu->loaded->virq : NULL;
}

/* EL1 reset state (Arm ARM, PSCI 6.4): pc, x0 = argument, MMU off, all interrupts masked. Not resident. */
void vcpu_reset(struct vcpu *vcpu, uint64_t entry, uint64_t argument);

#endif
