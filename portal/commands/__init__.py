"""One module per group of `portal` commands, imported only when the command is used."""
