/* SPDX-License-Identifier: Apache-2.0 */
#include "core/physmap.h"

#include "core/dma.h"
#include "core/domain.h"

bool physmap_home(const struct domain *domain, ipa_t ipa, pa_t *pa)
{
    const struct domain_record *record = domain->record;

    for (uint32_t i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];

        if (map->kind == MAP_RAM && ipa.v - map->ipa.v < map->size) {
            *pa = PA(map->pa.v + (ipa.v - map->ipa.v));
            return true;
        }
    }
    return false;
}

static bool look_locked(const struct domain *domain, ipa_t ipa, struct physmap_page *page)
{
    struct stage2_page found;
    pa_t home;

    if (!stage2_look(&domain->stage2, ipa, &found)) {
        return false;
    }
    *page = (struct physmap_page){.pa = found.pa,
                                  .normal = found.normal,
                                  .writable = found.writable,
                                  .home = physmap_home(domain, ipa, &home) && home.v == found.pa.v};
    return true;
}

bool physmap_look(struct domain *domain, ipa_t ipa, struct physmap_page *page)
{
    bool found;

    spin_lock(&domain->stage2_lock);
    found = look_locked(domain, ipa, page);
    spin_unlock(&domain->stage2_lock);
    return found;
}

/* What the record maps there for ever: devices, memory that other domains rely on, windows. */
static bool is_fixed(const struct domain *domain, ipa_t ipa)
{
    const struct domain_record *record = domain->record;

    for (uint32_t i = 0; i < record->nr_maps; i++) {
        const struct domain_map *map = &record->maps[i];

        if (map->kind != MAP_RAM && ipa.v - map->ipa.v < map->size) {
            return true;
        }
    }
    for (uint32_t i = 0; i < record->nr_windows; i++) {
        if (ipa.v - record->windows[i].ipa.v < record->windows[i].size) {
            return true;
        }
    }
    for (uint32_t i = 0; i < record->nr_frontends; i++) {
        if (ipa.v - record->frontends[i].page.v < PAGE_SIZE) {
            return true;
        }
    }
    return false;
}

static enum map_kind kind_of(enum physmap_access access)
{
    return access == PHYSMAP_WRITE ? MAP_SHARED : MAP_SHARED_READ;
}

enum status physmap_place(struct domain *domain, ipa_t ipa, pa_t pa, enum physmap_access access)
{
    enum map_kind kind = kind_of(access);
    enum status status = ERR_RANGE;

    if (ipa.v % PAGE_SIZE == 0 && !is_fixed(domain, ipa)) {
        spin_lock(&domain->stage2_lock);
        status = dma_put(domain, ipa, pa, kind);
        if (status == OK) {
            status = stage2_put(&domain->stage2, &domain->pool, ipa, pa, kind);
            if (status != OK && !dma_replace(domain, ipa, pa, NULL)) {
                status = ERR_BUSY;
            }
        }
        spin_unlock(&domain->stage2_lock);
    }
    return status;
}

static enum status remove_locked(struct domain *domain, ipa_t ipa, pa_t expected)
{
    struct physmap_page page;

    if (look_locked(domain, ipa, &page) && (expected.v == PHYSMAP_ANY.v || page.pa.v == expected.v)) {
        return stage2_drop(&domain->stage2, &domain->pool, ipa);
    }
    return ERR_NOENT;
}

enum status physmap_remove(struct domain *domain, ipa_t ipa, pa_t expected)
{
    enum status status = ERR_NOENT;

    if (ipa.v % PAGE_SIZE == 0 && !is_fixed(domain, ipa)) {
        spin_lock(&domain->stage2_lock);
        status = remove_locked(domain, ipa, expected);
        spin_unlock(&domain->stage2_lock);
    }
    return status;
}

enum status physmap_withdraw(struct domain *domain, ipa_t ipa, pa_t expected)
{
    enum status status;

    spin_lock(&domain->stage2_lock);
    status = remove_locked(domain, ipa, expected);
    if (!dma_replace(domain, ipa, expected, NULL)) {
        status = ERR_BUSY;
    }
    spin_unlock(&domain->stage2_lock);
    return status;
}

enum status physmap_replace(struct domain *domain, ipa_t ipa, pa_t expected, pa_t pa,
                            enum physmap_access access)
{
    struct domain_map to = {ipa, pa, PAGE_SIZE, kind_of(access)};
    struct physmap_page page;
    enum status status = ERR_NOENT;

    spin_lock(&domain->stage2_lock);
    if (look_locked(domain, ipa, &page) && page.pa.v == expected.v) {
        status = stage2_put(&domain->stage2, &domain->pool, ipa, pa, to.kind);
    }
    (void)!dma_replace(domain, ipa, expected, &to);
    spin_unlock(&domain->stage2_lock);
    return status;
}

/* The page goes from ipa, if it still is there. Its entry is a page's own: no table is needed. */
static void leave_locked(struct domain *domain, ipa_t ipa, pa_t pa)
{
    struct physmap_page page;
    pa_t home;

    if (look_locked(domain, ipa, &page) && page.pa.v == pa.v) {
        if (physmap_home(domain, ipa, &home)) {
            (void)!stage2_put(&domain->stage2, &domain->pool, ipa, home, MAP_RAM);
        } else {
            (void)!stage2_drop(&domain->stage2, &domain->pool, ipa);
        }
    }
}

enum status physmap_move(struct domain *domain, ipa_t *at, ipa_t ipa, pa_t pa)
{
    enum status status = ERR_RANGE;

    if (ipa.v % PAGE_SIZE == 0 && !is_fixed(domain, ipa)) {
        spin_lock(&domain->stage2_lock);
        status = stage2_put(&domain->stage2, &domain->pool, ipa, pa, MAP_SHARED);
        if (status == OK) {
            if (at->v != ~UINT64_C(0) && at->v != ipa.v) {
                leave_locked(domain, *at, pa);
            }
            __atomic_store_n(&at->v, ipa.v, __ATOMIC_RELAXED); /* others may look without the lock */
        }
        spin_unlock(&domain->stage2_lock);
    }
    return status;
}

enum status physmap_restore(struct domain *domain, ipa_t ipa)
{
    struct physmap_page page;
    enum status status = ERR_EXIST;
    pa_t home;

    if (ipa.v % PAGE_SIZE != 0 || !physmap_home(domain, ipa, &home)) {
        return ERR_NOENT;
    }
    spin_lock(&domain->stage2_lock);
    if (!look_locked(domain, ipa, &page)) {
        status = stage2_put(&domain->stage2, &domain->pool, ipa, home, MAP_RAM);
    }
    spin_unlock(&domain->stage2_lock);
    return status;
}

bool physmap_valid(struct domain *domain, ipa_t ipa, enum physmap_access access)
{
    struct physmap_page page;

    return physmap_look(domain, ipa, &page) && (access == PHYSMAP_READ || page.writable);
}

uint64_t physmap_ram_pages(const struct domain *domain)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < domain->record->nr_maps; i++) {
        if (domain->record->maps[i].kind == MAP_RAM) {
            pages += domain->record->maps[i].size / PAGE_SIZE;
        }
    }
    return pages;
}
