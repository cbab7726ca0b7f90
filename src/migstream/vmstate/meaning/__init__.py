"""What bytes and numbers mean that a description only names: decoders of blobs (`decoders`), and words for numbers (`symbols`)."""
