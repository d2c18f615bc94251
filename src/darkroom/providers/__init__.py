"""Who carries generations out: upstream APIs, one's own machines, and the embedded renderer."""
