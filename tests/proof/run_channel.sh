#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the contracts of channel_arithmetic.c with Frama-C's WP, and that two broken headers are not proved.
# run_channel.sh OUT
# Needs the packages frama-c-base, why3, cvc4 and z3 of Debian 12; without them it says so and passes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$1
root=$(cd "$here/../.." && pwd)
rm -rf "$out"
mkdir -p "$out/sound/bulkhead" "$out/beyond/bulkhead" "$out/longer/bulkhead"

for tool in frama-c why3 cvc4 z3; do
    command -v $tool >/dev/null || {
        echo "channel proof: SKIPPED, $tool is not installed (apt-get install frama-c-base why3 cvc4 z3)"
        exit 0
    }
done
# The list of provers is a file in HOME; this one is the proof's own.
HOME=$out why3 config detect >"$out/why3.log" 2>&1

# Header folder, functions joined by commas, seconds a goal may take: the numbers of the line "Proved goals".
prove() {
    (cd "$out" && HOME=$out timeout 900 frama-c -c11 -wp -wp-rte -wp-smoke-tests -wp-smoke-timeout 1 -wp-timeout "$3" \
        -wp-par 2 -wp-prover cvc4,z3 -machdep gcc_x86_64 -cpp-extra-args="-I$out/$1" -wp-fct "$2" \
        "$here/channel_arithmetic.c" >"$out/$1.log" 2>&1)
    sed -n 's/^\[wp\] Proved goals: *\([0-9]*\) *\/ *\([0-9]*\).*/\1 \2/p' "$out/$1.log" | tail -1
}

header=$root/include/bulkhead/channel.h
cp "$header" "$out/sound/bulkhead/channel.h"
sed 's/need <= ready && need <= size - offset/need <= ready/' "$header" >"$out/beyond/bulkhead/channel.h"
sed 's/size \/ 16u \* 8u - 8u/size \/ 16u * 8u/' "$header" >"$out/longer/bulkhead/channel.h"

names=footprint,longest,skip,crossed,plausible,record,record_fits,look,peek,find_room,finish,reserve
set -- $(prove sound "$(echo ",$names" | sed 's/,/,bh_channel_/g; s/^,//')" 60)
proved=${1:-0} goals=${2:-1} wrong=0
echo "channel proof: $proved of $goals goals"
[ "$proved" = "$goals" ] || { wrong=1; grep -A2 'Failed\|Timeout\|rror' "$out/sound.log"; }
for broken in beyond,record_fits longer,longest; do
    variant=${broken%,*}
    if cmp -s "$header" "$out/$variant/bulkhead/channel.h"; then
        echo "channel proof, broken header $variant: is not broken any more"
        wrong=1
        continue
    fi
    set -- $(prove "$variant" "bh_channel_${broken#*,}" 5)
    if [ $# = 2 ] && [ "$1" -lt "$2" ]; then
        echo "channel proof, broken header $variant: refused"
    else
        echo "channel proof, broken header $variant: NOT refused"
        wrong=1
    fi
done
[ "$wrong" = 0 ]
