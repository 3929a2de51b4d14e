"""What `tools/site` does."""
