#!/usr/bin/env bash
# Boots this machine's own Debian once more, as a new machine without Docker, and lets it do what it was told; thrice.
# usage: boot.sh DIRECTORY PYTHON; the directory has the machine's script as start.sh and the stub of a control plane as
# progress.py, and gets the transcripts. Everything is in namespaces of its own and gone at the end: the root is an overlay in
# memory, the network has nobody in it but this machine and its metadata service.
set -euo pipefail
directory="$1"
python="$2"
stage="${3:-}"
image=registry.example/spunto-agent:1.0
root=/run/spunto-boot/root
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

prepare() {
	mount --make-rprivate /
	mkdir -p /run/spunto-boot
	mount -t tmpfs spunto-boot /run/spunto-boot
	mkdir -p /run/spunto-boot/upper /run/spunto-boot/work "$root"
	mount -t overlay -o lowerdir=/,upperdir=/run/spunto-boot/upper,workdir=/run/spunto-boot/work overlay "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs run "$root/run"
	mkdir -p "$root/srv/boot/image"
	cp "$directory"/* "$root/srv/boot/"
	cp /bin/busybox "$root/srv/boot/image/busybox"
	# A new machine: no Docker, wherever it came from, and nothing left of ours. Its packages are at hand, as there is no network.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	in_root sh -c "dpkg-query -W -f '\${Package} ' docker.io docker-ce docker-ce-cli containerd containerd.io runc | xargs apt-get -qq -y remove"
	rm -rf "$root"/usr/local/bin/docker* "$root/etc/apt/apt.conf.d/docker-clean" "$root/var/lib/spunto" "$root/var/lib/docker"
	in_root apt-get -qq update
	in_root apt-get -qq -y --download-only --no-install-recommends install docker.io iptables iproute2 curl ca-certificates
	if in_root sh -c 'command -v docker || command -v dockerd'; then
		echo "Docker is still there" >&2
		exit 1
	fi
}

# What systemd does on a real machine: Docker runs as soon as it is installed. The agent's image is there, as there is no registry.
engine() {
	until [ -x "$root/usr/bin/docker" ] && in_root dpkg -s docker.io >/dev/null 2>&1; do sleep 0.2; done
	in_root dockerd --storage-driver vfs >"$root/srv/boot/dockerd.log" 2>&1 &
	until in_root docker info >/dev/null 2>&1; do sleep 0.2; done
	tar -C "$root/srv/boot/image" -c . | in_root docker import --change 'ENTRYPOINT ["/busybox","sleep","600"]' - "$image"
}

# A metadata service on a neighbour; its port 80, and another one as a measure of the way there.
metadata() {
	unshare --net sleep 600 &
	neighbour=$!
	until [ "$(readlink "/proc/$neighbour/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
	ip link add up0 type veth peer name meta0
	ip link set meta0 netns "$neighbour"
	ip addr add 169.254.1.1/16 dev up0
	ip link set up0 up
	nsenter --target "$neighbour" --net ip addr add 169.254.169.254/16 dev meta0
	nsenter --target "$neighbour" --net ip link set meta0 up
	mkdir -p /run/spunto-boot/metadata
	echo metadata >/run/spunto-boot/metadata/index.html
	for port in 80 8081; do
		nsenter --target "$neighbour" --net busybox httpd -f -p "169.254.169.254:$port" -h /run/spunto-boot/metadata &
	done
	until curl --silent --max-time 1 http://169.254.169.254/ >/dev/null; do sleep 0.2; done
}

boot() {
	echo "== boot"
	in_root /bin/sh -x /srv/boot/start.sh
	echo "== rules"
	ip -4 rule show
	ip -6 rule show
}

run() {
	ip link set lo up
	metadata
	chroot "$root" "$python" /srv/boot/progress.py /srv/boot/told &
	until curl --silent --output /dev/null --max-time 1 http://127.0.0.1:8080/; do sleep 0.2; done
	engine >"$root/srv/boot/engine.log" 2>&1 &
	boot >"$directory/first.log" 2>&1 || { tail -n 30 "$directory/first.log" "$root"/var/lib/spunto/*.log "$root"/srv/boot/*.log; exit 1; }
	boot >"$directory/second.log" 2>&1 || { tail -n 30 "$directory/second.log"; exit 1; }
	in_root docker inspect spunto-agent >"$directory/agent.json"
	local ask="printf 'GET / HTTP/1.0\r\n\r\n' | /busybox nc -w 3 169.254.169.254"
	get() { in_root docker run --rm --entrypoint /busybox "$image" sh -c "$ask $1" 2>&1 | tail -n 1; }
	{
		echo "host 80: $(curl --silent --max-time 3 http://169.254.169.254/ || echo refused)"
		echo "container 80: $(get 80)"
		echo "container 8081: $(get 8081)"
	} >"$directory/metadata"
	# A machine whose kernel takes no such rules.
	printf '#!/bin/sh\necho "RTNETLINK: no \\"rules\\" here" >&2\nexit 2\n' >"$root/usr/local/sbin/ip"
	chmod 755 "$root/usr/local/sbin/ip"
	if in_root /bin/sh -x /srv/boot/start.sh >"$directory/third.log" 2>&1; then exit 1; fi
	cp "$root/srv/boot/told" "$directory/told"
	in_root docker kill spunto-agent >/dev/null
}

case "$stage" in
"") exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$directory" "$python" prepare ;;
prepare)
	prepare >"$directory/prepare.log" 2>&1 || { tail -n 30 "$directory/prepare.log" >&2; exit 1; }
	exec unshare --net "$0" "$directory" "$python" run
	;;
run) run ;;
esac
