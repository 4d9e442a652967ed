/* SPDX-License-Identifier: Apache-2.0 */
/* HYPERVISOR_console_io (Xen public xen.h): x0 = 0 write or 1 read, x1 = count, x2 = buffer. The console of
 * bare-metal guests without a UART. */
#include "core/console.h"
#include "core/domain.h"
#include "core/effects.h"
#include "core/guest_copy.h"
#include "guest/xen/hypercall.h"
#include "guest/xen/xen_errno.h"

#define PIECE 64u

/* What does not fit is tried again: the caller waits for the UART, others go on. */
static int64_t write(struct vcpu *vcpu, uint64_t count, va_t from)
{
    struct domain *domain = vcpu->domain;
    uint32_t piece = (uint32_t)min_u64(count, PIECE), done = 0;
    uint8_t bytes[PIECE];

    if (piece == 0) {
        return 0;
    }
    if (copy_from_guest(vcpu, bytes, from, piece) != OK) {
        return -XEN_EFAULT;
    }
    spin_lock(domain->port_lock);
    if (!domain->port_attached) {
        domain_attach_port(domain);
    }
    while (done < piece && console_put(domain->port, bytes[done])) {
        done++;
    }
    if (done == count && bytes[done - 1u] == ' ') {
        console_settle(domain->port);
    }
    spin_unlock(domain->port_lock);
    effects_refresh_uarts(console_pump());
    if (done == count) {
        return 0;
    }
    vcpu->x[1] = count - done;
    vcpu->x[2] = from.v + done;
    return hypercall_again(vcpu);
}

static int64_t read(struct vcpu *vcpu, uint64_t count, va_t to)
{
    struct domain *domain = vcpu->domain;
    uint8_t bytes[PIECE];
    uint32_t done = 0;

    if (guest_writable(vcpu, to, min_u64(count, PIECE)) != OK) {
        return -XEN_EFAULT;
    }
    spin_lock(domain->port_lock);
    while (done < count && done < PIECE && console_get(domain->port, &bytes[done])) {
        done++;
    }
    spin_unlock(domain->port_lock);
    return copy_to_guest(vcpu, to, bytes, done) == OK ? (int64_t)done : -XEN_EFAULT;
}

int64_t console_io(struct vcpu *vcpu)
{
    uint64_t count = (uint32_t)vcpu->x[1];
    va_t at = {vcpu->x[2]};

    switch (vcpu->x[0]) {
    case 0:
        return write(vcpu, count, at);
    case 1:
        return read(vcpu, count, at);
    default:
        return -XEN_ENOSYS;
    }
}
