#!/usr/bin/env bash
# Makes sure that a Docker Engine answers: installs the distribution's where none is, starts it where none runs.
# Debian and Ubuntu as root; elsewhere says what to do.
set -euo pipefail
state="${SPUNTO_STATE:-.spunto}"

answers() { docker info >/dev/null 2>&1; }

ask() {
	# On a person's terminal nothing is installed unasked; scripts and CI go on.
	if [ -t 0 ] && [ -z "${CI:-}" ]; then
		read -r -p "$1 [Y/n] " reply
		case "$reply" in [nN]*) echo "Nothing was installed." >&2; exit 1 ;; esac
	fi
}

install_packages() {
	if ! command -v apt-get >/dev/null; then
		echo "This needs: $*. Install them with your system's package manager (Docker: https://docs.docker.com/engine/install/), then run this again." >&2
		exit 1
	fi
	if [ "$(id -u)" -ne 0 ]; then
		echo "This needs the packages: $*. As root run: apt-get install -y $*" >&2
		exit 1
	fi
	ask "Install from the distribution: $*?"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "$@"
}

missing=()
command -v docker >/dev/null || missing+=(docker.io)
if ! answers; then
	command -v dockerd >/dev/null || [ -x /usr/sbin/dockerd ] || missing+=(docker.io)
	command -v iptables >/dev/null || [ -x /usr/sbin/iptables ] || missing+=(iptables)
fi
[ -x /bin/busybox ] || missing+=(busybox-static)
# The tests look into the agent's network namespace.
command -v ss >/dev/null || missing+=(iproute2)
if [ ${#missing[@]} -gt 0 ]; then
	mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
	install_packages "${missing[@]}"
fi

if ! answers; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "Docker is installed but does not answer to you. Start it (systemctl start docker) and join its group (usermod -aG docker $USER), or run this as root." >&2
		exit 1
	fi
	if [ -d /run/systemd/system ]; then
		systemctl start docker
	else
		mkdir -p "$state"
		# A pid file of an engine that was killed would keep the next from starting.
		if [ -f /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then rm -f /var/run/docker.pid; fi
		PATH="$PATH:/usr/sbin:/sbin" setsid dockerd >"$state/dockerd.log" 2>&1 </dev/null &
	fi
	for _ in $(seq 1 300); do answers && break; sleep 0.1; done
	if ! answers; then
		echo "The Docker Engine did not start within 30 s; its log: $state/dockerd.log" >&2
		tail -n 5 "$state/dockerd.log" >&2 || true
		exit 1
	fi
fi
echo "Docker Engine $(docker version -f '{{.Server.Version}}') answers."
