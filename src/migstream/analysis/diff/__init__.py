"""What changed from one stream to another: values, guest memory, the rest."""
