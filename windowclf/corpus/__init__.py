"""Text and labels, in and out of files."""
