#!/usr/bin/env bash
# What the tests in a browser need: Chromium, Python and libfaketime from the distribution, and the packages of tests/browser. Does
# nothing when it is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
package() {
	if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
		echo "$1 is missing: install it (Debian: apt-get install $1)${2:-}, and run this again" >&2
		exit 1
	fi
	echo "installing $1"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}
[ -x "${SPUNTO_CHROMIUM:-/usr/bin/chromium}" ] || package chromium ", or name one in SPUNTO_CHROMIUM"
# It starts Chromium so that it hears of no change of networks.
command -v python3 >/dev/null || package python3-minimal
# It puts a server's clock forward, where a journey would else wait for a quarter of an hour.
find /usr/lib /usr/local/lib -path '*/faketime/libfaketimeMT.so.1' | grep -q . || package libfaketime
packages() {
	if ! cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock"; then
		(cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
		cp "$1/package-lock.json" "$1/node_modules/.installed-lock"
	fi
}
packages tests/browser
packages web/dashboard
