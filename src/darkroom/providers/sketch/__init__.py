"""The embedded renderer: real media from the prompt, without network, key or weights."""
