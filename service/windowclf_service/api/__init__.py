"""The HTTP interface: routes, what comes in and what goes out."""
