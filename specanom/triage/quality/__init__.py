"""Survey quality: where anomalies crowd, and what that says of the instrument."""
