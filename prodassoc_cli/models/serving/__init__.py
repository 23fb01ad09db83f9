"""From a model to lists: who asks, what may be shown, in which order, and why."""
