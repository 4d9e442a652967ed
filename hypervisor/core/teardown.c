/* SPDX-License-Identifier: Apache-2.0 */
#include "core/teardown.h"

#include "arch/arm64/timer.h"
#include "core/deadline.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/frontend.h"
#include "core/grant.h"

#define AT_ONCE 16u /* ports, or entries of maptrack */

#define LOOK_US 1000u /* between two looks at a backend */

enum { FRONTENDS, QUIET, EVENTS, GRANTS, REPORT, DONE };

/* Nobody waits for a domain that does not come back: its memory stays as it is. In between vCPU 0 is off. */
static bool quiet(struct domain *domain, uint32_t *position)
{
    struct vcpu *vcpu = &domain->vcpus[0];
    enum status status = OK;

    if (domain->stop_reason != STOP_OFF && domain->record->restart != RESTART_NEVER) {
        status = frontends_quiet(domain, position);
    }
    if (status == ERR_BUSY) {
        vcpu->state = VCPU_OFF;
        deadline_set(vcpu, DEADLINE_RESTART, timer_now() + timer_from_us(LOOK_US));
        return false;
    }
    domain->stays = domain->stays || status != OK;
    return true;
}

/* One line. True: there is none left. */
static bool report(const struct domain *domain, uint32_t *line)
{
    return domain->stop_reason != STOP_CRASH || domain->stop_told ||
           !crash_print_registers(domain, (*line)++);
}

bool domain_teardown_slice(struct domain *domain)
{
    struct domain_build *build = &domain->build;
    uint32_t position = (uint32_t)build->done;
    bool done = true;

    if (build->index == FRONTENDS) {
        done = frontends_stop(domain, &position);
    } else if (build->index == QUIET) {
        done = quiet(domain, &position);
    } else if (build->index == EVENTS) {
        done = events_stop(domain, &position, AT_ONCE);
    } else if (build->index == GRANTS) {
        done = grants_stop(domain, &position, AT_ONCE);
    } else {
        done = report(domain, &position);
    }
    build->done = done ? 0 : position;
    build->index += done ? 1u : 0u;
    return build->index == DONE;
}
