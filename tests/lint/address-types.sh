#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Physical, guest physical and virtual addresses are structures, so mixing them must not compile. Each line below is
# compiled alone; the first two must be accepted (the control), the rest refused.
set -euo pipefail
source_root=$1
compile() {
    printf '#include "base/types.h"\npa_t f(pa_t p, ipa_t i, va_t v);\npa_t f(pa_t p, ipa_t i, va_t v) { (void)p; (void)i; (void)v; %s }\n' "$1" |
        clang-19 --target=aarch64-none-elf -std=c17 -ffreestanding -fsyntax-only -Wall -Wextra -Werror \
            -I"$source_root/hypervisor" -x c - 2>/dev/null
}
bad=0
while IFS='|' read -r expected statement; do
    got=refused
    compile "$statement" && got=accepted
    if [ "$got" != "$expected" ]; then
        echo "hypervisor/base/types.h: \`$statement\` is $got by the compiler, should be $expected"
        bad=1
    fi
done <<'CASES'
accepted|return p;
accepted|return PA(p.v + 1);
refused|return i;
refused|return v;
refused|return p + 1;
refused|return 0;
refused|p = i; return p;
refused|i = v; return p;
refused|return f(i, p, v);
refused|return PA(i);
refused|return (p == p) ? p : p;
refused|return *(pa_t *)p;
CASES
exit $bad
