"""What the commands take on small inputs, where a run is mostly its start."""
