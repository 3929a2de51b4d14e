"""What `tools/package` does: from a commit to files that people install, the same bytes from the same
commit.
"""
