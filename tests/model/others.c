/* SPDX-License-Identifier: Apache-2.0 */
/* xen_version, console_io, vcpu_op, sched_op, hvm_op. */
#include "internal.h"

#define RUNSTATE_SIZE 48u
#define FEATURES      UINT64_C(0x16005)

/* An answer of at least `least` and at most `size` bytes whose content is not followed. */
static void answer(struct model *m, const struct model_call *call, uint64_t va, unsigned least, unsigned size)
{
    struct verdict v = {0};

    if (!guest_accessible(m, call->domain, va, least, true)) {
        verdict_deny(&v, EFAULT);
    } else if (!guest_accessible(m, call->domain, va, size, true)) {
        verdict_allow(&v, EFAULT);
    }
    if (model_settle(m, &v, call->result)) {
        guest_adopt(m, call->domain, va, size);
    } else {
        guest_adopt(m, call->domain, va, size); /* the pages before the bad one may have been written */
    }
}

static void features(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    uint8_t out[4] = {0};

    arg_read(m, call->domain, &arg, call->args[1], 8, &v);
    arg_out(m, call->domain, &arg, 8, 4, 4, &v);
    if (arg_get(&arg, 0, 4) != 0) {
        verdict_allow(&v, EINVAL);
    } else {
        bytes_put(out, 4, FEATURES);
    }
    if (model_settle(m, &v, call->result)) {
        guest_write(m, call->domain, arg.va + 4, out, 4);
    }
}

void model_version_op(struct model *m, const struct model_call *call)
{
    /* extraversion, compile_info, capabilities, changeset, platform parameters, -, -, guest handle, command
     * line */
    static const uint16_t sizes[] = {0, 16, 144, 1024, 64, 8, 0, 0, 16, 1024};
    struct verdict v = {0};
    uint64_t op = call->args[0];

    if (op == 0 || op == 7) {
        if (call->result != (op == 0 ? 4 << 16 | 17 : (int64_t)MODEL_PAGE)) {
            model_fail(m, "xen_version", op, (uint64_t)call->result, 0);
        }
    } else if (op == 6) {
        features(m, call);
    } else if (op < 9 || (op == 9 && call->result != -EPERM)) {
        answer(m, call, call->args[1], op == 9 ? 1 : sizes[op], sizes[op]); /* the command line is withheld */
    } else if (op > 9) {
        verdict_deny(&v, ENOSYS);
        if (op <= 13) {
            verdict_deny_any(&v); /* the build id, and what later versions added */
        }
        model_settle(m, &v, call->result);
    }
}

void model_console_op(struct model *m, const struct model_call *call)
{
    uint64_t op = call->args[0], size = call->args[1] % (UINT64_C(1) << 32);
    struct verdict v = {0};

    if (op > 1) {
        verdict_deny(&v, ENOSYS);
    } else if (!guest_accessible(m, call->domain, call->args[2], size, op == 1)) {
        if (op == 0) {
            verdict_deny(&v, EFAULT);
        }
        verdict_allow(&v, EFAULT); /* reading: only if there is input */
    }
    if (size == 0) {
        verdict_allow(&v, EFAULT); /* the place may be looked at first */
    }
    if (size >= UINT64_C(1) << 31) {
        verdict_allow(&v, EINVAL);
    }
    if (model_settle(m, &v, call->result) && (uint64_t)call->result > size) {
        model_fail(m, "bytes at the console", size, (uint64_t)call->result, 0);
    }
}

/* The area's content changes with time: the generator puts it where nothing else lies, and no one looks at
 * it. */
static void runstate(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    if (call->args[1] >= MODEL_VCPUS) {
        verdict_deny(&v, ENOENT);
    } else if (call->args[1] != call->vcpu) {
        verdict_allow(&v, EINVAL);
    }
    arg_read(m, call->domain, &arg, call->args[2], 8, &v);
    if (!guest_accessible(m, call->domain, arg_get(&arg, 0, 8), RUNSTATE_SIZE, true)) {
        verdict_allow(&v, EFAULT);
        verdict_allow(&v, EINVAL);
    }
    if (model_settle(m, &v, call->result)) {
        guest_adopt(m, call->domain, arg_get(&arg, 0, 8), RUNSTATE_SIZE);
    }
}

void model_vcpu_op(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    switch (call->args[0]) {
    case 5:
        runstate(m, call);
        break;
    case 8: /* single-shot timer, set for the far future only */
        if (call->args[1] != call->vcpu) {
            verdict_deny(&v, EINVAL);
            verdict_allow(&v, ENOENT);
        }
        arg_read(m, call->domain, &arg, call->args[2], 16, &v);
        model_settle(m, &v, call->result);
        break;
    case 9:
        if (call->args[1] != call->vcpu) {
            verdict_deny(&v, EINVAL);
            verdict_allow(&v, ENOENT);
        }
        model_settle(m, &v, call->result);
        break;
    case 10:
        model_event_register_vcpu_info(m, call);
        break;
    default:
        verdict_deny(&v, ENOSYS);
        if (call->args[1] >= MODEL_VCPUS) {
            verdict_allow(&v, ENOENT);
            verdict_allow(&v, EINVAL);
        }
        model_settle(m, &v, call->result);
        break;
    }
}

static void poll(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;
    uint8_t port[4];
    uint64_t count;

    arg_read(m, call->domain, &arg, call->args[1], 24, &v);
    count = arg_get(&arg, 8, 4);
    if (count > 128) {
        verdict_deny(&v, EINVAL);
    } else if (count > 64) {
        verdict_allow(&v, EINVAL);
    }
    for (uint64_t i = 0; i < count && i <= 128; i++) {
        if (!guest_read(m, call->domain, arg_get(&arg, 0, 8) + i * 4u, port, 4)) {
            verdict_allow(&v, EFAULT); /* not if a port before it is pending already */
            if (i == 0) {
                verdict_deny(&v, EFAULT);
            }
        } else if (bytes_get(port, 4) > m->config.max_port || bytes_get(port, 4) == 0) {
            verdict_allow(&v, EINVAL);
        }
    }
    model_settle(m, &v, call->result);
}

void model_sched_op(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    switch (call->args[0]) {
    case 0: /* yield */
        model_settle(m, &v, call->result);
        break;
    case 2: /* shutdown, never with a readable argument: the domain would be gone */
        arg_read(m, call->domain, &arg, call->args[1], 4, &v);
        model_settle(m, &v, call->result);
        break;
    case 3:
        poll(m, call);
        break;
    case 6: /* watchdog: its numbers are not followed */
        arg_read(m, call->domain, &arg, call->args[1], 8, &v);
        if (!v.failing) {
            verdict_allow(&v, EINVAL);
            verdict_allow(&v, ENOSPC);
            verdict_allow(&v, EEXIST);
        }
        model_settle(m, &v, call->result);
        break;
    default:
        verdict_deny(&v, ENOSYS);
        verdict_allow(&v, EPERM); /* remote shutdown */
        model_settle(m, &v, call->result);
        break;
    }
}

static unsigned param_index(uint64_t param)
{
    static const uint8_t known[] = {1, 2, 17, 18};

    for (unsigned i = 0; i < sizeof known; i++) {
        if (known[i] == param) {
            return i;
        }
    }
    return sizeof known;
}

static void get_param(struct model *m, const struct model_call *call)
{
    struct model_domain *d = &m->domains[call->domain];
    struct verdict v = {0};
    struct arg arg;
    uint8_t value[8];
    uint64_t param;
    unsigned index;

    arg_read(m, call->domain, &arg, call->args[1], 16, &v);
    arg_out(m, call->domain, &arg, 16, 8, 8, &v);
    require_self(m, call->domain, arg_get(&arg, 0, 2), &v);
    param = arg_get(&arg, 4, 4);
    index = param_index(param);
    if (index == 4 && param != 0) {
        verdict_allow(&v, EINVAL);
    }
    if (!model_settle(m, &v, call->result)) {
        return;
    }
    guest_peek(m, call->domain, arg.va + 8, value, 8);
    if (index < 4) {
        if ((d->params_seen >> index) % 2u == 0) {
            d->params[index] = bytes_get(value, 8);
            d->params_seen |= (uint8_t)(1u << index);
        }
        bytes_put(value, 8, d->params[index]); /* they never change */
    } else if (param != 0 || bytes_get(value, 8) != (UINT64_C(2) << 56 | 2u << 8 | 31u)) {
        bytes_put(value, 8, 0);
    }
    guest_write(m, call->domain, arg.va + 8, value, 8);
}

void model_hvm_op(struct model *m, const struct model_call *call)
{
    struct verdict v = {0};
    struct arg arg;

    if (call->args[0] == 1) {
        get_param(m, call);
        return;
    }
    if (call->args[0] == 0) {
        arg_read(m, call->domain, &arg, call->args[1], 16, &v);
        verdict_deny(&v, EPERM);
        verdict_allow(&v, EINVAL);
        verdict_allow(&v, ESRCH);
        if (!arg.readable) {
            v.errors[0] |= UINT64_C(1) << EPERM; /* refused before it was looked at */
        }
    } else {
        verdict_deny(&v, ENOSYS);
    }
    model_settle(m, &v, call->result);
}
