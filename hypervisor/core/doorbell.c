/* SPDX-License-Identifier: Apache-2.0 */
#include "core/doorbell.h"

#include "core/domain.h"
#include "core/effects.h"
#include "core/event.h"
#include "virq/virq.h"

static void ring(const struct domain_doorbell *bell)
{
    struct domain *peer = domain_by_domid(bell->peer);
    struct virq_effects effects = {0};

    if (bell->spi != 0) {
        virq_edge(peer->virq, 0, bell->spi, vcpu_resident(this_pcpu(), peer), &effects);
        effects_apply(peer, &effects);
    } else {
        event_raise(peer, bell->port);
    }
}

bool doorbell_interrupt(const struct domain_record *record, uint16_t peer, uint16_t spi, bool now)
{
    for (uint32_t i = 0; i < record->nr_doorbells; i++) {
        const struct domain_doorbell *bell = &record->doorbells[i];

        if (bell->peer == peer && bell->spi == spi && spi != 0) {
            if (now) {
                ring(bell);
            }
            return true;
        }
    }
    return false;
}

bool doorbell_access(const struct domain_record *record, uint64_t ipa, bool write)
{
    for (uint32_t i = 0; i < record->nr_doorbells; i++) {
        const struct domain_doorbell *bell = &record->doorbells[i];

        if (ipa - bell->ipa.v < bell->size) {
            if (write) {
                ring(bell);
            }
            return true;
        }
    }
    return false;
}
