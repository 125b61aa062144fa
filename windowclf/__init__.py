"""Word-window taggers on pretrained vectors, with a backward pass written by hand."""
