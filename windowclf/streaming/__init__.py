"""Files of any size, by one process or several."""
