"""The questions asked of every runtime. One file, one probe."""
