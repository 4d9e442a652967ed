/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/placement.h"

#include "boot/conflicts.h"
#include "boot/extensions.h"

enum { FIRST_SPI = 32, SPIS_MOST = 960 };

/* True if a node of the partial tree, which is copied as it is, names the SPI. */
static bool partial_has_spi(const struct fdt *partial, uint32_t spi)
{
    fdt_node_t node = fdt_child(partial, fdt_root(partial), "passthrough");
    uint32_t depth = 0, type, number;
    struct fdt_prop prop;

    while (node != FDT_NONE) {
        if (fdt_prop(partial, node, "interrupts", &prop)) {
            for (uint32_t at = 0; fdt_cell(&prop, at, &type) && fdt_cell(&prop, at + 1u, &number); at += 3) {
                if (type == 0 && number + FIRST_SPI == spi) {
                    return true;
                }
            }
        }
        node = fdt_next_node_depth(partial, node, &depth);
        node = depth == 0 ? FDT_NONE : node;
    }
    return false;
}

static bool spi_is_taken(struct planner *p, const struct draft *d, uint32_t spi)
{
    const struct domain_record *r = d->record;

    for (uint32_t i = 0; i < r->nr_irqs; i++) {
        if (r->irqs[i].virq == spi) {
            return true;
        }
    }
    for (uint32_t i = 0; i < p->nr_channels; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            if (p->channels[i].side[k].domain == d && p->channels[i].side[k].spi == spi) {
                return true;
            }
        }
    }
    for (uint32_t i = 0; i < p->nr_virtio; i++) {
        if (p->virtio[i].pair->frontend == d && p->virtio[i].spi == spi) {
            return true;
        }
    }
    return ((r->flags & DOMAIN_VPL011) != 0 && r->uart_virq == spi) || extensions_have_spi(p, d, spi) ||
           (p->partial != NULL && partial_has_spi(p->partial, spi));
}

uint16_t place_spi(struct planner *p, struct draft *d)
{
    struct domain_record *r = d->record;

    for (;;) {
        for (uint32_t spi = FIRST_SPI + r->nr_spis - 1u; spi >= FIRST_SPI; spi--) {
            if (!spi_is_taken(p, d, spi)) {
                return (uint16_t)spi;
            }
        }
        if (r->nr_spis + 32u > SPIS_MOST) {
            error(p, d->node, "nr_spis", "no interrupt is left for a channel or VIRTIO device");
            return 0;
        }
        r->nr_spis = (uint16_t)(r->nr_spis + 32u);
    }
}

uint64_t place_ipa(struct planner *p, const struct draft *d, uint64_t size, uint64_t align)
{
    uint64_t at = align_up(p->next_ipa, align);

    while (ipa_taken(p, d, at, size) != NULL) {
        at += align;
    }
    p->next_ipa = at + size;
    return at;
}
