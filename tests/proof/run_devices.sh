#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the contracts of device_walk.c with Frama-C's WP, and that broken sources are not proved. run_devices.sh OUT
# Needs the packages frama-c-base, why3, cvc4 and z3 of Debian 12; without them it says so and passes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$1
root=$(cd "$here/../.." && pwd)
rm -rf "$out"
mkdir -p "$out"

for tool in frama-c why3 cvc4 z3; do
    command -v $tool >/dev/null || {
        echo "device proof: SKIPPED, $tool is not installed (apt-get install frama-c-base why3 cvc4 z3)"
        exit 0
    }
done
# The list of provers is a file in HOME; this one is the proof's own.
HOME=$out why3 config detect >"$out/why3.log" 2>&1

# Folder with devices/, functions, seconds a goal may take, options: the numbers of the line "Proved goals".
prove() {
    (cd "$out" && HOME=$out timeout 900 frama-c -c11 -wp -wp-rte -wp-timeout "$3" -wp-par 2 -wp-prover cvc4,z3 \
        -machdep gcc_x86_64 -cpp-extra-args="-I$1 -I$root/include $4" -wp-fct "$2" \
        "$here/device_walk.c" >"$1/proof$4.log" 2>&1)
    sed -n 's/^\[wp\] Proved goals: *\([0-9]*\) *\/ *\([0-9]*\).*/\1 \2/p' "$1/proof$4.log" | tail -1
}

# Name of a variant, the file it changes, the change.
copy() {
    mkdir -p "$out/$1/devices"
    cp "$root"/devices/*.[ch] "$out/$1/devices"
    [ $# = 1 ] && return
    sed "$3" "$root/devices/$2" >"$out/$1/devices/$2"
    ! cmp -s "$root/devices/$2" "$out/$1/devices/$2"
}

wrong=0
sound() {
    set -- "$1" $(prove "$out/sound" "$2" 60 "$3")
    echo "device proof, $1: ${2:-0} of ${3:-?} goals"
    [ $# = 3 ] && [ "$2" = "$3" ] || wrong=1
}
copy sound
sound windows dev_memory_at -DWINDOWS
sound walk add_buffer,indirect_table,read_chain ""

broken() {
    copy "$1" "$2" "$3" || { echo "device proof, broken source $1: is not broken any more"; wrong=1; return; }
    set -- "$1" $(prove "$out/$1" "$4" 5 "$5")
    if [ $# = 3 ] && [ "$2" -lt "$3" ]; then
        echo "device proof, broken source $1: refused"
    else
        echo "device proof, broken source $1: NOT refused"
        wrong=1
    fi
}
broken too-long memory.h 's/ && length <= window->size - offset//' dev_memory_at -DWINDOWS
broken any-index queue.c 's/if (index >= entries)/if (index > entries)/' read_chain ""
broken one-more queue.c 's/nr >= QUEUE_MAX_BUFFERS/nr > QUEUE_MAX_BUFFERS/' add_buffer ""
[ "$wrong" = 0 ]
