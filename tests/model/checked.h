/* SPDX-License-Identifier: Apache-2.0 */
/* The model beside the hypervisor, in test-only builds: guest/arm64/trap.c is compiled so that it calls
 * hypercall_checked() in the place of hypercall(). Hypercalls of the two domains that asked for it are
 * carried out one at a time, by the hypervisor and then by the model; any difference is reported through
 * checked_differ(). */
#ifndef MODEL_CHECKED_H
#define MODEL_CHECKED_H

#include "base/types.h"
#include "checked_calls.h"
#include "model.h"

struct vcpu;

void hypercall_checked(struct vcpu *vcpu);
/* The domains are gone: others may begin. */
void checked_forget(void);

/* Of the environment. Does not return. */
void checked_differ(const struct model *model, const struct model_call *call, uint64_t count)
    __attribute__((noreturn));
/* The page of guest RAM, which stays mapped: `index` counts them from 0. */
uint8_t *checked_page(unsigned index, pa_t page);
/* Everything is compared after each so many calls. */
extern uint32_t checked_interval;
/* The domains run on other pCPUs meanwhile. */
extern bool checked_busy;

#endif
