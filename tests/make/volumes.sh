#!/bin/sh
# Sees to it that file systems for tests can be made in loop devices. Where they can't be had, the tests that need them say so.
set -eu
if command -v mkfs.xfs >/dev/null 2>&1 && command -v mkfs.ext4 >/dev/null 2>&1; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing xfsprogs and e2fsprogs"
	apt-get install -y -qq xfsprogs e2fsprogs >/dev/null || echo "they could not be installed; power cuts and full disks are not tested" >&2
fi
