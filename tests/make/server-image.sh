#!/usr/bin/env bash
# Builds the server and spunto-replay as static binaries, and the image that holds both. Nothing is pulled.
# Without a word: spunto:local, optimised, for use. With "test": spunto:test, from the objects that the tests are built of, so
# that it costs seconds.
set -euo pipefail
cargo="${CARGO:-cargo}"
static="-C target-feature=+crt-static"

case "${1:-local}" in
local)
	target="$(rustc -vV | sed -n 's/^host: //p')"
	# With an explicit target the flag stays away from build scripts and procedural macros.
	RUSTFLAGS="${RUSTFLAGS:-} $static" "$cargo" build --quiet --profile server --target "$target" \
		-p spunto-web --bin spunto -p spunto-replay --bin spunto-replay
	tag=spunto:local
	binaries="target/$target/server"
	;;
test)
	# The flag is for the last link only, so that nothing else is built again.
	# shellcheck disable=SC2086
	"$cargo" rustc --quiet -p spunto-web --bin spunto -- $static
	# shellcheck disable=SC2086
	"$cargo" rustc --quiet -p spunto-replay --bin spunto-replay -- $static
	tag=spunto:test
	binaries=target/debug
	;;
*)
	echo "usage: $0 [local|test]" >&2
	exit 2
	;;
esac

context="$(mktemp -d)"
trap 'rm -rf "$context"' EXIT
cp "$binaries/spunto" "$binaries/spunto-replay" web/Dockerfile "$context/"
mkdir -p "$context/root"
mkdir -m 700 "$context/root/data"
mkdir -m 1777 "$context/root/tmp"
docker build --quiet --tag "$tag" "$context" >/dev/null 2>"$context/errors" || { cat "$context/errors" >&2; exit 1; }
echo "Image: $tag ($(docker image inspect -f '{{.Size}}' "$tag") bytes)."
