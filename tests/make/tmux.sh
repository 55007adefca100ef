#!/bin/sh
# Sees to it that a test has a terminal that it can drive: for the walk of spunto-replay.
set -eu
if command -v tmux >/dev/null 2>&1; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing tmux"
	apt-get install -y -qq tmux >/dev/null && exit 0
fi
echo "tmux is not installed, and the tests of spunto-replay's terminal view need it" >&2
exit 1
