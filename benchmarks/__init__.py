"""Speed, always as a ratio to a baseline measured in the same run: wall times on a shared machine mean little."""
