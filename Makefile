# The project's commands. `make test` checks everything; CI runs the same.

CARGO ?= cargo

.PHONY: test lint
.DEFAULT_GOAL := test

# Formatting, lints, then every test. Uses nextest where it is installed, plain `cargo test` elsewhere.
test: lint
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace; \
	else \
		echo "cargo-nextest is not installed: running cargo test instead"; \
		$(CARGO) test --workspace; \
	fi

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
