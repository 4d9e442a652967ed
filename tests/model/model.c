/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#define HYPERCALL_MEMORY  12u
#define HYPERCALL_VERSION 17u
#define HYPERCALL_CONSOLE 18u
#define HYPERCALL_GRANT   20u
#define HYPERCALL_VCPU    24u
#define HYPERCALL_SCHED   29u
#define HYPERCALL_EVENT   32u
#define HYPERCALL_HVM     34u
#define HYPERCALL_DM      41u

/* --- verdicts --- */

void verdict_allow(struct verdict *v, unsigned error)
{
    if (!v->unreadable) {
        v->errors[error / 64u] |= UINT64_C(1) << error % 64u;
    }
}

void verdict_deny(struct verdict *v, unsigned error)
{
    verdict_allow(v, error);
    v->failing = true;
}

void verdict_deny_any(struct verdict *v)
{
    v->errors[0] = v->errors[1] = ~UINT64_C(0);
    v->failing = true;
}

bool model_settle(struct model *m, const struct verdict *v, int64_t result)
{
    if (result >= 0) {
        if (v->failing) {
            model_fail(m, "success where an error was expected", v->errors[0], (uint64_t)result, 0);
        }
        return !v->failing;
    }
    if (result < -127 || (v->errors[(unsigned)-result / 64u] >> (unsigned)-result % 64u) % 2u == 0) {
        model_fail(m, "result", v->failing ? v->errors[0] : 0, (uint64_t)result, 0);
    }
    return false;
}

/* --- domids --- */

bool domain_exists(const struct model *m, uint64_t domid)
{
    return domid != 0 && domid < m->config.domids_end;
}

unsigned domain_by_id(const struct model *m, unsigned self, uint64_t domid)
{
    if (domid == MODEL_DOMID_SELF) {
        return self;
    }
    for (unsigned i = 0; i < MODEL_DOMAINS; i++) {
        if (m->domains[i].domid == domid) {
            return i;
        }
    }
    return MODEL_DOMAINS;
}

void require_self(const struct model *m, unsigned self, uint64_t domid, struct verdict *v)
{
    if (domain_by_id(m, self, domid) == self) {
        return;
    }
    verdict_deny(v, EPERM);
    if (!domain_exists(m, domid)) {
        verdict_allow(v, ESRCH);
    }
}

/* --- start --- */

static void start_domain(struct model *m, unsigned index)
{
    struct model_domain *d = &m->domains[index];

    d->domid = m->config.domids[index];
    d->ram = m->config.ram[index];
    d->window = m->config.window[index];
    d->nr_frames = m->config.first_frames;
    for (unsigned i = 0; i < MODEL_RAM; i++) {
        d->slots[i] = (struct model_slot){.kind = MODEL_OWN, .page = (uint16_t)MODEL_RAM_PAGE(index, i)};
    }
    for (unsigned page = MODEL_RAM_PAGE(index, 0); page < MODEL_GRANT_FRAME(index, m->config.max_frames);
         page++) {
        shadow_adopt(m, page, 0, MODEL_PAGE);
    }
}

void model_init(struct model *model, const struct model_config *config, const struct model_machine *machine)
{
    clear_bytes(model, sizeof *model);
    model->config = *config;
    model->machine = *machine;
    for (unsigned i = 0; i < MODEL_DOMAINS; i++) {
        start_domain(model, i);
    }
}

/* --- one call --- */

static void dispatch(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};

    switch (call->nr) {
    case HYPERCALL_MEMORY:
        model_memory_op(m, call);
        break;
    case HYPERCALL_VERSION:
        model_version_op(m, call);
        break;
    case HYPERCALL_CONSOLE:
        model_console_op(m, call);
        break;
    case HYPERCALL_GRANT:
        model_grant_op(m, call);
        break;
    case HYPERCALL_VCPU:
        model_vcpu_op(m, call);
        break;
    case HYPERCALL_SCHED:
        model_sched_op(m, call);
        break;
    case HYPERCALL_EVENT:
        model_event_op(m, call);
        break;
    case HYPERCALL_HVM:
        model_hvm_op(m, call);
        break;
    case HYPERCALL_DM: /* none of these domains serves another: some error, and nothing changes */
        verdict_deny_any(&v);
        model_settle(m, &v, call->result);
        break;
    default:
        verdict_deny(&v, ENOSYS);
        model_settle(m, &v, call->result);
        break;
    }
}

typedef uint64_t __attribute__((may_alias)) word_t;

static bool compare_page(struct model *m, unsigned page)
{
    unsigned ram = page % MODEL_WATCHED;
    unsigned end = ram < MODEL_PRIVATE && ram % 2u != 0 ? MODEL_PAGE - MODEL_RESTLESS : MODEL_PAGE;
    const volatile word_t *now =
        (const volatile word_t *)(const void *)m->machine.page(m->machine.context, page);
    const word_t *want = (const word_t *)(const void *)m->shadow[page];

    for (unsigned i = 0; i < end / 8u; i++) {
        uint64_t got = now[i];

        if (got != want[i]) {
            model_fail(m, "memory", want[i], got, (uint64_t)page * MODEL_PAGE + i * 8u);
            return false;
        }
    }
    return true;
}

static void check_upcalls(struct model *m)
{
    for (unsigned i = 0; i < MODEL_DOMAINS && m->machine.upcall != NULL; i++) {
        for (unsigned v = 0; v < MODEL_VCPUS; v++) {
            bool wanted = (m->raised >> (i * 8u + v)) % 2u != 0;

            if (wanted && !m->machine.upcall(m->machine.context, i, v)) {
                model_fail(m, "no upcall", 1, 0, i * 8u + v);
            }
        }
    }
}

static void check_slots(struct model *m)
{
    for (unsigned i = 0; i < MODEL_DOMAINS; i++) {
        for (unsigned slot = 0; slot < MODEL_SLOTS && m->failure == NULL; slot++) {
            slot_check(m, i, slot);
        }
    }
}

static bool is_comparable(const struct model *m, unsigned page)
{
    unsigned which = page % MODEL_WATCHED;

    return which <= MODEL_RAM + m->config.max_frames && !(m->config.busy && which < MODEL_PRIVATE);
}

bool model_call(struct model *model, const struct model_call *call)
{
    clear_bytes(model->touched, sizeof model->touched);
    model->raised = 0;
    model->repopulated = false;
    dispatch(model, call);
    check_upcalls(model);
    for (unsigned page = 0; page < MODEL_PAGES && model->failure == NULL; page++) {
        if ((model->touched[page / 64u] >> page % 64u) % 2u != 0) {
            compare_page(model, page);
        }
    }
    if (model->repopulated) {
        check_slots(model);
    }
    return model->failure == NULL;
}

bool model_compare(struct model *model)
{
    for (unsigned page = 0; page < MODEL_PAGES && model->failure == NULL; page++) {
        if (is_comparable(model, page)) {
            compare_page(model, page);
        }
    }
    check_slots(model);
    return model->failure == NULL;
}
