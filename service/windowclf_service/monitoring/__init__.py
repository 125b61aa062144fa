"""What the service tells its operators: request ids, access log, events, metrics."""
