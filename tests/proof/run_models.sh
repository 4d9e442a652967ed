#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks every Spin model of this folder, and that each of its broken variants is refused. run_models.sh OUT
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
good=0 refused=0 wrong=0

check() { # model, variant: the number of errors
    dir=$out/$1-$2
    rm -rf "$dir"
    mkdir -p "$dir"
    cd "$dir" || exit 1
    spin -a -DBROKEN="$2" "$here/$1.pml" >spin.log 2>&1 && cc -O2 -DSAFETY -DMEMLIM=1500 -o pan pan.c >cc.log 2>&1 || {
        echo "broken"
        return
    }
    timeout 300 ./pan -m1000000 >pan.log 2>&1
    grep -q 'max search depth too small\|out of memory' pan.log && echo "incomplete" && return
    sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log
}

for model in "$here"/*.pml; do
    name=$(basename "$model" .pml)
    errors=$(check "$name" 0)
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$out/$name-0/pan.log")
    if [ "$errors" = 0 ]; then
        good=$((good + 1))
        echo "model $name: holds, $states states"
    else
        wrong=$((wrong + 1))
        echo "model $name: errors: $errors ($out/$name-0)"
    fi
    for variant in $(sed -n 's/.*BROKEN == \([0-9]*\).*/\1/p; s/.*BROKEN != \([0-9]*\).*/\1/p' "$model" | sort -nu); do
        errors=$(check "$name" "$variant")
        case $errors in
        0 | broken | incomplete | '')
            wrong=$((wrong + 1))
            echo "model $name, broken variant $variant: not refused ($errors)" ;;
        *)
            refused=$((refused + 1))
            echo "model $name, broken variant $variant: refused" ;;
        esac
    done
done
echo "models: $good hold, $refused broken variants refused, $wrong wrong"
[ "$wrong" = 0 ]
