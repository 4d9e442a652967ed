/* SPDX-License-Identifier: Apache-2.0 */
/* xen_version: x0 = what, x1 = where to. Bulkhead offers the guest ABI of Xen 4.17 and says so. */
#include "base/bits.h"
#include "base/string.h"
#include "core/domain.h"
#include "core/guest_copy.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_abi_memory.h"
#include "guest/xen/xen_errno.h"

#define VERSION (4u << 16 | 17u)

/* Xen public features.h */
#define FEATURE_WRITABLE_PAGE_TABLES BIT(0)
#define FEATURE_AUTO_TRANSLATED      BIT(2)
#define FEATURE_DOM0                 BIT(11)
#define FEATURE_MEMORY_OP_VNODE      BIT(13)
#define FEATURE_SMCCC                BIT(14)
#define FEATURE_NOT_DIRECT_MAPPED    BIT(16)
#define FEATURE_DIRECT_MAPPED        BIT(17)

static int64_t put(struct vcpu *vcpu, const void *from, size_t size)
{
    return copy_to_guest(vcpu, (va_t){vcpu->x[1]}, from, size) == OK ? 0 : -XEN_EFAULT;
}

static uint32_t features(const struct domain *domain)
{
    uint64_t map =
        FEATURE_WRITABLE_PAGE_TABLES | FEATURE_AUTO_TRANSLATED | FEATURE_MEMORY_OP_VNODE | FEATURE_SMCCC;

    map |=
        (domain->record->flags & DOMAIN_DIRECT_MAP) != 0 ? FEATURE_DIRECT_MAPPED : FEATURE_NOT_DIRECT_MAPPED;
    map |= (domain->record->flags & DOMAIN_HARDWARE) != 0 ? FEATURE_DOM0 : 0;
    return (uint32_t)map;
}

static int64_t get_features(struct vcpu *vcpu)
{
    struct xen_feature_info info;
    va_t out = {vcpu->x[1] + offsetof(struct xen_feature_info, submap)};

    if (copy_from_guest(vcpu, &info, (va_t){vcpu->x[1]}, sizeof info) != OK) {
        return -XEN_EFAULT;
    }
    if (info.submap_idx != 0) {
        return -XEN_EINVAL;
    }
    info.submap = features(vcpu->domain);
    return copy_to_guest(vcpu, out, &info.submap, sizeof info.submap) == OK ? 0 : -XEN_EFAULT;
}

/* Zeroes, but for the text. */
static int64_t put_capabilities(struct vcpu *vcpu)
{
    static const char text[] = "xen-3.0-aarch64 ";
    static const uint8_t zeros[256];
    uint64_t at = vcpu->x[1];

    if (guest_writable(vcpu, (va_t){at}, sizeof(xen_capabilities_t)) != OK) {
        return -XEN_EFAULT;
    }
    for (uint64_t done = 0; done < sizeof(xen_capabilities_t); done += sizeof zeros) {
        if (copy_to_guest(vcpu, (va_t){at + done}, zeros, sizeof zeros) != OK) {
            return -XEN_EFAULT;
        }
    }
    return put(vcpu, text, sizeof text);
}

/* Apart from the cheapest question, since it saves registers. */
static __attribute__((noinline)) int64_t other_question(struct vcpu *vcpu)
{
    static const xen_extraversion_t extra = ".0-bulkhead";
    static const struct xen_compile_info compiled = {.compiler = "clang"};
    static const xen_changeset_t changeset = "";
    static const xen_handle_t handle;
    static const uint64_t virt_start;

    switch ((uint32_t)vcpu->x[0]) {
    case XENVER_EXTRAVERSION:
        return put(vcpu, extra, sizeof extra);
    case XENVER_COMPILE_INFO:
        return put(vcpu, &compiled, sizeof compiled);
    case XENVER_CAPABILITIES:
        return put_capabilities(vcpu);
    case XENVER_CHANGESET:
        return put(vcpu, changeset, sizeof changeset);
    case XENVER_PLATFORM_PARAMETERS:
        return put(vcpu, &virt_start, sizeof virt_start);
    case XENVER_GET_FEATURES:
        return get_features(vcpu);
    case XENVER_PAGESIZE:
        return PAGE_SIZE;
    case XENVER_GUEST_HANDLE:
        return put(vcpu, handle, sizeof handle);
    case XENVER_COMMANDLINE: /* empty: it is none of a guest's business */
        return put(vcpu, changeset, 1);
    case XENVER_BUILD_ID:
        return -XEN_EPERM;
    default:
        return -XEN_ENOSYS;
    }
}

int64_t xen_version(struct vcpu *vcpu)
{
    return (uint32_t)vcpu->x[0] == XENVER_VERSION ? VERSION : other_question(vcpu);
}
