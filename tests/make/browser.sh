#!/usr/bin/env bash
# What the tests in a browser need: Chromium, Python and libfaketime from the distribution, and the packages of tests/browser. Does nothing when it
# is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ ! -x "${SPUNTO_CHROMIUM:-/usr/bin/chromium}" ]; then
	if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
		echo "installing chromium"
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -qq
		apt-get install -y -qq --no-install-recommends chromium >/dev/null
	else
		echo "Chromium is missing: install it (Debian: apt-get install chromium), or name one in SPUNTO_CHROMIUM, and run this again" >&2
		exit 1
	fi
fi
if ! command -v python3 >/dev/null; then
	echo "python3 is missing: install it (Debian: apt-get install python3-minimal) and run this again" >&2
	exit 1
fi
# It puts a server's clock forward, where a journey would else wait for a quarter of an hour.
if ! find /usr/lib /usr/local/lib -path '*/faketime/libfaketimeMT.so.1' | grep -q .; then
	if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
		echo "installing libfaketime"
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libfaketime >/dev/null
	else
		echo "libfaketime is missing: install it (Debian: apt-get install libfaketime) and run this again" >&2
		exit 1
	fi
fi
packages() {
	if ! cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock"; then
		(cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
		cp "$1/package-lock.json" "$1/node_modules/.installed-lock"
	fi
}
packages tests/browser
packages web/dashboard
