"""The server: one supervisor, several workers, and a gateway in each that stands before the application."""
