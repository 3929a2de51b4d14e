"""The link lab: real servers behind an emulated link."""
