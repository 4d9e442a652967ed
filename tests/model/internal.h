/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the model. */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "model.h"

enum {
    EPERM = 1,
    ENOENT = 2,
    ESRCH = 3,
    ENXIO = 6,
    E2BIG = 7,
    ENOMEM = 12,
    EACCES = 13,
    EFAULT = 14,
    EBUSY = 16,
    EEXIST = 17,
    EINVAL = 22,
    ENOSPC = 28,
    ENOSYS = 38,
    ETIME = 62,
    EOPNOTSUPP = 95
};

/* What the ABI permits as an answer. It begins with success alone. */
struct verdict {
    uint64_t errors[2]; /* bit = errno, or minus a grant status */
    bool failing;       /* success is not permitted */
    bool unreadable;    /* the arguments are unknown: what depends on them is no reason for an error */
};

void verdict_allow(struct verdict *v, unsigned error); /* the error is permitted, and so is what was before */
void verdict_deny(struct verdict *v, unsigned error);  /* an error there must be; this one is permitted */
void verdict_deny_any(struct verdict *v);

void model_fail(struct model *m, const char *what, uint64_t want, uint64_t got, uint64_t where);
/* Whether the result is success; one that is not permitted is a failure. */
bool model_settle(struct model *m, const struct verdict *v, int64_t result);

/* Guest memory. Ranges of a guest are checked page by page, so they may cross from one page into any other.
 */
struct place {
    unsigned page, offset;
};
bool guest_place(struct model *m, unsigned domain, uint64_t va, bool write, struct place *place);
bool guest_accessible(struct model *m, unsigned domain, uint64_t va, uint64_t size, bool write);
bool guest_read(struct model *m, unsigned domain, uint64_t va, void *to, unsigned size);
bool guest_write(struct model *m, unsigned domain, uint64_t va, const void *from, unsigned size);
/* What the machine holds there now; true if it could be read. */
bool guest_peek(struct model *m, unsigned domain, uint64_t va, void *to, unsigned size);
/* The shadow takes what the machine holds there now. */
void guest_adopt(struct model *m, unsigned domain, uint64_t va, unsigned size);

void shadow_touch(struct model *m, unsigned page);
void shadow_adopt(struct model *m, unsigned page, unsigned offset, unsigned size);
uint64_t shadow_get(const struct model *m, unsigned page, unsigned offset, unsigned size);
void shadow_put(struct model *m, unsigned page, unsigned offset, unsigned size, uint64_t value);
uint64_t machine_get(const struct model *m, unsigned page, unsigned offset, unsigned size);

/* A structure that a call names. */
struct arg {
    uint64_t va;
    uint8_t bytes[48];
    bool readable;
};
/* Reads it; a fault is denied in the verdict. */
void arg_read(struct model *m, unsigned domain, struct arg *arg, uint64_t va, unsigned size,
              struct verdict *v);
/* It will be written at [offset, offset + out_size); the machine may write back all `size` bytes of it. */
void arg_out(struct model *m, unsigned domain, const struct arg *arg, unsigned size, unsigned offset,
             unsigned out_size, struct verdict *v);
uint64_t arg_get(const struct arg *arg, unsigned offset, unsigned size);

/* Index of the model's domain with that domid as seen by `self`, or MODEL_DOMAINS. */
unsigned domain_by_id(const struct model *m, unsigned self, uint64_t domid);
bool domain_exists(const struct model *m, uint64_t domid);
/* The domid must be the caller's own. */
void require_self(const struct model *m, unsigned self, uint64_t domid, struct verdict *v);

void model_event_set_pending(struct model *m, unsigned domain, unsigned port);
void model_event_register_vcpu_info(struct model *m, const struct model_call *call);
bool grant_shared_frames(struct model *m, unsigned domain,
                         uint64_t frames); /* grows the table; false: above its limit */
void slot_replace(struct model *m, unsigned domain, unsigned slot, struct model_slot with);
/* The machine's slot must be one of two. */
void slot_choose(struct model *m, unsigned domain, unsigned slot, struct model_slot with);
bool slot_check(struct model *m, unsigned domain, unsigned slot);

void model_event_op(struct model *m, const struct model_call *call);
void model_grant_op(struct model *m, const struct model_call *call);
void model_memory_op(struct model *m, const struct model_call *call);
void model_version_op(struct model *m, const struct model_call *call);
void model_console_op(struct model *m, const struct model_call *call);
void model_vcpu_op(struct model *m, const struct model_call *call);
void model_sched_op(struct model *m, const struct model_call *call);
void model_hvm_op(struct model *m, const struct model_call *call);

static inline void copy_bytes(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
}

static inline void clear_bytes(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((volatile uint8_t *)to)[i] = 0;
    }
}

static inline uint64_t bytes_get(const uint8_t *from, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = size; i > 0; i--) {
        value = value << 8 | from[i - 1u];
    }
    return value;
}

static inline void bytes_put(uint8_t *to, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        to[i] = (uint8_t)(value >> 8u * i);
    }
}

#endif
