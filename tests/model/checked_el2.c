/* SPDX-License-Identifier: Apache-2.0 */
/* A difference stops the machine. */
#include "checked.h"

#include "core/panic.h"
#include "core/print.h"

void checked_differ(const struct model *model, const struct model_call *call, uint64_t count)
{
    print_panic("MISMATCH %s: want 0x%lx got 0x%lx at 0x%lx", model->failure, model->want, model->got,
                model->where);
    print_panic("call %lu: domain %u vCPU %u number %lu (0x%lx, 0x%lx, 0x%lx) = 0x%lx", count,
                model->config.domids[call->domain], call->vcpu, call->nr, call->args[0], call->args[1],
                call->args[2], (uint64_t)call->result);
    panic_end();
}
