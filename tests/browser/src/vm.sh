#!/usr/bin/env bash
# Machines of a fake cloud for real: each is this machine's own system once more, in namespaces of its own (network, mounts,
# processes), with a Docker Engine of its own, and does what its user-data says through cloud-init. Hidden in memory, gone at the end.
#   vm.sh up DIRECTORY            makes the network that machines of this run hang on; prints the address on it where a server can be
#   vm.sh boot NAME USER_DATA     is a machine until it is killed; prints what its start says
#   vm.sh gone NAME               takes away what a machine that was killed has left
#   vm.sh docker NAME WORDS…      asks a machine's own engine
#   vm.sh down                    takes everything of this run away
# All but the first need SPUNTO_VMS, the directory, in the environment.
set -euo pipefail
self="$(realpath "$0")"
images="spunto-agent:local spunto-busybox:local"
root=/run/spunto-vm/root
action="$1"
if [ "$action" = up ]; then SPUNTO_VMS="$2"; fi
run="$SPUNTO_VMS"
settings="$run/settings"

# What stands for a machine outside of it. An interface's name has 15 characters at most.
namespace() { echo "$bridge-$1"; }
port() { echo "$bridge-$(printf '%s' "$1" | cksum | cut -c 1-4)$2"; }

up() {
	mkdir -p "$run"
	bridge="spv$RANDOM"
	local net=""
	# A private network that nothing here uses: not Docker's, not those of workers.
	while [ -z "$net" ] || [ -n "$(ip -4 route show to match "$net.0/24" | grep -v '^default' || true)" ]; do
		net="10.$((RANDOM % 80 + 20)).$((RANDOM % 250 + 1))"
	done
	ip link add "$bridge" type bridge
	printf 'bridge=%s\nnet=%s\n' "$bridge" "$net" >"$settings"
	ip addr add "$net.1/24" dev "$bridge"
	ip link set "$bridge" up
	# shellcheck disable=SC2086 # a list
	docker save -o "$run/images.tar" $images
	echo "$net.1"
}

boot() {
	local name="$1" user_data="$2" outside inside
	outside="$(port "$name" h)"
	inside="$(port "$name" g)"
	local host=2
	# The first address that nobody has taken: a directory is made by one only.
	until mkdir "$run/address-$host" 2>/dev/null; do host=$((host + 1)); done
	mkdir -p "$run/$name"
	cp "$user_data" "$run/$name/user-data"
	echo "$host" >"$run/$name/host"
	ip netns add "$(namespace "$name")"
	ip link add "$outside" type veth peer name "$inside"
	ip link set "$inside" netns "$(namespace "$name")"
	ip link set "$outside" master "$bridge" up
	in_network() { ip -n "$(namespace "$name")" "$@"; }
	in_network link set lo up
	in_network addr add "$net.$host/24" dev "$inside"
	in_network link set "$inside" up
	in_network route add default via "$net.1"
	echo "$$" >"$run/$name/pid"
	# Not by `ip netns exec`: its /sys has no control groups, without which there is no Docker.
	exec nsenter --net="/run/netns/$(namespace "$name")" \
		unshare --mount --pid --fork --kill-child --mount-proc "$self" inside "$name"
}

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }

# The machine's first process: when it ends, everything in it does.
inside() {
	local name="$1"
	mount --make-rprivate /
	mkdir -p /run/spunto-vm
	mount -t tmpfs spunto-vm /run/spunto-vm
	mkdir -p /run/spunto-vm/upper /run/spunto-vm/work /run/spunto-vm/docker "$root"
	mount -t overlay -o lowerdir=/,upperdir=/run/spunto-vm/upper,workdir=/run/spunto-vm/work overlay "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs run "$root/run"
	rm -rf "$root/var/lib/docker" "$root/var/lib/containerd" "$root/var/lib/spunto" "$root/var/lib/cloud" "$root/etc/docker"
	mkdir -p "$root/var/lib/docker" "$root/srv/vm"
	# Beside the overlay, not in it: an engine's own overlays can't lie in another one.
	mount --bind /run/spunto-vm/docker "$root/var/lib/docker"
	cp "$run/$name/user-data" "$root/srv/vm/user-data"
	# What systemd does on a real machine: an engine that is installed runs. And there is no registry: the images are there.
	in_root dockerd --cgroup-parent "/spunto-vm-$name" >"$run/$name/dockerd.log" 2>&1 &
	until in_root docker info >/dev/null 2>&1; do
		kill -0 "$!" 2>/dev/null || { tail -n 5 "$run/$name/dockerd.log" >&2; exit 1; }
		sleep 0.1
	done
	in_root docker load --quiet <"$run/images.tar"
	start_by_cloud_init
	# It goes on until it is killed.
	wait
}

# The user-data as it came, by cloud-init's own modules; a script of Google's is run as Google's guest agent does.
start_by_cloud_init() {
	if head -n 1 "$root/srv/vm/user-data" | grep -q '^#!'; then
		cp "$root/srv/vm/user-data" "$root/srv/vm/startup-script"
		chmod 700 "$root/srv/vm/startup-script"
		in_root /srv/vm/startup-script
		return
	fi
	for module in write_files scripts_per_boot; do
		in_root cloud-init --file /srv/vm/user-data single --name "$module" --frequency always
	done
}

gone() {
	local name="$1"
	ip netns del "$(namespace "$name")" 2>/dev/null || true
	ip link del "$(port "$name" h)" 2>/dev/null || true
	# A group can be removed when its last process is gone, which the kernel may take a moment for.
	for _ in $(seq 50); do
		find /sys/fs/cgroup -depth -type d -path "*/spunto-vm-$name*" -exec rmdir {} + 2>/dev/null || true
		[ -n "$(find /sys/fs/cgroup -maxdepth 2 -type d -name "spunto-vm-$name" 2>/dev/null)" ] || break
		sleep 0.1
	done
	rmdir "$run/address-$(cat "$run/$name/host")" 2>/dev/null || true
	mv "$run/$name" "$run/gone-$name-$(date +%s%N)"
}

down() {
	for host in "$run"/spunto-*/host; do
		[ -e "$host" ] || continue
		# Whoever made it has died: what is in its network is the machine.
		ip netns pids "$(namespace "$(basename "$(dirname "$host")")")" | xargs -r kill -9 || true
		gone "$(basename "$(dirname "$host")")"
	done
	ip link del "$bridge"
	rm -rf "$run"
}

if [ "$action" != up ]; then
	bridge="" net=""
	# shellcheck source=/dev/null
	. "$settings"
fi
case "$action" in
up) up ;;
boot) boot "$2" "$3" ;;
inside) inside "$2" ;;
gone) gone "$2" ;;
docker)
	outer="$(cat "$run/$2/pid")"
	read -r first _ <"/proc/$outer/task/$outer/children"
	exec docker --host "unix:///proc/$first/root$root/run/docker.sock" "${@:3}"
	;;
down) down ;;
esac
