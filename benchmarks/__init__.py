"""Speed, memory and quality, measured. Nothing here is asserted by a test."""
