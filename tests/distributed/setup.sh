#!/bin/sh
# Installs what the test of an engine needs: Debian packages, or a virtual environment in build/distributed.
# usage: setup.sh mpi|ray|spark
set -eu
cd "$(dirname "$0")/../.."
place=build/distributed/$1
mkdir -p build/distributed

packages() {
  missing=""
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
  done
  [ -n "$missing" ] || return 0
  [ "$(id -u)" -eq 0 ] || { echo "setup: run as root: apt-get install -y$missing" >&2; exit 1; }
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
}

environment() {
  [ ! -e "$place/.complete" ] || return 0
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet "$@" pytest==9.2.0
}

case $1 in
  mpi) packages mpicxx=libopenmpi-dev mpirun=openmpi-bin ;;
  ray)
    environment 'ray[cpp]==2.60.0' lance-ray==0.5.0 pylance==14.0.2
    touch "$place/.complete"
    ;;
  spark)
    packages java=openjdk-17-jre-headless
    environment pyspark==3.5.8 pylance==14.0.2 'setuptools<81'
    [ -e "$place/.complete" ] || "$place/bin/python" tests/distributed/fetch_jars.py "$PWD/$place/ivy"
    touch "$place/.complete"
    ;;
  *) echo "usage: setup.sh mpi|ray|spark" >&2; exit 2 ;;
esac
