#!/usr/bin/env bash
# The power supply of a cloud's machine: boots this machine's own Debian once more, with a network, processes, files and a Docker
# Engine of its own, and does at every boot what the machine was told to do.
# usage: power.sh DIRECTORY; it has per-boot/ (the scripts), images.tar (what the machine's image brings along) and docker/ (the
# disk of its engine), and gets console.log. Orders come on standard input, a line each: "reboot", "unplug", "plug". What happens
# is told on standard output: "up PROCESS ROOT" after each start. When the input ends the machine is gone, with all that ran on it.
set -euo pipefail
directory="$1"
root="$directory/memory/root"
namespace=machine
shell=""
first=""
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }

# The root is an overlay in memory: nothing of it touches this machine's files. The engine's disk is a real one.
prepare() {
	mount --make-rprivate /
	mkdir -p "$directory/memory" "$directory/docker"
	mount -t tmpfs machine "$directory/memory"
	mkdir -p "$directory/memory/upper" "$directory/memory/work" "$root"
	mount -t overlay -o "lowerdir=/,upperdir=$directory/memory/upper,workdir=$directory/memory/work" overlay "$root"
	rm -rf "$root/var/lib/spunto" "$root/var/lib/docker" "$root/var/lib/cloud/scripts/per-boot" "$root/etc/docker"
	mkdir -p "$root/var/lib/docker" "$root/var/lib/cloud/scripts" "$root/etc/docker"
	mount --bind "$directory/docker" "$root/var/lib/docker"
	cp -r "$directory/per-boot" "$root/var/lib/cloud/scripts/per-boot"
	cp "$directory/images.tar" "$root/var/lib/images.tar"
	# Its bridge must not take the network in which the control plane is, and its processes have a place that can be swept.
	echo '{"bip":"10.215.0.1/24","cgroup-parent":"/'"$group"'","storage-driver":"overlay2"}' >"$root/etc/docker/daemon.json"
	# The names of networks are this machine's only.
	mkdir -p /run/netns
	mount -t tmpfs netns /run/netns
}

# A cable from here to the machine, with two addresses of its own; the device's name is taken or not, so no two get the same.
cable() {
	ip netns add "$namespace"
	local slot="" host
	for _ in $(seq 1 100); do
		slot=$((RANDOM % 16384))
		ip link add "spuntovm$slot" type veth peer name eth0 netns "$namespace" 2>/dev/null && break
		slot=""
	done
	[ -n "$slot" ] || { echo "no cable to be had" >&2; exit 1; }
	host="10.214.$((slot / 64)).$((slot % 64 * 4 + 1))"
	gateway="$host"
	ip addr add "$host/30" dev "spuntovm$slot"
	ip link set "spuntovm$slot" up
	inside ip addr add "10.214.$((slot / 64)).$((slot % 64 * 4 + 2))/30" dev eth0
	inside ip link set lo up
	[ "$plugged" = no ] || plug
}

inside() { nsenter "--net=/run/netns/$namespace" "$@"; }
plug() { inside ip link set eth0 up && inside ip route add default via "$gateway"; }

start() {
	cable
	# Whoever kills this one kills the first process of the machine, and that one takes all others along.
	setpriv --pdeathsig KILL nsenter "--net=/run/netns/$namespace" unshare --mount --pid --fork --kill-child \
		"$0" "$directory" "$group" system >>"$directory/console.log" 2>&1 </dev/null &
	shell=$!
	first=""
	until [ -n "$first" ]; do
		first="$(cat "/proc/$shell/task/$shell/children" 2>/dev/null || true)"
		kill -0 "$shell" 2>/dev/null || { echo "the machine does not start" >&2; exit 1; }
		[ -n "$first" ] || sleep 0.05
	done
	first="${first% }"
	echo "up $first $root"
}

stop() {
	kill -KILL "$shell" 2>/dev/null || true
	wait "$shell" 2>/dev/null || true
	# Its first process ends after all others: an engine that still writes would break what the next one reads.
	while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$first/status"; do sleep 0.02; done
	# With the namespace goes the cable.
	ip netns delete "$namespace" 2>/dev/null || true
}

# The machine's first process: what its system does at every boot.
system() {
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs run "$root/run"
	in_root dockerd &
	until in_root docker info >/dev/null 2>&1; do sleep 0.2; done
	if [ -e "$root/var/lib/images.tar" ]; then
		in_root docker load --quiet --input /var/lib/images.tar
		rm "$root/var/lib/images.tar"
	fi
	for script in "$root"/var/lib/cloud/scripts/per-boot/*; do
		echo "== ${script##*/}"
		in_root "/var/lib/cloud/scripts/per-boot/${script##*/}" || echo "== ended with $?"
	done
	wait
}

if [ "${3:-}" = system ]; then
	group="$2"
	system
	exit
fi
if [ "${2:-}" != apart ]; then exec unshare --mount "$0" "$directory" apart; fi
group="spunto-vm-$$"
plugged="${SPUNTO_VM_PLUGGED:-yes}"
sweep() {
	stop
	for _ in $(seq 1 20); do
		local left
		left="$(find /sys/fs/cgroup -depth -type d -path "*/$group*" 2>/dev/null || true)"
		[ -n "$left" ] || break
		echo "$left" | xargs rmdir 2>/dev/null || sleep 0.1
	done
}
trap sweep EXIT
prepare
start
while read -r order; do
	case "$order" in
	reboot) stop && start ;;
	unplug) plugged=no && inside ip link set eth0 down && echo unplugged ;;
	plug) plugged=yes && plug && echo plugged ;;
	esac
done
