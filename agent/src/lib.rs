//! Empty so far. What comes here, and what it may import, is said in the project's `ARCHITECTURE.md`.
