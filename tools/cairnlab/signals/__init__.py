"""SIGINT and SIGTERM in every phase."""
