# The project's commands. `make up` runs the main job on this machine; `make test` checks everything, and CI runs the same.

CARGO ?= cargo
export CARGO

.PHONY: up down reset test lint deny docker images python volumes cloud tmux browser dashboard journeys screenshots openapi simulation test-full bench bench-full server-image
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
test: browser dashboard lint deny images python volumes cloud tmux
	@tests/make/server-image.sh test
	$(CARGO) build --quiet --workspace --bins
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace; \
	else \
		echo "cargo-nextest is not installed: running cargo test instead"; \
		$(CARGO) test --workspace; \
	fi
	@$(MAKE) --no-print-directory journeys
	@$(MAKE) --no-print-directory simulation

# The dashboard's own checks: types, lints, unit tests, and that its client is of the API as it is.
dashboard: browser
	cd web/dashboard && npm run --silent generated && npm run --silent check && npm run --silent lint && npm run --silent test

# What a person does, in a real browser, against the server, agents and engine as they are.
journeys: browser images
	$(CARGO) build --quiet -p spunto-web -p spunto-replay -p spunto-tests --bin spunto --bin spunto-replay --bin spunto-fake-cloud
	cd tests/browser && npm test --silent

# Pictures of every page, light, dark and as on a phone, and of the walk in the terminal, into target/screenshots.
screenshots: browser images tmux
	$(CARGO) build --quiet -p spunto-web -p spunto-replay -p spunto-tests --bin spunto --bin spunto-replay --bin spunto-fake-cloud
	cd tests/browser && npm run --silent screenshots

# The whole system on simulated time, network, engines and disk: its own workspace, see tests/simulation.
simulation:
	cd tests/simulation && $(CARGO) fmt --check && $(CARGO) clippy --quiet --all-targets -- -D warnings
	cd tests/simulation && $(CARGO) test --quiet -- --nocapture

# The long forms: thousands of kills, power cuts and seeds. What they gave is in tests/RECORDS.md.
test-full: images python volumes
	$(CARGO) build --quiet --workspace --bins
	SPUNTO_DAMAGES=10000 $(CARGO) test --quiet --release -p spunto-replay --test it -- --nocapture damage::
	SPUNTO_KILLS=1000 $(CARGO) test --quiet -p spunto-tests --test it -- --nocapture kills::a_hundred
	SPUNTO_POINT_STEP=1 $(CARGO) test --quiet -p spunto-tests --test it -- --nocapture points::
	SPUNTO_POWER_CUTS=50 $(CARGO) test --quiet -p spunto-tests --test it -- --nocapture power::
	cd tests/simulation && $(CARGO) run --quiet -- --seeds 5000
	cd tests/simulation && SPUNTO_MONTH_EVENTS=1000000 $(CARGO) test --quiet --test month -- --nocapture

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

deny:
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "installing cargo-deny"; $(CARGO) install --quiet --locked cargo-deny; }
	$(CARGO) deny check bans licenses sources

# What the tests need of Python, in target/python.
python:
	@tests/make/python.sh

# Chromium, and the packages of the dashboard and of its tests.
browser:
	@tests/make/browser.sh

# Tools for file systems in loop devices.
volumes:
	@tests/make/volumes.sh

# Tools that judge what a cloud machine is told to do when it starts.
cloud:
	@tests/make/cloud.sh

# A terminal for the test of spunto-replay's walk.
tmux:
	@tests/make/tmux.sh

# The snapshot of the API's description; look at what changed before it is committed.
openapi:
	@$(CARGO) build --quiet -p spunto-web
	target/debug/spunto openapi > web/openapi.json
	cd web/dashboard && npm run --silent generate

# Speed and memory beside references, as a table and as target/bench.json; the quick form takes some minutes, the full one longer.
bench bench-full: images browser
	$(CARGO) build --quiet --release -p spunto-web -p spunto-tests --features spunto-tests/bench --bins
	target/release/spunto-bench $(if $(filter bench-full,$@),full)
