"""What does it cost? Measured values, paired with the bare host."""
