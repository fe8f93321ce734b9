"""The explorer: a static page of a catalogue that needs neither kernel nor network."""
