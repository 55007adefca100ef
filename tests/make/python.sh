#!/bin/sh
# Makes target/python, a virtual environment with the packages of tests/requirements.txt. Does nothing when it is there already.
set -eu
cd "$(dirname "$0")/../.."
stamp=target/python/requirements.txt
if [ -f "$stamp" ] && cmp -s tests/requirements.txt "$stamp"; then exit 0; fi
if ! python3 -m venv --help >/dev/null 2>&1 || ! python3 -c 'import ensurepip' 2>/dev/null; then
	if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
		echo "installing python3-venv"
		apt-get install -y -qq python3-venv >/dev/null
	else
		echo "Python's venv module is missing: install it (Debian, Ubuntu: apt-get install python3-venv) and run this again" >&2
		exit 1
	fi
fi
mkdir -p target
python3 -m venv target/python
target/python/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
cp tests/requirements.txt "$stamp"
