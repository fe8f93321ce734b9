"""The dashboard that inspects clusters."""
