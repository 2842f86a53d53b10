"""Commands that make."""
