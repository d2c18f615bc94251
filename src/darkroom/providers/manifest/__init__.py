"""An upstream described as data: how it is called, what its words mean, how it fails."""
