/* SPDX-License-Identifier: Apache-2.0 */
/* A physical processor. Everything here belongs to the pCPU itself and is touched by it alone, but for what
 * other pCPUs may set atomically: vcpu->work. TPIDR_EL2 points to it. */
#ifndef CORE_PCPU_H
#define CORE_PCPU_H

#include "base/types.h"

struct vcpu;
struct stage1_tables;

#define PCPU_MAX_VCPUS 16u
#define PANIC_STACK    2048u

struct pcpu {
    struct vcpu
        *current;       /* the vCPU that runs or that a trap came from; NULL while idle. Offset 0: entry.S */
    uint64_t stack_top; /* offset 8: entry.S */
    uint64_t panic_top; /* offset 16: entry.S */
    uint32_t index;     /* offset 24: arch/arm64/percpu.h */
    uint32_t nr_vcpus;
    struct vcpu *loaded;   /* whose EL1 registers are in the processor, current or not */
    struct vcpu *fp_owner; /* whose FP registers are in the processor, on a shared pCPU */
    struct stage1_tables *tables;
    uint64_t mpidr; /* affinity fields */
    struct vcpu *vcpus[PCPU_MAX_VCPUS];
    uint8_t
        last_vcpu[MAX_DOMAINS]; /* 1 + vCPU index that last ran here, by domid: its TLB entries may remain */
    uint32_t turn;              /* position in vcpus[] after which equal priorities are looked for */
    uint64_t turn_ticks;        /* length of a turn */
    uint64_t turn_end;          /* CNTPCT until which the one at `turn` goes before its equals */
    uint64_t run_since;         /* CNTPCT at which the vCPU in `running` was chosen */
    struct vcpu *running;       /* whose budget is being used */
    bool again;                 /* vcpus[] must be looked at again before sleep or entry */
    uint32_t online;            /* atomic; set when the pCPU takes work */
    uint64_t root;              /* PA of its tables */
    volatile void *gicr;        /* its GICv3 redistributor */
    uint8_t panic_stack[PANIC_STACK] __attribute__((aligned(16)));
};

/* What a pCPU that the firmware starts reads with its MMU off: entry/arm64/head.S. */
struct pcpu_start {
    uint64_t root; /* PA of tables that also hold the identity map */
    void *stack_top;
    struct pcpu *pcpu;
};

/* Brings this pCPU up: own tables, GIC, traps, timers. Runs on its stack; does not take work yet. */
void pcpu_init(struct pcpu *pcpu);
/* First code of a pCPU started by firmware. */
void pcpu_main(struct pcpu *pcpu) __attribute__((noreturn));
/* entry.S: switches to the pCPU's own stack and takes work, for ever. */
void pcpu_run(struct pcpu *pcpu) __attribute__((noreturn));
/* Called by pcpu_run() before the first work. */
void pcpu_begin(struct pcpu *pcpu);
/* That pCPU ends boot in pcpu_begin(). */
void pcpu_set_boot(struct pcpu *pcpu);
/* PA of the code at which a pCPU starts. */
extern char pcpu_entry[];

extern struct pcpu *pcpus[MAX_PCPUS];
extern uint32_t nr_pcpus;

static inline struct pcpu *this_pcpu(void)
{
#ifdef __aarch64__
    struct pcpu *pcpu;

    __asm__("mrs %0, tpidr_el2" : "=r"(pcpu));
    return pcpu;
#else
    extern struct pcpu *host_pcpu;

    return host_pcpu;
#endif
}

#endif
