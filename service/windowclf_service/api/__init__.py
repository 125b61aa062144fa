"""The HTTP interface: routes, what comes in, what goes out, and the document that describes it."""
