"""What people do, in a real Chromium, against the whole house running for real."""
