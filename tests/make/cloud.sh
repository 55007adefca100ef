#!/bin/sh
# Sees to it that what machines are told to do when they start can be judged, by shellcheck and by cloud-init itself, and tried.
set -eu
if command -v shellcheck >/dev/null 2>&1 && command -v cloud-init >/dev/null 2>&1 && command -v curl >/dev/null 2>&1; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing shellcheck, cloud-init and curl"
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y -qq --no-install-recommends shellcheck cloud-init curl >/dev/null
else
	echo "This needs shellcheck, cloud-init and curl. As root run: apt-get install -y --no-install-recommends shellcheck cloud-init curl" >&2
	exit 1
fi
