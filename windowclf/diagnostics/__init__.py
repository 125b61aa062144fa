"""What a careful user asks first: is the network right, is the data sound, what happens in this window."""
