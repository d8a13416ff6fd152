#!/bin/sh
# Build and run the C program with nothing but a compiler and pkg-config.
# usage: pkg_config.sh PREFIX SCRATCH
set -eu
prefix=$1
scratch=$2
source=$(dirname "$0")/../../examples/c_writer.c

rm -rf "$scratch"
mkdir -p "$scratch"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
gcc -std=c11 -Wall -Wextra -Werror "$source" $(pkg-config --cflags --libs lance-ffi) -o "$scratch/consumer"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir lance-ffi) "$scratch/consumer" "$scratch/dataset.lance"
