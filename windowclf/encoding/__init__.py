"""Words to integers: vocabulary, spelling features, gazetteers, windows."""
