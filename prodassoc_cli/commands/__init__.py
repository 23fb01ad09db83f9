"""The six stages and two helpers, each thin: parse, call the domain, store, say."""
