/* SPDX-License-Identifier: Apache-2.0 */
#include "core/teardown.h"

#include "core/dma.h"
#include "core/domain.h"
#include "core/event.h"
#include "core/frontend.h"
#include "core/grant.h"

#define AT_ONCE 16u /* ports, or entries of maptrack */

enum { DMA, FRONTENDS, EVENTS, GRANTS, REPORT, DONE };

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

    if (build->index == DMA) {
        dma_close(domain);
    } else if (build->index == FRONTENDS) {
        done = frontends_stop(domain, &position);
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
