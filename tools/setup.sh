#!/bin/sh
# Installs the Debian packages the build needs and checks Rust. Says nothing when all is there.
set -eu

fail() {
  echo "setup: $1" >&2
  exit 1
}

# What must be there, and the Debian package that brings it.
missing=""
need_command() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need_file() { [ -e "$1" ] || missing="$missing $2"; }

need_command g++ build-essential
need_command make build-essential
need_command cmake cmake
need_command ninja ninja-build
need_command pkg-config pkg-config
need_command valgrind valgrind
need_command strace strace
need_command clang++ clang
# libFuzzer and the sanitizers of clang.
ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 || missing="$missing libclang-rt-dev"
need_command protoc protobuf-compiler
need_file /usr/include/google/protobuf/any.proto libprotobuf-dev
need_file /usr/include/CLI/CLI.hpp libcli11-dev
need_file /usr/include/nlohmann/json.hpp nlohmann-json3-dev
need_file /usr/include/fmt/core.h libfmt-dev
need_file /usr/include/gperftools/tcmalloc.h libgoogle-perftools-dev
need_file /usr/include/gtest/gtest.h libgtest-dev
need_file /usr/include/benchmark/benchmark.h libbenchmark-dev
need_file /usr/include/gmock/gmock.h libgmock-dev
need_command node nodejs
need_command npm npm
need_command python3 python3
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3-venv"

if [ -n "$missing" ]; then
  command -v apt-get >/dev/null 2>&1 ||
    fail "not a Debian-like system: install what these Debian packages hold, then run again:$missing"
  [ "$(id -u)" -eq 0 ] || fail "run as root: apt-get install -y$missing"
  echo "setup: installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -qq -y --no-install-recommends $missing
fi

# at_least NAME FOUND WANTED ADVICE
at_least() {
  [ "$(printf '%s\n%s\n' "$3" "$2" | sort -V | head -n 1)" = "$3" ] || fail "$1 $3 or newer is needed, found $2: $4"
}

command -v cargo >/dev/null 2>&1 && command -v rustc >/dev/null 2>&1 ||
  fail "Rust 1.94 or newer is needed: install it with https://rustup.rs, then run again"
at_least Rust "$(rustc --version | cut -d ' ' -f 2)" 1.94.0 "run 'rustup update stable'"
at_least CMake "$(cmake --version | sed -n 's/^cmake version //p')" 3.25 "install a newer one, for example with pip"
at_least g++ "$(g++ -dumpfullversion)" 12 "install a newer one"
at_least Node.js "$(node --version | cut -c 2-)" 18 "install a newer one, for example from https://nodejs.org"
at_least Python "$(python3 -c 'import platform; print(platform.python_version())')" 3.11 "install a newer one"
