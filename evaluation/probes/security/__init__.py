"""What does it add to, or take away from, a plain batch job of this user? Attempts."""
