# The project's commands. `make up` runs the main job on this machine; `make test` checks everything, and CI runs the same.

CARGO ?= cargo
export CARGO

.PHONY: up down reset test lint deny docker images server-image
.DEFAULT_GOAL := test

# A control plane, this machine as a node, and one worker. Again: picks up where it was.
up: docker images
	@$(CARGO) build --quiet -p spunto-web -p spunto-tests --bins
	@target/debug/spunto-up up

# Stops what `make up` started; the data stays.
down:
	@$(CARGO) build --quiet -p spunto-tests --bins
	@target/debug/spunto-up down

# Stops it and forgets everything.
reset: down
	@rm -rf .spunto/data .spunto/state.json

docker:
	@tests/make/docker.sh

images: docker
	@tests/make/images.sh

# The server's image, for use: spunto:local. Not part of `make up`, which runs the server as it is built.
server-image: docker
	@tests/make/server-image.sh

# Formatting, lints, licences and bans, then every test on the real Docker Engine.
test: lint deny images
	@tests/make/server-image.sh test
	$(CARGO) build --quiet --workspace --bins
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace; \
	else \
		echo "cargo-nextest is not installed: running cargo test instead"; \
		$(CARGO) test --workspace; \
	fi

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

deny:
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "installing cargo-deny"; $(CARGO) install --quiet --locked cargo-deny; }
	$(CARGO) deny check bans licenses sources
