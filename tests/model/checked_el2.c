/* SPDX-License-Identifier: Apache-2.0 */
/* Pages stay mapped as vcpu_info does, in slots from the last one down. A difference stops the machine. */
#include "checked.h"

#include "arch/arm64/stage1.h"
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

uint8_t *checked_page(unsigned index, pa_t page)
{
    checked_busy = true;
    return stage1_share(STAGE1_SHARES - 1u - index, page);
}
