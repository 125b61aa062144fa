"""The tuning study: frozen against fine-tuned vectors, with evidence."""
