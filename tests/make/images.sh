#!/usr/bin/env bash
# Builds the agent as one static binary, its image, and a small image for workers. Nothing is pulled.
set -euo pipefail
cargo="${CARGO:-cargo}"
target="$(rustc -vV | sed -n 's/^host: //p')"
# With an explicit target the flag stays away from build scripts and procedural macros.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" "$cargo" build --quiet --profile agent --target "$target" -p spunto-agent

context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
cp "target/$target/agent/spunto-agent" agent/Dockerfile "$context/"
# The builder's advice is no news; its errors are.
docker build --quiet --tag spunto-agent:local "$context" >/dev/null 2>"$context/errors" || { cat "$context/errors" >&2; exit 1; }

if ! docker image inspect spunto-busybox:local >/dev/null 2>&1; then
	root="$context/root"
	mkdir -p "$root/bin" "$root/tmp" "$root/etc"
	cp /bin/busybox "$root/bin/busybox"
	for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
	echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
	tar -C "$root" -c . | docker import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - spunto-busybox:local >/dev/null
fi
echo "Images: spunto-agent:local ($(docker image inspect -f '{{.Size}}' spunto-agent:local) bytes), spunto-busybox:local."
